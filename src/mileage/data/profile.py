"""The profile of a table: what each column holds and what it seems to mean, from a few passes of DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from mileage.data.schema import Column, DType, Kind
from mileage.data.source import Dataset, quote
from mileage.errors import DataError

_BATCH = 50  # one statement over more columns takes DuckDB out of proportion longer
_WIDE = 200
_TEXT_WORDS, _TEXT_DISTINCT = 3.0, 0.5
_ID_NAME = re.compile(r"(^|_|\b)(id|uuid|guid|key|no|nr|number|index|rowid)$|Id$|ID$")
_TRUE_WORDS = {"1", "true", "yes", "y", "t", "positive", "pos", "sick", "bad", "churn", "churned", "default"}
_CLASS_LIMIT = 20
_MANY_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Figures of one column; ``looks`` says why its kind was inferred."""

    name: str
    dtype: DType
    kind: Kind
    n_missing: int
    n_distinct: int
    min: float | str | None = None
    max: float | str | None = None
    mean: float | None = None
    sd: float | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    mean_length: float | None = None
    words: float | None = None
    looks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """Profiles of all columns of a table."""

    n_rows: int
    columns: tuple[ColumnProfile, ...]

    def find(self, name: str) -> ColumnProfile | None:
        """Return a column's profile, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the profile as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """What the target says of the task."""

    task: str
    reason: str
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    n_missing: int = 0
    positive: str | None = None
    mean: float | None = None
    sd: float | None = None
    skew: float | None = field(default=None)


def profile(dataset: Dataset) -> Profile:
    """Return the profile of all columns.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    Profile
        Distinct values are approximate (HyperLogLog) in tables of more than 100,000 rows.
    """
    columns = [c for batch in _batches(dataset.schema.columns) for c in _profile_batch(dataset, batch)]
    tops = _top_values(dataset, [c for c in columns if c.dtype is DType.STRING and c.n_distinct <= _MANY_CLASSES])
    return Profile(dataset.n_rows, tuple(replace(c, top=tops.get(c.name, ())) for c in columns))


def _batches(columns: Sequence[Column]) -> Iterator[list[Column]]:
    rest = iter(columns)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _profile_batch(dataset: Dataset, batch: list[Column]) -> list[ColumnProfile]:
    exact = dataset.n_rows <= 100_000
    wide = len(dataset.schema.columns) > _WIDE
    parts = [_figures(c, exact=exact, quantiles=not wide) for c in batch]
    sql = f"SELECT {', '.join(sum(parts, []))} FROM ({dataset.relation_sql.removesuffix(' ORDER BY ALL')})"
    row = iter(dataset.database.rows(sql)[0])
    return [_column(c, [next(row) for _ in part], dataset.n_rows) for c, part in zip(batch, parts, strict=True)]


def _figures(column: Column, *, exact: bool, quantiles: bool = True) -> list[str]:
    name = quote(column.name)
    if column.dtype is DType.OTHER:
        return [f"count({name})"]
    distinct = f"count(DISTINCT {name})" if exact else f"approx_count_distinct({name})"
    base = [f"count({name})", distinct, f"min({name})", f"max({name})"]
    if column.dtype in {DType.INT, DType.FLOAT, DType.BOOL}:
        number = f"CAST({name} AS DOUBLE)"
        finite = f"FILTER (isfinite({number}))"
        spread = f"approx_quantile({number}, [0.05, 0.25, 0.5, 0.75, 0.95]) {finite}" if quantiles else "NULL"
        return [*base, f"avg({number}) {finite}", f"stddev_samp({number}) {finite}", spread]
    if column.dtype is DType.STRING:
        text = f"CAST({name} AS VARCHAR)"
        spaces = f"avg(length({text}) - length(replace({text}, ' ', '')) + 1)"
        return [
            *base,
            f"avg(length({text}))",
            spaces,
            f"count(TRY_CAST({text} AS DOUBLE))",
            f"count(TRY_CAST({text} AS TIMESTAMP))",
        ]
    return base


def _column(column: Column, figures: list[Any], n_rows: int) -> ColumnProfile:
    n = int(figures[0])
    made = ColumnProfile(column.name, column.dtype, Kind.UNSUPPORTED, n_rows - n, 0)
    if column.dtype is DType.OTHER or column.dtype is DType.TIME:
        return replace(made, looks=(f"{column.sql_type} values",))
    made = replace(made, n_distinct=int(figures[1]), min=_plain(figures[2]), max=_plain(figures[3]))
    if column.dtype in {DType.INT, DType.FLOAT, DType.BOOL}:
        quantiles = tuple(float(q) for q in figures[6] or ())
        made = replace(made, mean=figures[4], sd=figures[5], quantiles=quantiles)
    elif column.dtype is DType.STRING:
        made = replace(made, mean_length=figures[4], words=figures[5])
    kind, looks = _kind(made, figures, n, n_rows)
    return replace(made, kind=kind, looks=looks)


def _kind(c: ColumnProfile, figures: list[Any], n: int, n_rows: int) -> tuple[Kind, tuple[str, ...]]:
    """Infer the semantic type of a column from its figures."""
    if (c.n_distinct <= 1 and c.n_missing == 0) or n == 0:
        return Kind.CONSTANT, ("one value only" if n else "no value at all",)
    unique = c.n_distinct >= 0.98 * n and n >= 20
    if c.dtype in {DType.DATE, DType.TIMESTAMP}:
        return Kind.DATETIME, ("dates",)
    if c.dtype is DType.INT and unique and (_ID_NAME.search(c.name) or _is_counter(c, n)):
        return Kind.IDENTIFIER, ("unique whole numbers",)
    if c.dtype is not DType.STRING:
        return Kind.NUMERIC, ()
    if figures[6] == n:
        return (
            (Kind.IDENTIFIER, ("unique numbers stored as text",))
            if unique and _ID_NAME.search(c.name)
            else (Kind.NUMERIC, ("numbers stored as text",))
        )
    if figures[7] == n:
        return Kind.DATETIME, ("dates stored as text",)
    if (c.words or 0) >= _TEXT_WORDS - 1.5 and c.n_distinct > max(_MANY_CLASSES, _TEXT_DISTINCT * n):
        return Kind.TEXT, ("many different short texts",)
    if (c.words or 0) >= _TEXT_WORDS and c.n_distinct >= _TEXT_DISTINCT * n:
        return Kind.TEXT, (f"{c.words:.0f} words a value",)
    if unique and n_rows >= 50:
        if (c.words or 0) >= 2:
            return Kind.TEXT, ("different short texts",)
        return Kind.IDENTIFIER, ("unique names",)
    return Kind.CATEGORICAL, ()


def _is_counter(c: ColumnProfile, n: int) -> bool:
    """Whole numbers without gaps, one for each row: a row number."""
    return (
        isinstance(c.min, int | float)
        and isinstance(c.max, int | float)
        and c.max - c.min == n - 1
        and c.n_distinct == n
    )


def _top_values(dataset: Dataset, columns: list[ColumnProfile]) -> dict[str, tuple[tuple[str, int], ...]]:
    tops: dict[str, tuple[tuple[str, int], ...]] = {}
    for start in range(0, min(len(columns), 200), 50):
        batch = columns[start : start + 50]
        parts = [
            f"(SELECT {i} AS i, CAST({quote(c.name)} AS VARCHAR) AS v, count(*) AS n FROM t WHERE {quote(c.name)} IS NOT NULL GROUP BY ALL ORDER BY n DESC, v LIMIT 5)"
            for i, c in enumerate(batch)
        ]
        sql = f"WITH t AS MATERIALIZED ({dataset.relation_sql.removesuffix(' ORDER BY ALL')}) " + " UNION ALL ".join(
            parts
        )
        found: dict[int, list[tuple[str, int]]] = {}
        for i, value, n in dataset.database.rows(sql):
            found.setdefault(i, []).append((value, int(n)))
        tops |= {batch[i].name: tuple(sorted(v, key=lambda pair: (-pair[1], pair[0]))) for i, v in found.items()}
    return tops


def profile_target(dataset: Dataset, name: str, task: str | None = None) -> TargetProfile:
    """Return the task that a target calls for, and its balance.

    Parameters
    ----------
    dataset : Dataset
    name : str
        The target column.
    task : {'classification', 'regression'}, optional
        What the query says; inferred if left out.

    Raises
    ------
    DataError
        If the target has no value, one class only, a class for nearly each row, or values that are no numbers for a
        regression.
    """
    column = dataset.schema.get(name)
    relation = dataset.relation_sql.removesuffix(" ORDER BY ALL")
    text = f"CAST({quote(name)} AS VARCHAR)"
    n, distinct, numbers, whole = dataset.database.rows(
        f"SELECT count({quote(name)}), count(DISTINCT {quote(name)}), count(TRY_CAST({text} AS DOUBLE)), "
        f"count(*) FILTER (TRY_CAST({text} AS DOUBLE) = round(TRY_CAST({text} AS DOUBLE))) FROM ({relation})"
    )[0]
    if n == 0:
        raise DataError(f"the target {name} has no value", code="D420", hint="predict a column that has values")
    if column.dtype is DType.OTHER:
        raise DataError(
            f"the target {name} holds {column.sql_type} values", code="D421", hint="predict a column of plain values"
        )
    inferred, reason = _task(column, n, distinct, numeric=numbers == n, whole=whole == n)
    chosen = task or inferred
    if chosen == "regression":
        return _regression(dataset, name, n, reason if task is None else "you said so", numeric=numbers == n)
    return _classes(dataset, name, n, distinct, reason if task is None else "you said so")


def _task(column: Column, n: int, distinct: int, *, numeric: bool, whole: bool) -> tuple[str, str]:
    if column.dtype is DType.BOOL or distinct <= 2:
        return "classification", "it has two values" if distinct == 2 else "it has one value"
    if not numeric or (column.dtype is DType.STRING and distinct <= _CLASS_LIMIT):
        return "classification", "its values are names"
    if column.dtype is DType.INT and distinct <= 10 and n >= 20 * distinct and whole:
        return "classification", f"it has {distinct} different whole numbers"
    return "regression", "its values are numbers"


def _regression(dataset: Dataset, name: str, n: int, reason: str, *, numeric: bool) -> TargetProfile:
    if not numeric:
        raise DataError(
            f"the target {name} has values that are no numbers",
            code="D422",
            hint="predict it AS CLASSIFICATION, or convert it in FROM (SELECT ...)",
        )
    number = f"TRY_CAST(CAST({quote(name)} AS VARCHAR) AS DOUBLE)"
    relation = dataset.relation_sql.removesuffix(" ORDER BY ALL")
    good, mean, sd, skew, low, high = dataset.database.rows(
        f"SELECT count(*), avg(v), stddev_samp(v), CASE WHEN count(*) > 2 AND min(v) < max(v) THEN skewness(v) END, min(v), max(v) "
        f"FROM (SELECT {number} AS v FROM ({relation})) WHERE isfinite(v)"
    )[0]
    if good < 2 or low == high:
        raise DataError(f"the target {name} has one value only", code="D423", hint="there is nothing to predict")
    return TargetProfile("regression", reason, n_missing=dataset.n_rows - good, mean=mean, sd=sd, skew=skew)


def _classes(dataset: Dataset, name: str, n: int, distinct: int, reason: str) -> TargetProfile:
    if distinct < 2:
        raise DataError(f"the target {name} has one class only", code="D423", hint="there is nothing to predict")
    if distinct > _MANY_CLASSES or (distinct > 50 and distinct > 0.5 * n):
        raise DataError(
            f"the target {name} has {distinct:,} classes in {n:,} rows",
            code="D424",
            hint="predict it AS REGRESSION, or predict another column",
        )
    relation = dataset.relation_sql.removesuffix(" ORDER BY ALL")
    rows = dataset.database.rows(
        f"SELECT CAST({quote(name)} AS VARCHAR) AS v, count(*) FROM ({relation}) WHERE {quote(name)} IS NOT NULL GROUP BY v ORDER BY v"
    )
    rows = sorted((str(value), int(count)) for value, count in rows)
    classes, counts = tuple(r[0] for r in rows), tuple(r[1] for r in rows)
    if distinct == 2:
        words = [c for c in classes if c.strip().lower() in _TRUE_WORDS]
        positive = (
            words[0]
            if len(words) == 1
            else classes[counts.index(min(counts))]
            if counts[0] != counts[1]
            else classes[1]
        )
        return TargetProfile("binary", reason, classes, counts, dataset.n_rows - n, positive)
    return TargetProfile("multiclass", reason, classes, counts, dataset.n_rows - n)


def _plain(value: Any) -> float | str | None:
    return value if value is None or isinstance(value, int | float) else str(value)
