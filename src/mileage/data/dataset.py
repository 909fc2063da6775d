"""A bound source: what it holds, and the SQL that reads it, in the engine and in an exported script alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint
from mileage.data.schema import Column, DType, Kind, Schema
from mileage.data.sqltext import quote

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mileage.data.source import Database

# Formats that cannot be mistaken for one another; days before months with slashes would be a guess.
DATE_FORMATS = (
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
_CALL = re.compile(r'read_\w+\([^()]*\)|"[^"]+"(?:\."[^"]+")*')  # a function that reads files, or a table


# Amounts and shares as people write them: $1,234.50, -3 %, 12 €; a comma stands between thousands only.
WRITTEN_NUMBER = r"\s*[-+]?\s*[$€£¥]?\s*[-+]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d+)?\s*[$€£¥%]?\s*"


@dataclass(frozen=True)
class Dataset:
    """A bound source: its schema, its size, and SQL that reads it.

    ``relation_sql`` is valid in a plain DuckDB script; the rows come in the order of the file, table or frame, and of
    SQL and views sorted by all columns (a parallel GROUP BY or JOIN has no order of its own). ``notes`` says what was
    done to read it.
    """

    database: Database = field(repr=False, compare=False)
    describe: str
    relation_sql: str
    schema: Schema
    n_rows: int
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Hash of the content: of the files' bytes, or of the rows where there is no file."""
        if self.files:
            return self.database.hash_files(self.files, self.relation_sql)
        return self.database.hash_rows(self.relation_sql)

    def read(self, columns: Sequence[str], where: str | None = None, *, n_rows: int | None = None) -> pa.Table:
        """Return the columns as an Arrow table in their own types; only they are read.

        Parameters
        ----------
        columns : sequence of str
        where : str, optional
            An SQL condition that rows must meet.
        n_rows : int, optional
            The first rows only.
        """
        listed = ", ".join(quote(self.schema.get(name).name) for name in columns)
        condition = (f"\nWHERE {where}" if where else "") + (f"\nLIMIT {n_rows}" if n_rows is not None else "")
        relation = self.relation_sql if where else self.over(columns)
        return self.database.arrow(f"SELECT {listed}\nFROM ({relation}){condition}")

    def over(self, columns: Sequence[str]) -> str:
        """Return SQL of the same rows in the same order that has at least these columns: quick even of a very wide table.

        It is valid in this database only.
        """
        return self.database.wide.narrow(self.relation_sql, [self.schema.get(name).name for name in columns])

    def scan_sql(self, columns: Sequence[tuple[str, Kind]]) -> str:
        """Return the SQL that reads columns in canonical types.

        Numbers are DOUBLE (infinite ones are missing; times of day and durations are hours), categories and text
        VARCHAR, dates TIMESTAMP.
        """
        listed = ",\n       ".join(
            f"{canonical_sql(self.schema.get(name), kind)} AS {quote(name)}" for name, kind in columns
        )
        return f"SELECT {listed}\nFROM ({self.over([name for name, _ in columns])})"

    def script_sql(self, columns: Sequence[tuple[str, Kind]], *, known: str) -> str:
        """Return SQL with the values of :meth:`scan_sql` in the rows where ``known`` is, as a person would write it.

        A column that has the canonical type already, and no infinite number, is named and not cast.
        """
        doubtful = self._with_infinite([name for name, kind in columns if kind is Kind.NUMERIC])
        listed = [self._written(name, kind, doubtful) for name, kind in columns]
        body = ",\n    ".join(listed)
        return f"SELECT\n    {body}\nFROM {self.from_sql}\nWHERE {self.known_sql(known, dict(columns)[known])}"

    @property
    def from_sql(self) -> str:
        """What stands after FROM: a function that reads files or a table by name, else the whole SELECT in parentheses."""
        whole = self.relation_sql.removeprefix("SELECT * FROM ")
        if whole != self.relation_sql and _CALL.fullmatch(whole):
            return whole
        return "(\n    " + self.relation_sql.strip().replace("\n", "\n    ") + "\n)"

    def _written(self, name: str, kind: Kind, doubtful: frozenset[str]) -> str:
        column = self.schema.get(name)
        wanted = {Kind.NUMERIC: "DOUBLE", Kind.DATETIME: "TIMESTAMP"}.get(kind, "VARCHAR")
        if column.sql_type == wanted and name not in doubtful:
            return quote(name)
        if kind is Kind.NUMERIC and column.dtype is DType.FLOAT and name not in doubtful:
            return f"CAST({quote(name)} AS DOUBLE) AS {quote(name)}"
        return f"{canonical_sql(column, kind)} AS {quote(name)}"

    def known_sql(self, name: str, kind: Kind) -> str:
        """Return the condition that a column has a value in its canonical type."""
        column = self.schema.get(name)
        if column.dtype is DType.FLOAT:
            return (
                f"isfinite({quote(name)})"
                if column.sql_type == "DOUBLE"
                else f"isfinite(CAST({quote(name)} AS DOUBLE))"
            )
        same = column.dtype in {DType.INT, DType.BOOL} or kind is Kind.CATEGORICAL
        return f"{quote(name) if same else canonical_sql(column, kind)} IS NOT NULL"

    def _with_infinite(self, names: Sequence[str]) -> frozenset[str]:
        """Return those of the columns of fractions that have an infinite value."""
        floats = [name for name in names if self.schema.get(name).dtype is DType.FLOAT]
        if not floats:
            return frozenset()
        asked = ", ".join(f"coalesce(bool_or(isinf(CAST({quote(name)} AS DOUBLE))), false)" for name in floats)
        found = self.database.rows(f"SELECT {asked} FROM ({self.over(floats)})")[0]
        return frozenset(name for name, infinite in zip(floats, found, strict=True) if infinite)

    def frame(self, columns: Sequence[tuple[str, Kind]]) -> pd.DataFrame:
        """Return columns in canonical types as pandas: just what ``duckdb.sql(scan_sql).df()`` gives a script."""
        return self.database.frame(self.scan_sql(columns))

    def head(self, n_rows: int, columns: Sequence[str]) -> pa.Table:
        """Return the first rows of some columns, as they are."""
        listed = ", ".join(quote(self.schema.get(name).name) for name in columns)
        return self.database.arrow(f"SELECT {listed} FROM ({self.over(columns)}) LIMIT {n_rows}")


