"""Rows of a Parquet file that its only reader, a query, drops at once are not read.

The query keeps its condition, so that reading too many rows changes nothing. Reading fewer changes no type only where columns of
whole numbers miss no value, which the file's statistics say; and no sum only where the query adds up nothing: DuckDB's plan must be
a condition on the scan with selections above it, or counts, least and greatest values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.workflow.flow.calls import FunctionCall, SqlCall
from mileage.workflow.flow.node import Node, NodePort, upstream
from mileage.workflow.flow.project import empty_frame, plan_of, readers_of, replaced, with_options
from mileage.workflow.flow.query import unstable_in

if TYPE_CHECKING:
    import pandas as pd

Condition = tuple[str, str, Any]
_NUMBER = re.compile(r"\((\w+) (<=|>=|=|<|>) (-?\d+)\)")
_BETWEEN = re.compile(r"\((\w+) BETWEEN (-?\d+) AND (-?\d+)\)")
_TEXT = re.compile(r"\((\w+) (=) '([^']*)'\)")
_SELECTS = frozenset({"PROJECTION", "FILTER"})
_EXACT = re.compile(r"count_star\(\)|(count|min|max)\(#\d+\)")


def filter_reads(ports: Mapping[str, NodePort]) -> tuple[dict[str, NodePort], tuple[str, ...]]:
    """Return the outputs of a flow whose Parquet files are read in the rows that are used, and which these are.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from mileage.workflow.flow import node_of, read, sql
    >>> path = Path(tempfile.mkdtemp()) / "birds.parquet"
    >>> pd.DataFrame({"mass": [1.0, 2.0], "year": [2025, 2026]}).to_parquet(path)
    >>> birds = read(path)
    >>> filter_reads({"now": node_of(sql("SELECT mass FROM birds WHERE year >= 2026"))})[1]
    ('read birds.parquet: only rows where year >= 2026',)
    """
    nodes = upstream(ports.values())
    asked = {port.node for port in ports.values()}
    empty = {node: frame for node in nodes if (frame := empty_frame(node)) is not None and node not in asked}
    readers = readers_of(nodes, empty)
    found = {node: conditions for node in empty if (conditions := _conditions(node, readers[node], empty[node]))}
    made = {node: with_options(node, filters=conditions) for node, conditions in found.items()}
    said = [
        f"{node.label}: only rows where {' and '.join(f'{name} {sign} {value!r}' for name, sign, value in conditions)}"
        for node, conditions in found.items()
    ]
    return replaced(ports, nodes, made), tuple(said)


def _conditions(node: Node, readers: list[Node], frame: pd.DataFrame) -> list[Condition]:
    """Return the conditions that the only reader of a file puts on its rows."""
    if len(readers) != 1 or not isinstance(readers[0].call, SqlCall) or len(readers[0].inputs) != 1:
        return []
    call = readers[0].call
    plan = plan_of(call, [frame])
    if plan is None or unstable_in(call.text):
        return []
    found = [one for text in _filtered(plan) for one in _condition(text, frame)]
    return found if found and _types_stay(node, frame) else []


def _filtered(plan: Any) -> Iterable[str]:
    """Return the conditions on the scan of a plan that selects, or counts, and does nothing else; in DuckDB's words."""
    while len(plan) == 1:
        step = plan[0]
        below = step["children"]
        if step["name"] == "FILTER" and len(below) == 1 and below[0]["name"] == "PANDAS_SCAN":
            return _conjuncts(str(step["extra_info"].get("Expression", "")))
        counted = step["extra_info"].get("Aggregates", ())
        counted = [counted] if isinstance(counted, str) else counted
        exact = step["name"] == "UNGROUPED_AGGREGATE" and all(map(_EXACT.fullmatch, counted))
        if step["name"] not in _SELECTS and not exact:
            return ()
        plan = below
    return ()


def _conjuncts(text: str) -> list[str]:
    """Return the parts of a conjunction, each in its brackets.

    Examples
    --------
    >>> _conjuncts("((a <= 6) AND ((b = 1) OR (b = 2)))"), _conjuncts("(a = 1)")
    (['(a <= 6)', '((b = 1) OR (b = 2))'], ['(a = 1)'])
    """
    if _BETWEEN.fullmatch(text):
        return [text]
    parts, depth, start = [], 0, 1
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 1 and text.startswith(" AND ", i):
            parts.append(text[start:i])
            start = i + len(" AND ")
    return [*parts, text[start:-1]] if parts else [text]


def _condition(text: str, frame: pd.DataFrame) -> list[Condition]:
    """Return what a part of a condition says of a column, as a reader of Parquet files takes it; nothing if it does not."""
    number, between, word = (pattern.fullmatch(text) for pattern in (_NUMBER, _BETWEEN, _TEXT))
    if number and _is_whole(frame, number[1]):
        return [(number[1], {"=": "=="}.get(number[2], number[2]), int(number[3]))]
    if between and _is_whole(frame, between[1]):
        return [(between[1], ">=", int(between[2])), (between[1], "<=", int(between[3]))]
    if word and word[1] in frame and str(frame[word[1]].dtype) == "str":
        return [(word[1], "==", word[3])]
    return []


def _is_whole(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and frame[name].dtype.kind in "iu"


def _types_stay(node: Node, frame: pd.DataFrame) -> bool:
    """Say whether any rows of a file have the types of all rows: whole numbers and truth values that miss none, floats, text, times."""
    import pyarrow.parquet as pq

    assert isinstance(node.call, FunctionCall)
    firm = {name for name in frame if frame[name].dtype.kind in "iub"}
    if not all(name in firm or frame[name].dtype.kind in "fM" or str(frame[name].dtype) == "str" for name in frame):
        return False
    told = pq.read_metadata(Path(node.call.args[1].path))
    places = [i for i, name in enumerate(told.schema.names) if name in firm]  # names of leaves: there may be several
    columns = [told.row_group(group).column(i) for group in range(told.num_row_groups) for i in places]
    known = {column.path_in_schema for column in columns}
    return firm <= known and all(c.statistics is not None and c.statistics.null_count == 0 for c in columns)
