"""Figures of many columns by few statements of DuckDB.

A statement costs by the columns of the table it reads and by the aggregates it plans. So the columns of a narrow table
are asked side by side, all in one pass; those of a wide one are stacked, and the columns of one type share their
aggregates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from mileage.data.sqltext import quote
from mileage.errors import DataError

if TYPE_CHECKING:
    from mileage.data.source import Database

T = TypeVar("T")
VALUE = "$v"  # stands for the column in an expression
_SIDE_BY_SIDE = 50  # columns of one statement; more take DuckDB out of proportion longer
_STACKED = 1000
_CELLS = 20_000_000  # of one statement over stacked columns
_MAY_OVERFLOW = frozenset({"mean", "sd"})


@dataclass(frozen=True)
class Asked:
    """What is asked of one column: ``value`` is what counts as its value, ``figures`` are wanted of these, by name.

    All are expressions of the column ``$v``; ``type`` is the type of the column as it stands.
    """

    name: str
    type: str
    value: str
    figures: Mapping[str, str]

    def of(self, column: str) -> str:
        """Return the value of a column of another name."""
        return self.value.replace(f'"{VALUE}"', quote(column))


Answer = dict[str, Any]
Relation = Callable[[Sequence[str]], str]  # SQL of the rows, with at least the columns of these names
Ask = Callable[["Database", Relation, Sequence[Asked]], list[Answer]]


def side_by_side(database: Database, relation: Relation, asked: Sequence[Asked]) -> list[Answer]:
    """Return the figures of each column, from statements in which each has aggregates of its own."""
    return [answer for batch in _batches(asked, _SIDE_BY_SIDE) for answer in _careful(_row, database, relation, batch)]


def stacked(database: Database, relation: Relation, asked: Sequence[Asked], *, n_rows: int) -> list[Answer]:
    """Return the figures of each column, from statements in which columns of one type share the aggregates."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, one in enumerate(asked):
        groups.setdefault((one.type, one.value, *one.figures.items()), []).append(i)
    found: dict[int, Answer] = {}
    for group in groups.values():
        for batch in _batches(group, max(_SIDE_BY_SIDE, min(_STACKED, _CELLS // max(1, n_rows)))):
            found |= zip(batch, _careful(_stack, database, relation, [asked[i] for i in batch]), strict=True)
    return [found[i] for i in range(len(asked))]


def by_value(
    database: Database, relation: Relation, asked: Sequence[Asked], conditions: Mapping[str, str]
) -> list[dict[str, int]]:
    """Return how many rows of each column meet each condition, looking at each distinct value once, and at the table once for all."""
    if not asked:
        return []
    values = ", ".join(one.of(one.name) for one in asked)
    stack = (
        f"SELECT unnest(range({len(asked)})) AS i, unnest([{values}]) AS v FROM {relation([one.name for one in asked])}"
    )
    listed = ", ".join(f"coalesce(sum(n) FILTER ({sql.replace(VALUE, 'v')}), 0)" for sql in conditions.values())
    counted = f"SELECT i, v, count(*) AS n FROM ({stack}) GROUP BY i, v"
    rows = {row[0]: row[1:] for row in database.rows(f"SELECT i, {listed} FROM ({counted}) GROUP BY i")}
    return [dict(zip(conditions, map(int, rows[i]), strict=True)) for i in range(len(asked))]


def _row(database: Database, relation: Relation, asked: Sequence[Asked]) -> list[Answer]:
    inner = ", ".join(f"{one.of(one.name)} AS v{i}" for i, one in enumerate(asked))
    listed = [sql.replace(VALUE, f"v{i}") for i, one in enumerate(asked) for sql in one.figures.values()]
    if not listed:
        return [{} for _ in asked]
    row = iter(
        database.rows(f"SELECT {', '.join(listed)} FROM (SELECT {inner} FROM {relation([one.name for one in asked])})")[
            0
        ]
    )
    return [{name: next(row) for name in one.figures} for one in asked]


def _stack(database: Database, relation: Relation, asked: Sequence[Asked]) -> list[Answer]:
    figures = asked[0].figures
    if not figures:
        return [{} for _ in asked]
    listed = ", ".join(sql.replace(VALUE, "v") for sql in figures.values())
    columns = ", ".join(quote(one.name) for one in asked)
    stack = f"SELECT unnest(range({len(asked)})) AS i, unnest([{columns}]) AS raw FROM {relation([one.name for one in asked])}"
    inner = f"SELECT i, {asked[0].of('raw')} AS v FROM ({stack})"
    rows = {row[0]: row[1:] for row in database.rows(f"SELECT i, {listed} FROM ({inner}) GROUP BY i")}
    nothing = database.rows(f"SELECT {listed} FROM ({inner} LIMIT 0)")[0] if len(rows) < len(asked) else ()
    return [dict(zip(figures, rows.get(i, nothing), strict=True)) for i in range(len(asked))]


def _careful(ask: Ask, database: Database, relation: Relation, asked: Sequence[Asked]) -> list[Answer]:
    """Ask; where numbers near the largest let a mean or a variance overflow, ask that column for the rest only."""
    try:
        return ask(database, relation, asked)
    except DataError as error:
        if type(error.__cause__).__name__ != "OutOfRangeException":
            raise
        if len(asked) > 1:
            half = len(asked) // 2
            return [
                answer for part in (asked[:half], asked[half:]) for answer in _careful(ask, database, relation, part)
            ]
        figures = {name: sql for name, sql in asked[0].figures.items() if name not in _MAY_OVERFLOW}
        if len(figures) == len(asked[0].figures):
            raise
        return ask(database, relation, [replace(asked[0], figures=figures)])


def _batches(things: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch
