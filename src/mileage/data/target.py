"""What the target says of the task: its classes and their balance, or its distribution."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.data.dataset import Dataset, canonical_sql
from mileage.data.schema import Column, DType, Kind
from mileage.data.sqltext import quote
from mileage.errors import DataError

_TRUE_WORDS = frozenset({
    "1", "1.0", "true", "t", "yes", "y", "on", "positive", "pos", "+", "present", "sick", "ill", "disease", "dead", "died", "death",
    "bad", "churn", "churned", "default", "defaulted", "fraud", "spam", "attack", "malignant", "failure", "fail", "success", "won",
})  # fmt: skip
_FALSE_WORDS = frozenset(
    {"0", "0.0", "false", "f", "no", "n", "off", "negative", "neg", "-", "absent", "none", "good", "benign"}
)
_FEW_CLASSES = 20
_MANY_CLASSES = 1000
_ROWS_A_CLASS = 20


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """What the target says of the task: ``binary``, ``multiclass`` or ``regression``, and why."""

    task: str
    reason: str
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    n_missing: int = 0
    positive: str | None = None
    mean: float | None = None
    sd: float | None = None
    skew: float | None = None
    least: float | None = None


def profile_target(dataset: Dataset, name: str, task: str | None = None) -> TargetProfile:
    """Return the task that a target calls for, and its balance.

    Parameters
    ----------
    dataset : Dataset
    name : str
        The target column.
    task : {'classification', 'binary', 'multiclass', 'regression'}, optional
        What the query says; inferred if left out.

    Raises
    ------
    DataError
        If the target has no value, one class only, a class for nearly each row, or values that are no numbers for a
        regression.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from mileage.data.source import Database
    >>> table = Database().bind_frame(pa.table({"ill": ["no", "yes", "no"], "weight": [60.5, 71.2, 80.0]}))
    >>> profile_target(table, "ill").positive, profile_target(table, "weight").task
    ('yes', 'regression')
    """
    column = dataset.schema.get(name)
    if column.dtype in {DType.OTHER, DType.TIME, DType.DATE, DType.TIMESTAMP}:
        hint = "predict a number or a class made from it, in FROM (SELECT ...)"
        raise DataError(f"the target {name} holds {column.sql_type} values", code="D421", hint=hint)
    label, number = canonical_sql(column, Kind.CATEGORICAL), canonical_sql(column, Kind.NUMERIC)
    # A text such as inf is a number; its row has no finite value and is left out.
    words = f"count(TRY_CAST(trim({quote(name)}) AS DOUBLE))" if column.dtype is DType.STRING else f"count({number})"
    n, distinct, whole, numbers, least = dataset.database.rows(
        f"SELECT count({label}), count(DISTINCT {label}), count(*) FILTER ({number} = round({number})), {words}, min({number}) FROM ({dataset.over([column.name])})"
    )[0]
    if n == 0:
        raise DataError(f"the target {name} has no value", code="D420", hint="predict a column that has values")
    inferred, reason = _task(column, n, distinct, numeric=numbers == n, whole=whole == n, coded=least in {0, 1})
    if task is not None:
        reason = "you said so"
    if (task or inferred) == "regression":
        return _regression(dataset, column, reason, numeric=numbers == n)
    return _classes(dataset, column, n, distinct, reason)


def _task(column: Column, n: int, distinct: int, *, numeric: bool, whole: bool, coded: bool) -> tuple[str, str]:
    """Return the task and why; ``coded`` says that numbers begin at 0 or 1, as codes of classes do."""
    if column.dtype is DType.BOOL or distinct <= 2:
        return "classification", "it has two values" if distinct == 2 else "it has one value"
    if not numeric or (column.dtype is DType.STRING and distinct <= _FEW_CLASSES):
        return "classification", "its values are names"
    if whole and distinct <= _FEW_CLASSES and n >= _ROWS_A_CLASS * distinct:
        if coded:
            return "classification", f"it has {distinct} different whole numbers (AS REGRESSION takes them as amounts)"
        why = f"its {distinct} whole numbers begin at neither 0 nor 1, as codes of classes do"
        return "regression", f"{why} (AS CLASSIFICATION takes them as classes)"
    if whole:
        return "regression", f"its values are whole numbers, {distinct:,} different ones"
    return "regression", "its values are numbers with fractions"


def _regression(dataset: Dataset, column: Column, reason: str, *, numeric: bool) -> TargetProfile:
    if not numeric:
        hint = "predict it AS CLASSIFICATION, or convert it in FROM (SELECT ...)"
        raise DataError(f"the target {column.name} has values that are no numbers", code="D422", hint=hint)
    number = canonical_sql(column, Kind.NUMERIC)
    good, low, high, scale = dataset.database.rows(
        f"SELECT count(v), min(v), max(v), max(abs(v)) FROM (SELECT {number} AS v FROM ({dataset.over([column.name])}))"
    )[0]
    if good < 2 or low == high:
        raise DataError(f"the target {column.name} has one value only", code="D423", hint="there is nothing to predict")
    # Third powers of large numbers overflow: moments are taken of values between -1 and 1.
    mean, sd, skew = dataset.database.rows(
        f"SELECT avg(u), stddev_samp(u), CASE WHEN count(u) > 2 THEN skewness(u) END FROM (SELECT {number} / {scale!r}::DOUBLE AS u FROM ({dataset.over([column.name])}))"
    )[0]
    return TargetProfile(
        "regression", reason, n_missing=dataset.n_rows - good, mean=mean * scale, sd=sd * scale, skew=skew, least=low
    )


def _classes(dataset: Dataset, column: Column, n: int, distinct: int, reason: str) -> TargetProfile:
    if distinct < 2:
        raise DataError(f"the target {column.name} has one class only", code="D423", hint="there is nothing to predict")
    if distinct > _MANY_CLASSES or (distinct > 50 and distinct > 0.5 * n):
        hint = "predict it AS REGRESSION, or predict another column"
        raise DataError(f"the target {column.name} has {distinct:,} classes in {n:,} rows", code="D424", hint=hint)
    label = canonical_sql(column, Kind.CATEGORICAL)
    rows = dataset.database.rows(
        f"SELECT c, count(*) FROM (SELECT {label} AS c FROM ({dataset.over([column.name])})) WHERE c IS NOT NULL GROUP BY c"
    )
    found = sorted((str(value), int(count)) for value, count in rows)
    classes, counts = tuple(value for value, _ in found), tuple(count for _, count in found)
    if distinct == 2:
        return TargetProfile("binary", reason, classes, counts, dataset.n_rows - n, _positive(classes, counts))
    return TargetProfile("multiclass", reason, classes, counts, dataset.n_rows - n)


def _positive(classes: tuple[str, ...], counts: tuple[int, ...]) -> str:
    """Return the class that a user would call positive: by its name or the other's, else the rarer one."""
    words = [c.strip().casefold() for c in classes]
    named = [word in _TRUE_WORDS for word in words]
    if sum(named) == 1:
        return classes[named.index(True)]
    denied = [word in _FALSE_WORDS or word.startswith(("no ", "not ", "non-", "no_", "not_")) for word in words]
    if sum(denied) == 1:
        return classes[denied.index(False)]
    return classes[counts.index(min(counts))] if counts[0] != counts[1] else classes[1]
