"""Data that was not trained on: what VALIDATE ON and APPLY name is read as the training data was, or refused."""

from __future__ import annotations

from mileage.data import Column, Dataset, DType, Kind, TargetProfile, canonical_sql, quote
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.columns import stated_facts
from mileage.planner.mistakes import Mistakes
from mileage.planner.rewriting import with_facts
from mileage.workflow import Features

_NUMBERS = frozenset({DType.INT, DType.FLOAT, DType.BOOL})
_DATES = frozenset({DType.DATE, DType.TIMESTAMP})
_SHOWN = 5


def as_stated(query: ast.Predict, new: Dataset, mistakes: Mistakes) -> Dataset:
    """Return new data with the columns rewritten that a fact of the query gives an order or calls numbers."""
    stated = tuple(fact for fact in stated_facts(query) if new.schema.find(fact.column.text) is not None)
    return with_facts(new, stated, mistakes)[0]


def check_types(trained: Dataset, features: Features, new: Dataset) -> None:
    """Check that the features of new data can be read as they were in training.

    A column without any value is of no type and fits all.

    Raises
    ------
    DataError
        Naming every column that has changed its type, with a value that shows it (D451).
    """
    changed = [why for name in features.names if (why := _retyped(trained, features, new, name)) is not None]
    if changed:
        name = next(n for n in features.names if changed[0].startswith(f"{n} ("))
        kind = trained.schema.get(name).sql_type
        hint = f"convert them: (SELECT * REPLACE (CAST({quote(name)} AS {kind}) AS {quote(name)}) FROM ...)"
        raise DataError(f"{new.describe} has other types: {_listed(changed)}", code="D451", hint=hint)


def _retyped(trained: Dataset, features: Features, new: Dataset, name: str) -> str | None:
    """Say how a column has changed: a text for a number, ``1.0`` for the category ``1``; None if it reads the same."""
    before, now = trained.schema.get(name), new.schema.get(name)
    alike = before.dtype is now.dtype or {before.dtype, now.dtype} <= _DATES
    if name in features.numeric:
        alike = alike or ({before.dtype, now.dtype} <= _NUMBERS | {DType.STRING} and now.dtype is not DType.STRING)
    if alike:
        return None
    kind = Kind.NUMERIC if name in features.numeric else Kind.DATETIME if name in features.datetime else None
    value = _first_value(new, now, kind if now.dtype is DType.STRING else None)
    if value is None:
        return None
    return f"{name} ({before.sql_type} in training, here {now.sql_type} such as '{value}')"


def _first_value(new: Dataset, column: Column, kind: Kind | None) -> str | None:
    """Return the first value of a column, or the first that is none of a kind."""
    name = quote(column.name)
    bad = f" AND {canonical_sql(column, kind)} IS NULL" if kind is not None else ""
    found = new.database.rows(
        f"SELECT CAST({name} AS VARCHAR) FROM ({new.over([column.name])}) WHERE {name} IS NOT NULL{bad} LIMIT 1"
    )
    return str(found[0][0]) if found else None


def check_test_target(name: str, target: TargetProfile, test: Dataset) -> None:
    """Check that a table to score on has the target, in values that were trained on.

    Raises
    ------
    DataError
        If it has no value (D420), values that are no numbers (D422), or unknown classes (D431).
    """
    kind = Kind.NUMERIC if target.task == "regression" else Kind.CATEGORICAL
    column = test.schema.get(name)
    if target.task == "regression" and column.dtype not in _NUMBERS:
        bad = _first_value(test, column, kind)
        if bad is not None:
            message = f"the target {name} of {test.describe} has values that are no numbers, such as '{bad}'"
            raise DataError(message, code="D422", hint="predict it AS CLASSIFICATION, or convert it")
    value = canonical_sql(column, kind)
    rows = test.database.rows(f"SELECT DISTINCT {value} AS v FROM ({test.over([name])}) WHERE {value} IS NOT NULL")
    if not rows:
        raise DataError(f"the target {name} of {test.describe} has no value", code="D420", hint="fill it")
    unknown = sorted(str(v) for (v,) in rows if v not in target.classes) if target.task != "regression" else []
    if unknown:
        message = f"{test.describe} has classes of {name} that the training data lacks: {_listed(unknown)}"
        raise DataError(message, code="D431", hint=f"the training data has {_listed(list(target.classes))}")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
