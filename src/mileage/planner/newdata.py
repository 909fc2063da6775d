"""Data that was not trained on: the table of VALIDATE ON and of APPLY must look as the training data does."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.core.near import near_matches
from mileage.data import Column, Database, Dataset, DType, Kind, canonical_sql, quote
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.sources import bind_from, with_facts
from mileage.workflow import Features

_NUMBERS = frozenset({DType.INT, DType.FLOAT, DType.BOOL})
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Training:
    """What is known of the training data: its table, its target and the features that are used."""

    dataset: Dataset
    target: str
    task: str
    classes: tuple[str, ...]
    features: Features


def bind_test(query: ast.Predict, database: Database, mistakes: Mistakes, training: Training) -> Dataset | None:
    """Return the dataset of VALIDATE ON, or note why it cannot score; None where the query has none."""
    clause = query.clause(ast.Validate)
    if clause is None or not isinstance(clause.method, ast.On):
        return None
    source = clause.method.source
    test = bind_from(source, database, mistakes, clause.span)
    if test is None:
        return None
    test = with_facts(query, test)
    try:
        check_features(training, test, also=(training.target,))
        _check_target(training, test)
    except DataError as error:
        mistakes.add(error.code, error.message, source.span or clause.span, hint=error.hint)
    return test


def check_features(training: Training, new: Dataset, *, also: tuple[str, ...] = ()) -> None:
    """Check that a table has the features of the training data, with values that fit their types.

    Raises
    ------
    DataError
        Naming every column that is missing (D450), or that has values of another type (D451).
    """
    wanted, names = (*training.features.names, *also), new.schema.names
    missing = [name for name in wanted if name not in names]
    if missing:
        near = {name: near_matches(name, names, at_most=1) for name in missing}
        hints = [f"{name}: did you mean {match[0]}?" for name, match in near.items() if match]
        hint = "; ".join(hints[:_SHOWN]) or "give all columns that the training data has"
        raise DataError(f"{new.describe} lacks {_listed(missing)}", code="D450", hint=hint)
    kinds = dict.fromkeys(training.features.numeric, Kind.NUMERIC) | dict.fromkeys(
        training.features.datetime, Kind.DATETIME
    )
    retyped = [why for name, kind in kinds.items() if (why := _unlike(training, new, name, kind)) is not None]
    if retyped:
        hint = "convert them in (SELECT * REPLACE (TRY_CAST(trim(x) AS DOUBLE) AS x) FROM ...)"
        raise DataError(f"{new.describe} has other types: {_listed(retyped)}", code="D451", hint=hint)


def _unlike(training: Training, new: Dataset, name: str, kind: Kind) -> str | None:
    """Say which value of a column cannot be read as it was in training, None if all can."""
    before, now = training.dataset.schema.get(name), new.schema.get(name)
    if now.dtype is before.dtype or (kind is Kind.NUMERIC and now.dtype in _NUMBERS):
        return None
    if now.sql_type == '"NULL"':
        return None
    bad = _first_bad(new, now, kind)
    return None if bad is None else f"{name} ({before.sql_type} in training, here {now.sql_type} such as '{bad}')"


def _first_bad(new: Dataset, column: Column, kind: Kind) -> str | None:
    name = quote(column.name)
    found = new.database.rows(
        f"SELECT CAST({name} AS VARCHAR) FROM ({new.relation_sql}) WHERE {name} IS NOT NULL AND {canonical_sql(column, kind)} IS NULL LIMIT 1"
    )
    return str(found[0][0]) if found else None


def _check_target(training: Training, test: Dataset) -> None:
    kind = Kind.NUMERIC if training.task == "regression" else Kind.CATEGORICAL
    column = test.schema.get(training.target)
    value = canonical_sql(column, kind)
    rows = test.database.rows(
        f"SELECT DISTINCT {value} AS v FROM ({test.relation_sql}) WHERE {value} IS NOT NULL ORDER BY v"
    )
    if training.task == "regression":
        bad = None if column.dtype in _NUMBERS else _first_bad(test, column, kind)
        if bad is not None:
            message = f"the target {training.target} of {test.describe} has values that are no numbers, such as '{bad}'"
            raise DataError(message, code="D422", hint="predict it AS CLASSIFICATION, or convert it")
    unknown = [str(v) for (v,) in rows if v not in training.classes] if training.task != "regression" else []
    if unknown:
        message = f"{test.describe} has classes of {training.target} that the training data lacks: {_listed(unknown)}"
        raise DataError(message, code="D431", hint=f"the training data has {_listed(list(training.classes))}")
    if not rows:
        raise DataError(f"the target {training.target} of {test.describe} has no value", code="D420", hint="fill it")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
