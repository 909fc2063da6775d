"""The profile of a table: what each column holds and what it seems to mean, from two passes of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from mileage.data.dataset import Dataset, canonical_sql
from mileage.data.figures import VALUE, Asked, by_value, side_by_side, stacked
from mileage.data.kinds import DATE_LIKE, DECIMAL_COMMA, GAPS, Figures, infer_kind
from mileage.data.schema import Column, DType, Kind
from mileage.data.sqltext import literal, quote
from mileage.data.target import TargetProfile, profile_target

__all__ = ["PROFILE_VERSION", "ColumnProfile", "Profile", "TargetProfile", "profile", "profile_target"]

PROFILE_VERSION = 1  # raise it when figures change: profiles are kept
_WIDE = 200
_EXACT_ROWS = 200_000
_DISTINCT_ROWS = 1_000_000
_TOP = 5
_SHOWN = 200
_NUMBERS = frozenset({DType.INT, DType.FLOAT, DType.BOOL})
_HOURS = frozenset({DType.TIME, DType.DURATION})
_REPEATING_ROWS = 20_000  # of larger tables, what texts look like is matched on distinct values where these are few
_FEW_OF_ALL = 0.25
_LONGEST_VALUE = 40  # characters; longer texts are no numbers or dates, and slow to match


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Figures of one column; ``looks`` says why its kind was inferred. Infinite numbers and NaN count as missing."""

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

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        return data | {"dtype": str(self.dtype), "kind": str(self.kind)}