def canonical_sql(column: Column, kind: Kind) -> str:
    """Return the expression that casts a column to the canonical type of its kind.

    Examples
    --------
    >>> canonical_sql(Column("age", DType.INT, "BIGINT"), Kind.NUMERIC)
    'CAST("age" AS DOUBLE)'
    >>> canonical_sql(Column("since", DType.DATE, "DATE"), Kind.DATETIME)
    'CAST("since" AS TIMESTAMP)'
    """
    name = quote(column.name)
    if kind is Kind.NUMERIC:
        return _number(column, name)
    if kind is Kind.DATETIME:
        return _timestamp(column, name)
    if column.dtype is DType.FLOAT:  # NaN would be a category of its own
        return f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN CAST({name} AS VARCHAR) END"
    return f"CAST({name} AS VARCHAR)"


def _number(column: Column, name: str) -> str:
    if column.dtype in {DType.INT, DType.BOOL}:
        return f"CAST({name} AS DOUBLE)"
    if column.dtype in {DType.TIME, DType.DURATION}:
        return f"CAST(epoch({name}) AS DOUBLE) / 3600"
    if column.dtype is DType.STRING:
        bare = f"regexp_replace({name}, '[^-+.0-9]', '', 'g')"
        written = f"CASE WHEN regexp_full_match({name}, '{WRITTEN_NUMBER}') THEN {bare} END"
        number = f"coalesce(TRY_CAST({name} AS DOUBLE), TRY_CAST({written} AS DOUBLE))"
    else:
        number = f"CAST({name} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _timestamp(column: Column, name: str) -> str:
    if column.dtype is DType.STRING:
        formats = ", ".join(f"'{form}'" for form in DATE_FORMATS)
        return f"coalesce(TRY_CAST({name} AS TIMESTAMP), try_strptime({name}, [{formats}]))"
    if column.sql_type == "TIMESTAMP WITH TIME ZONE":  # else the result would depend on the machine's zone
        return f"CAST(({name} AT TIME ZONE 'UTC') AS TIMESTAMP)"
    return f"{'CAST' if column.dtype in {DType.DATE, DType.TIMESTAMP} else 'TRY_CAST'}({name} AS TIMESTAMP)"
