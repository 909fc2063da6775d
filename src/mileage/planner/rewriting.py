"""Facts that change values: an order becomes ranks, numbers written as text become numbers."""

from __future__ import annotations

from mileage.data import Column, Dataset, Kind, canonical_sql, literal, quote
from mileage.language import ast
from mileage.planner.columns import Stated
from mileage.planner.logical import Assumption
from mileage.planner.mistakes import Mistakes

_SHOWN = 4
_NUMBERS = frozenset({"int", "float", "bool"})


def with_facts(dataset: Dataset, stated: tuple[Stated, ...], mistakes: Mistakes) -> tuple[Dataset, list[Assumption]]:
    """Return the dataset with columns rewritten that a fact gives an order or calls numbers, and what that changed."""
    replaced: dict[str, str] = {}
    assumed: list[Assumption] = []
    for fact in stated:
        column = dataset.schema.find(fact.column.text)
        if column is None:
            continue
        if fact.kind.name == "ordinal":
            replaced[column.name] = _ranks(fact, column, dataset, mistakes)
        elif fact.kind.name == "numeric" and column.sql_type == "VARCHAR":
            replaced[column.name] = _number(column)
            assumed += _check_numbers(fact, column, dataset, mistakes)
    if not replaced or mistakes.found:
        return dataset, assumed
    changes = ", ".join(f"{sql} AS {quote(name)}" for name, sql in replaced.items())
    return dataset.database.derive(dataset, f"* REPLACE ({changes})"), assumed


def _number(column: Column) -> str:
    return canonical_sql(column, Kind.NUMERIC)


def _ranks(fact: Stated, column: Column, dataset: Dataset, mistakes: Mistakes) -> str:
    """Return the SQL of the rank of each value; note values that the order does not name."""
    levels = [ast.plain(value) for value in fact.kind.values]
    if len(set(map(str, levels))) < len(levels):
        mistakes.add("E242", f"the order of {column.name} names a value twice", fact.kind.span)
        return quote(column.name)
    tests = [_is(column, level) for level in levels]
    named = " OR ".join(tests)
    name = quote(column.name)
    rows = dataset.database.rows(
        f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM ({dataset.over([column.name])}) WHERE {name} IS NOT NULL AND NOT ({named}) ORDER BY 1 LIMIT {_SHOWN}"
    )
    if rows:
        left = ", ".join(f"'{row[0]}'" for row in rows[: _SHOWN - 1]) + (", ..." if len(rows) == _SHOWN else "")
        hint = "name each of its values once, lowest first"
        mistakes.add("E242", f"the order of {column.name} does not name {left}", fact.kind.span, hint=hint)
    whens = " ".join(f"WHEN {test} THEN {rank}" for rank, test in enumerate(tests))
    return f"CASE {whens} END::DOUBLE"


def _is(column: Column, level: ast.Plain) -> str:
    if str(column.dtype) in _NUMBERS and isinstance(level, int | float):
        return f"{quote(column.name)} = {level!r}"
    return f"CAST({quote(column.name)} AS VARCHAR) = {literal(str(level))}"


def _check_numbers(fact: Stated, column: Column, dataset: Dataset, mistakes: Mistakes) -> list[Assumption]:
    name, number = quote(column.name), _number(column)
    bad = f"{name} IS NOT NULL AND {number} IS NULL"
    [(n, n_bad, example)] = dataset.database.rows(
        f"SELECT count({name}), count(*) FILTER ({bad}), min({name}) FILTER ({bad}) FROM ({dataset.over([column.name])})"
    )
    if n_bad > n / 2:
        message = f"{fact.text}, but {n_bad:,} of its {n:,} values are no numbers, such as '{example}'"
        mistakes.add(
            "E242", message, fact.kind.span, hint="leave the fact out, or convert the column in FROM (SELECT ...)"
        )
        return []
    text = f"{n_bad:,} of {n:,} values of {column.name} are no numbers, such as '{example}', and count as missing"
    return [Assumption(text)] if n_bad else []
