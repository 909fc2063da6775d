"""Tables that a query joins and uses nothing of are not read where their key is unique: such a join changes no row.

That a LEFT JOIN is needless if the joined columns are a key is DuckDB's proof: over the table grouped by these columns, its plan
does not scan the table any more. That they are a key is a step of the flow, whose result is kept as long as the file is what it
was; the table that the query sees is then an empty one. SQL leaves the order of joined rows open; it is that of the left table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mileage.workflow.flow.calls import FunctionCall, Slot, SqlCall
from mileage.workflow.flow.deferred import _read_file
from mileage.workflow.flow.node import Node, NodePort, upstream
from mileage.workflow.flow.project import connection, empty_frame, readers_of, replaced

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_TABLE = "mile_table"


def drop_joins(ports: Mapping[str, NodePort]) -> tuple[dict[str, NodePort], tuple[str, ...]]:
    """Return the outputs of a flow without needless tables, and what was left out.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from pathlib import Path
    >>> from mileage.workflow.flow import node_of, read, sql
    >>> folder = Path(tempfile.mkdtemp())
    >>> pd.DataFrame({"plane": [1, 2, 2]}).to_parquet(folder / "flights.parquet")
    >>> pd.DataFrame({"plane": [1, 2], "seats": [9, 8]}).to_parquet(folder / "planes.parquet")
    >>> flights, planes = read(folder / "flights.parquet"), read(folder / "planes.parquet")
    >>> both = sql("SELECT f.plane FROM flights f LEFT JOIN planes p ON f.plane = p.plane")
    >>> drop_joins({"both": node_of(both)})[1]
    ('read planes.parquet: not read if plane is a key of it, for nothing of it is used',)
    """
    nodes = upstream(ports.values())
    asked = {port.node for port in ports.values()}
    empty = {node: frame for node in nodes if (frame := empty_frame(node)) is not None}
    readers = readers_of(nodes, empty)
    made: dict[Node, Node] = {}
    said = []
    for node in empty:
        key = None if node in asked else _key(node, readers[node], empty)
        if key is not None:
            made[node] = _unless_key(node, key)
            said.append(f"{node.label}: not read if {', '.join(key)} is a key of it, for nothing of it is used")
    return replaced(ports, nodes, made), tuple(said)


def _key(node: Node, readers: list[Node], empty: Mapping[Node, pd.DataFrame]) -> tuple[str, ...] | None:
    """Return the columns of a table by which all its readers join it, and need it not if they are a key; or None."""
    keys = set()
    for reader in readers:
        inputs = [port.node for port in reader.inputs]
        if not isinstance(reader.call, SqlCall) or inputs.count(node) != 1 or not all(one in empty for one in inputs):
            return None
        keys.add(_key_for(reader.call, inputs.index(node), [empty[one] for one in inputs]))
    return keys.pop() if len(keys) == 1 else None


def _key_for(call: SqlCall, place: int, frames: list[pd.DataFrame]) -> tuple[str, ...] | None:
    import duckdb
    import pyarrow as pa

    cursor = connection().cursor()  # what is made there, no other cursor sees
    try:
        for i, (name, frame) in enumerate(zip(call.names, frames, strict=True)):
            if i != place:
                cursor.register(name, frame)
        table = pa.Table.from_pandas(frames[place], preserve_index=False)  # its scan is told from those of frames
        cursor.register(_TABLE, table)
        columns = list(frames[place].columns)
        scanned = _scans_of_table(cursor, call, place, columns, columns)
        if len(scanned) != 1 or not scanned[0]:
            return None
        return None if _scans_of_table(cursor, call, place, columns, scanned[0]) else scanned[0]
    except (duckdb.Error, pa.ArrowException, ValueError):  # a mistake in the query is told when it runs
        return None
    finally:
        cursor.close()


def _scans_of_table(
    cursor: duckdb.DuckDBPyConnection, call: SqlCall, place: int, columns: list[str], key: Any
) -> list[tuple[str, ...]]:
    """Return the columns of each scan of a table in the plan of a query, over the table with one row for each key."""
    each = [_quoted(name) if name in key else f"any_value({_quoted(name)}) AS {_quoted(name)}" for name in columns]
    group = "" if len(key) == len(columns) and key is columns else f" GROUP BY {', '.join(map(_quoted, key))}"
    cursor.execute(
        f"CREATE OR REPLACE TEMP VIEW {_quoted(call.names[place])} AS SELECT {', '.join(each)} FROM {_TABLE}{group}"
    )
    [(_, plan)] = cursor.execute(f"EXPLAIN (FORMAT json) {call.text}").fetchall()
    found = (info.get("Projections", ()) for info in _arrow_scans(json.loads(plan)))
    return [(columns,) if isinstance(columns, str) else tuple(columns) for columns in found]


def _arrow_scans(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in plan:
        if "ARROW" in step["name"]:
            yield step["extra_info"]
        yield from _arrow_scans(step["children"])


def _unless_key(node: Node, key: tuple[str, ...]) -> Node:
    """Return a node that gives a table without rows if columns of the file are a key, else what the node gives."""
    assert isinstance(node.call, FunctionCall)
    reader, file, options = node.call.args
    is_unique = Node(FunctionCall(is_key, (file, list(key))), (), 1, f"is {', '.join(key)} a key", node.where)
    call = FunctionCall(read_unless, (Slot(0), reader, file, options))
    return replace(node, call=call, inputs=(NodePort(is_unique),))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- what the steps do ------------------------------------------------------------------------------------------------


def is_key(path: str, columns: list[str]) -> bool:
    """Say whether no two rows of a Parquet file are alike in some columns, and none lacks a value there."""
    import duckdb

    names = ", ".join(map(_quoted, columns))
    there = " AND ".join(f"count({_quoted(name)}) = count(*)" for name in columns)
    query = f"SELECT count(*) = count(DISTINCT ({names})) AND {there} FROM read_parquet(?)"
    with duckdb.connect() as connection:
        [(found,)] = connection.execute(query, [path]).fetchall()
    return bool(found)


def read_unless(is_needless: bool, reader: str, path: str, options: dict[str, Any]) -> Any:
    """Return the frame of a Parquet file; one without rows if it is needless."""
    if not is_needless:
        return _read_file(reader, path, options)
    import pyarrow.parquet as pq

    frame = pq.read_schema(path).empty_table().to_pandas()
    return frame[options.get("columns", list(frame.columns))]
