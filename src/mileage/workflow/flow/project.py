"""Parquet files of which only some columns are used are read in these columns.

Who reads a file is looked at: SQL, of which DuckDB's own plan says what it scans, and selections of columns. Of CSV files
all columns are read: pandas forgives lines of a wrong length as soon as it is told which columns to use.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.workflow.flow.calls import File, FunctionCall, Slot, SqlCall
from mileage.workflow.flow.deferred import _read_file
from mileage.workflow.flow.node import Node, NodePort, upstream

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


def project_reads(ports: Mapping[str, NodePort]) -> tuple[dict[str, NodePort], tuple[str, ...]]:
    """Return the outputs of a flow whose Parquet files are read in the columns that are used, and what was left out.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from mileage.workflow.flow import node_of, read, sql
    >>> path = Path(tempfile.mkdtemp()) / "birds.parquet"
    >>> pd.DataFrame({"mass": [1.0], "sex": ["m"], "note": [""]}).to_parquet(path)
    >>> birds = read(path)
    >>> project_reads({"n": node_of(sql("SELECT count(mass) FROM birds"))})[1]
    ('read birds.parquet: 1 of 3 columns, the others are used nowhere',)
    """
    nodes = upstream(ports.values())
    asked = {port.node for port in ports.values()}
    whole = (node for node in nodes if node not in asked and not _options(node))
    empty = {node: frame for node in whole if (frame := empty_frame(node)) is not None}
    readers = readers_of(nodes, empty)
    narrow = {
        node: columns
        for node, frame in empty.items()
        if (columns := _used(frame, readers[node], empty)) is not None and len(columns) < len(frame.columns)
    }
    while changed := [node for node in nodes if not _plans_alike(node, empty, narrow)]:
        narrow = {node: columns for node, columns in narrow.items() if not set(readers[node]) & set(changed)}
    if not narrow:
        return dict(ports), ()
    said = [
        f"{node.label}: {len(columns)} of {len(empty[node].columns)} columns, the others are used nowhere"
        for node, columns in narrow.items()
    ]
    made = {node: with_options(node, columns=columns) for node, columns in narrow.items()}
    return replaced(ports, nodes, made), tuple(said)


def _options(node: Node) -> Any:
    """Return the options of a node that reads a file; empty for any other."""
    is_read = isinstance(node.call, FunctionCall) and node.call.function is _read_file
    return node.call.args[2] if is_read and isinstance(node.call, FunctionCall) else {}


def readers_of(nodes: Iterable[Node], empty: Mapping[Node, pd.DataFrame]) -> dict[Node, list[Node]]:
    """Return the nodes that read each of those in ``empty``."""
    readers: dict[Node, list[Node]] = {node: [] for node in empty}
    for node in nodes:
        for before in {port.node for port in node.inputs} & readers.keys():
            readers[before].append(node)
    return readers


def with_options(node: Node, **options: Any) -> Node:
    """Return a node that reads a file with further options."""
    assert isinstance(node.call, FunctionCall)
    reader, file, given = node.call.args
    return replace(node, call=replace(node.call, args=(reader, file, {**given, **options})))


def empty_frame(node: Node) -> pd.DataFrame | None:
    """Return the frame that a node reads from a Parquet file, without its rows; None if it does something else."""
    call = node.call
    if not isinstance(call, FunctionCall) or call.function is not _read_file:
        return None
    reader, file, options = call.args
    path = Path(file.path) if type(file) is File else Path()
    if (
        reader != "read_parquet"
        or options.keys() - {"columns"}
        or not path.is_file()
        or any("=" in part for part in path.absolute().parts)
    ):
        return None  # folders such as year=2024 add columns
    told = path.stat()
    frame = _frame_of(str(path.absolute()), told.st_mtime_ns, told.st_size)
    if frame is None:
        return None
    names = list(frame.columns)
    wanted = options.get("columns", names)
    if not isinstance(wanted, list) or set(wanted) - set(names):
        return None
    return frame[wanted] if len(set(names)) == len(names) and all(isinstance(name, str) for name in names) else None


@lru_cache(maxsize=64)
def _frame_of(path: str, mtime_ns: int, size_bytes: int) -> pd.DataFrame | None:
    """Return the frame of a Parquet file without its rows; a footer of many row groups takes long, and each rule asks for it."""
    del mtime_ns, size_bytes
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path).empty_table().to_pandas()
    except (pa.ArrowException, OSError):  # what is wrong with the file is told when it is read
        return None


def _used(frame: pd.DataFrame, readers: Iterable[Node], empty: Mapping[Node, pd.DataFrame]) -> list[str] | None:
    """Return the columns of a file that its readers use, in the order of the file; None if one of them may use any."""
    used: set[str] = set()
    for reader in readers:
        columns = _selected(reader) if isinstance(reader.call, FunctionCall) else _scanned(reader, empty)
        if columns is None or (isinstance(reader.call, FunctionCall) and not columns <= set(frame.columns)):
            return None
        used |= columns
    return [name for name in frame.columns if name in used] or [str(frame.columns[0])]  # its rows are counted


def _selected(reader: Node) -> set[str] | None:
    """Return the columns that ``frame["a"]`` or ``frame[["a", "b"]]`` selects."""
    call = reader.call
    if not isinstance(call, FunctionCall) or call.function is not operator.getitem or call.args[0] != Slot(0):
        return None
    key = call.args[1]
    names = [key] if isinstance(key, str) else key
    return set(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _scanned(reader: Node, empty: Mapping[Node, pd.DataFrame]) -> set[str] | None:
    """Return the columns that a query scans of any of its inputs, and those that it names, which have to be there."""
    call = reader.call
    if not isinstance(call, SqlCall) or any(port.node not in empty for port in reader.inputs):
        return None
    frames = [empty[port.node] for port in reader.inputs]
    plan = plan_of(call, frames)
    if plan is None:
        return None
    names = {name for frame in frames for name in frame.columns}
    found = {name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", call.text, re.IGNORECASE)}
    for info in _scans(plan):
        columns = info.get("Projections")
        if columns is None:
            return None
        found |= {columns} if isinstance(columns, str) else set(columns)
    return found - {""}


def plan_of(call: SqlCall, frames: Iterable[pd.DataFrame]) -> Any:
    """Return how DuckDB would run a query over frames of these types; None if it refuses it."""
    import duckdb

    cursor = connection().cursor()  # what is registered there, no other cursor sees
    for name, frame in zip(call.names, frames, strict=True):
        cursor.register(name, frame)
    try:
        [(_, plan)] = cursor.execute(f"EXPLAIN (FORMAT json) {call.text}").fetchall()
    except (duckdb.Error, ValueError):  # several statements, or a mistake, which is told when it runs
        return None
    finally:
        cursor.close()
    return json.loads(plan)


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """Return a database without tables; to open one takes longer than to plan a query.

    Its plans take nothing from the values of a table: the frames they are made for have no rows.
    """
    import duckdb

    made = duckdb.connect()
    made.execute("SET disabled_optimizers = 'statistics_propagation'")
    return made


def _plans_alike(node: Node, empty: Mapping[Node, pd.DataFrame], narrow: Mapping[Node, list[str]]) -> bool:
    """Say whether a query is run in just the same way over the narrow frames: a star may mean other columns there."""
    if not isinstance(node.call, SqlCall) or not any(port.node in narrow for port in node.inputs):
        return True
    whole = [empty[port.node] for port in node.inputs]
    cut = [frame[narrow.get(port.node, list(frame.columns))] for frame, port in zip(whole, node.inputs, strict=True)]
    return bool(plan_of(node.call, whole) == plan_of(node.call, cut))


def _scans(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what is told of each scan of a frame in a plan."""
    for step in plan:
        if "PANDAS" in step["name"]:
            yield step["extra_info"]
        yield from _scans(step["children"])


def replaced(ports: Mapping[str, NodePort], nodes: Iterable[Node], made: Mapping[Node, Node]) -> dict[str, NodePort]:
    """Return the outputs with some nodes replaced, and all that comes after them made anew."""
    new: dict[Node, Node] = {}
    for node in nodes:
        inputs = tuple(NodePort(new[port.node], port.output) for port in node.inputs)
        new[node] = made.get(node) or (node if inputs == node.inputs else replace(node, inputs=inputs))
    return {name: NodePort(new[port.node], port.output) for name, port in ports.items()}
