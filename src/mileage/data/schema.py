"""Columns and their types, physical and semantic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from mileage.core.near import near_matches
from mileage.errors import DataError


class DType(StrEnum):
    """How values are stored."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    DURATION = "duration"
    OTHER = "other"


class Kind(StrEnum):
    """What values mean."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    DATETIME = "datetime"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: name, storage type, and the type's name in DuckDB."""

    name: str
    dtype: DType
    sql_type: str


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(column.name for column in self.columns)

    def find(self, name: str) -> Column | None:
        """Return the column, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def get(self, name: str) -> Column:
        """Return the column.

        Raises
        ------
        DataError
            If there is none; the message has near names.
        """
        column = self.find(name)
        if column is None:
            near = near_matches(name, self.names)
            raise DataError(f"no column '{name}'", code="D404", hint=f"near it: {', '.join(near)}" if near else None)
        return column

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)


def dtype_of(sql_type: str) -> DType:
    """Return the storage type for a DuckDB type name.

    Examples
    --------
    >>> dtype_of("DECIMAL(10,2)"), dtype_of("UBIGINT"), dtype_of("INTEGER[]")
    (<DType.FLOAT: 'float'>, <DType.INT: 'int'>, <DType.OTHER: 'other'>)
    """
    name = sql_type.upper()
    if name.endswith("]"):
        return DType.OTHER
    base = name.split("(")[0].strip()
    if base.startswith("TIMESTAMP"):
        return DType.TIMESTAMP
    if base.startswith("ENUM") or base in {"VARCHAR", "UUID"}:
        return DType.STRING
    return _TYPES.get(base, DType.OTHER)


_INTS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_TYPES = {
    **dict.fromkeys(_INTS, DType.INT),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL", "REAL"), DType.FLOAT),
    "BOOLEAN": DType.BOOL,
    '"NULL"': DType.FLOAT,  # a frame's column without a value
    "DATE": DType.DATE,
    "TIME": DType.TIME,
    "TIME WITH TIME ZONE": DType.TIME,
    "INTERVAL": DType.DURATION,
}