@dataclass(frozen=True)
class Profile:
    """Profiles of all columns of a table; ``n_duplicate_rows`` is None where counting them would be slow."""

    n_rows: int
    columns: tuple[ColumnProfile, ...]
    n_duplicate_rows: int | None = None
    fingerprint: str = ""

    @cached_property
    def _by_name(self) -> dict[str, ColumnProfile]:
        return {column.name: column for column in self.columns}

    def find(self, name: str) -> ColumnProfile | None:
        """Return a column's profile, or None."""
        return self._by_name.get(name)

    def to_json(self) -> dict[str, Any]:
        """Return the profile as plain data."""
        data = {"n_rows": self.n_rows, "n_duplicate_rows": self.n_duplicate_rows, "fingerprint": self.fingerprint}
        return data | {"columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Profile:
        """Return the profile that :meth:`to_json` wrote."""
        columns = tuple(
            ColumnProfile(
                **{**c, "dtype": DType(c["dtype"]), "kind": Kind(c["kind"])}
                | {
                    "quantiles": tuple(c["quantiles"]),
                    "looks": tuple(c["looks"]),
                    "top": tuple((v, n) for v, n in c["top"]),
                }
            )
            for c in data["columns"]
        )
        return cls(data["n_rows"], columns, data["n_duplicate_rows"], data["fingerprint"])


def profile(dataset: Dataset, *, sample: int | None = None) -> Profile:
    """Return the profile of all columns.

    Parameters
    ----------
    dataset : Dataset
    sample : int, optional
        Look at about this many rows, evenly spaced, and scale counts of rows up; all rows if left out.

    Returns
    -------
    Profile
        Quantiles are approximate in tables of more than 200,000 rows, numbers of distinct values in tables of more
        than 1,000,000 rows.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from mileage.data.source import Database
    >>> seen = profile(Database().bind_frame(pa.table({"age": [30, 41, None], "job": ["cook", "nurse", "cook"]})))
    >>> [(c.name, str(c.kind), c.n_missing, c.n_distinct) for c in seen.columns]
    [('age', 'numeric', 1, 2), ('job', 'categorical', 0, 2)]
    """
    passes = _Passes(dataset, sample)
    found = passes.columns()
    columns = tuple(found[c.name] for c in dataset.schema.columns)
    return Profile(dataset.n_rows, columns, passes.n_duplicate_rows(), str(dataset.fingerprint))


class _Passes:
    """The statements over one table: all figures first, then what is worth counting exactly."""

    def __init__(self, dataset: Dataset, sample: int | None) -> None:
        self.dataset, self.database = dataset, dataset.database
        # The order of rows does not matter to figures, and sorting would cost more than they do.
        self.step = 1
        self.n, self.scale = dataset.n_rows, 1.0
        self.wide = len(dataset.schema.columns) > _WIDE
        if sample is not None and sample < dataset.n_rows:
            step = -(-dataset.n_rows // sample)
            self.step, self.n = step, dataset.n_rows // step
            self.scale = dataset.n_rows / max(1, self.n)

    def relation(self, names: Sequence[str]) -> str:
        """Return the rows that are looked at, with at least these columns."""
        whole = f"({self.dataset.over(names)})"
        if self.step == 1:
            return whole
        numbered = f"(SELECT *, row_number() OVER () AS mile_row FROM {whole})"
        return f"(SELECT * EXCLUDE (mile_row) FROM {numbered} WHERE mile_row % {self.step} = 0)"

    def columns(self) -> dict[str, ColumnProfile]:
        """Return the profiles of all columns by name."""
        columns = self.dataset.schema.columns
        first = self._ask(columns, [self._figures(c) for c in columns])
        if self.matches_later:
            first = [f | looks for f, looks in zip(first, self._looks(columns, first), strict=True)]
        second = self._ask(columns, [self._counts(c, f) for c, f in zip(columns, first, strict=True)])
        return {c.name: self._profile(c, f | s) for c, f, s in zip(columns, first, second, strict=True)}

    @property
    def matches_later(self) -> bool:
        """Whether texts are matched once it is known how many distinct ones there are."""
        return self.n > _REPEATING_ROWS and not self.wide

    def _looks(self, columns: Sequence[Column], found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return how many texts of each column look like numbers, dates and so on: of few distinct ones, from these."""
        texts = [(c, f) for c, f in zip(columns, found, strict=True) if c.dtype is DType.STRING]
        few = [c for c, f in texts if f["near"] <= _FEW_OF_ALL * f["n"]]
        many = [c for c, _ in texts if c not in few]
        counts = by_value(self.database, self.relation, [_asked(c, {}) for c in few], _matches())
        others = self._ask(many, [_counted(_matches())] * len(many))
        looks: dict[Column, dict[str, Any]] = dict(zip((*few, *many), (*counts, *others), strict=True))
        return [looks.get(c, {}) for c in columns]

    def _ask(self, columns: Sequence[Column], figures: list[dict[str, str]]) -> list[dict[str, Any]]:
        asked = [_asked(c, wanted) for c, wanted in zip(columns, figures, strict=True)]
        if self.wide:
            return stacked(self.database, self.relation, asked, n_rows=self.n)
        return side_by_side(self.database, self.relation, asked)

    def _figures(self, column: Column) -> dict[str, str]:
        v = VALUE
        if column.dtype is DType.OTHER:
            return {"n": f"count({v})"}
        base = {"n": f"count({v})", "near": f"approx_count_distinct({v})", "min": f"min({v})", "max": f"max({v})"}
        if column.dtype in _NUMBERS | _HOURS:
            quantile = "quantile_cont" if self.n <= _EXACT_ROWS else "approx_quantile"
            return base | {
                "mean": f"avg({v})",
                "sd": f"stddev_samp({v})",
                "quantiles": f"{quantile}({v}, [0.05, 0.25, 0.5, 0.75, 0.95])",
            }
        if column.dtype is DType.STRING:
            trimmed = f"trim({v})"
            lengths = {
                "mean_length": f"avg(length({v}))",
                "words": f"avg(length({trimmed}) - length(replace({trimmed}, ' ', '')) + 1)",
            }
            return base | lengths | ({} if self.matches_later else _counted(_matches()))
        return base

    def _counts(self, column: Column, found: Mapping[str, Any]) -> dict[str, str]:
        """What is counted exactly: values that are few, and values whose number decides what the column is."""
        near, v = found.get("near"), VALUE
        if near is None or not found["n"]:
            return {}
        wanted = {}
        few = near <= (50 if column.dtype is DType.FLOAT or self.wide else 1000)
        if self.wide and 2 * near > found["n"]:  # hardly a value repeats: which are frequent says nothing
            few = False
        if few:
            wanted["histogram"] = f"histogram({v})"
        elif self.n <= _DISTINCT_ROWS:
            wanted["n_distinct"] = f"count(DISTINCT {v})"
        if column.dtype is DType.STRING and found["n_date_like"] >= 0.5 * found["n"]:
            text = Column(v, DType.STRING, "VARCHAR")
            wanted["n_dates"] = f"count({canonical_sql(text, Kind.DATETIME)})"
        return wanted

    def _profile(self, column: Column, f: dict[str, Any]) -> ColumnProfile:
        n, histogram = int(f["n"]), f.get("histogram") or {}
        whole = column.dtype in {DType.INT, DType.BOOL}
        n_distinct = len(histogram) or int(f.get("n_distinct", f.get("near")) or 0)
        if n and f.get("min") is not None and f.get("min") == f.get("max"):
            n_distinct = 1
        figures = Figures(
            column.name, column.dtype, column.sql_type, n, n_distinct, self.n - n, f.get("min"), f.get("max"),
            f.get("words") or 0.0, f.get("n_numbers", 0), f.get("n_dates", 0), f.get("n_padded", 0),
            f.get("n_gaps", 0), f.get("n_date_like", 0), f.get("n_commas", 0),
        )  # fmt: skip
        kind, looks = infer_kind(figures)
        if column.dtype is DType.STRING:  # what is no number or date is missing in a column of them
            n = {Kind.NUMERIC: figures.n_numbers, Kind.DATETIME: figures.n_dates}.get(kind, n)
        counted = sorted(histogram.items(), key=lambda pair: (-pair[1], str(pair[0])))[:_TOP]
        return ColumnProfile(
            column.name,
            column.dtype,
            kind,
            round((self.n - n) * self.scale),
            n_distinct,
            min=_shown(f.get("min"), whole=whole),
            max=_shown(f.get("max"), whole=whole),
            mean=f.get("mean"),
            sd=f.get("sd"),
            quantiles=tuple(float(q) for q in f.get("quantiles") or ()),
            top=tuple((str(_shown(value, whole=whole)), round(count * self.scale)) for value, count in counted),
            mean_length=f.get("mean_length"),
            words=f.get("words"),
            looks=looks,
        )

    def n_duplicate_rows(self) -> int | None:
        """Count the rows that equal an earlier one, by 64-bit hashes: a wrong one in a billion rows is unlikely."""
        if self.wide:
            return None
        names = self.dataset.schema.names
        listed = ", ".join(quote(name) for name in names)
        distinct = self.database.rows(f"SELECT count(DISTINCT hash({listed})) FROM {self.relation(names)}")[0][0]
        return round((self.n - int(distinct)) * self.scale)


def _asked(column: Column, figures: Mapping[str, str]) -> Asked:
    return Asked(column.name, column.sql_type, _plain_sql(column), figures)


def _matches() -> dict[str, str]:
    """Return what a text may look like, as conditions by the names of their counts."""
    v = VALUE
    text, short = Column(v, DType.STRING, "VARCHAR"), f"length({v}) <= {_LONGEST_VALUE}"
    gaps = ", ".join(literal(gap) for gap in GAPS)
    return {
        "n_numbers": f"CASE WHEN {short} THEN {canonical_sql(text, Kind.NUMERIC)} END IS NOT NULL",
        "n_padded": f"starts_with({v}, '0') AND regexp_matches({v}, '^0\\d')",
        "n_gaps": f"{short} AND lower(trim({v})) IN ({gaps})",
        "n_date_like": f"{short} AND regexp_matches({v}, '{DATE_LIKE}')",
        "n_commas": f"{short} AND regexp_full_match({v}, '{DECIMAL_COMMA}')",
    }


def _counted(conditions: Mapping[str, str]) -> dict[str, str]:
    return {name: f"count(*) FILTER ({condition})" for name, condition in conditions.items()}


def _plain_sql(column: Column) -> str:
    """``$v`` of the column's type in the type that figures are taken in: finite DOUBLE, VARCHAR, or its own."""
    column = replace(column, name=VALUE)
    if column.dtype in _NUMBERS | _HOURS:
        return canonical_sql(column, Kind.NUMERIC)
    if column.dtype in {DType.DATE, DType.TIMESTAMP}:
        return canonical_sql(column, Kind.DATETIME)
    return f"CAST({quote(column.name)} AS VARCHAR)" if column.dtype is DType.STRING else quote(column.name)


def _shown(value: Any, *, whole: bool) -> float | str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return int(value) if whole and abs(value) < 2**53 else value
    if isinstance(value, int):
        return value
    return str(value)[:_SHOWN]
