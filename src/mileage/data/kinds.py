"""What a column seems to mean, from its figures: one function, one rule a line."""

from __future__ import annotations

import re
from typing import NamedTuple

from mileage.data.schema import DType, Kind

_ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|no|nr|num|number|index|idx|rowid|row)$|[a-z](Id|ID)$", re.IGNORECASE)
_ENTITY_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key)$|[a-z](Id|ID)$")
_CODE_NAME = re.compile(r"(^|[_\W])(zip|zipcode|postcode|postal|code|fips|icd|sic|naics)($|[_\W])", re.IGNORECASE)
DATE_LIKE = r"^\s*(\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ,]+\d{1,4}|[A-Za-z]{3,9} \d{1,2}, \d{4})([ T,]|$)"
DECIMAL_COMMA = r"\s*[-+]?\d+,\d+\s*"
# What people write where a number or a date is not known; a name of its own among other names.
GAPS = ("", "-", "--", ".", "?", "na", "n/a", "#n/a", "nan", "nat", "null", "unknown", "missing",
        "inf", "-inf", "+inf", "infinity", "-infinity", "+infinity")  # fmt: skip
CODES = "whole numbers that may be codes"
UNCLEAR_DATES = "dates whose day and month cannot be told apart"
COMMA_NUMBERS = "numbers with a decimal comma"
_MANY = 1000
_FEW_ROWS = 20
_Verdict = tuple[Kind, tuple[str, ...]]


class Figures(NamedTuple):
    """What the rules look at; the counts of texts are zero for other types."""

    name: str
    dtype: DType
    sql_type: str
    n: int
    n_distinct: int
    n_missing: int
    low: object = None
    high: object = None
    words: float = 0.0
    n_numbers: int = 0
    n_dates: int = 0
    n_padded: int = 0
    n_gaps: int = 0
    n_date_like: int = 0
    n_commas: int = 0

    @property
    def unique(self) -> bool:
        """Whether nearly every value differs from all others."""
        return self.n >= _FEW_ROWS and self.n_distinct >= 0.98 * self.n


def is_entity(name: str) -> bool:
    """Say whether a name is one of a key: rows with equal values belong together.

    Examples
    --------
    >>> is_entity("patient_id"), is_entity("userId"), is_entity("paid")
    (True, True, False)
    """
    return _ENTITY_NAME.search(name) is not None


def infer_kind(f: Figures) -> _Verdict:
    """Return the kind of a column and the reasons.

    Examples
    --------
    >>> infer_kind(Figures("customer_id", DType.INT, "BIGINT", n=100, n_distinct=100, n_missing=0))
    (<Kind.IDENTIFIER: 'identifier'>, ('candidate identifier: unique whole numbers',))
    """
    if f.dtype is DType.OTHER:
        return Kind.UNSUPPORTED, (f"{f.sql_type} values",)
    if f.n == 0:
        return Kind.CONSTANT, ("no value at all",)
    if f.n_distinct <= 1 and f.n_missing == 0:
        return Kind.CONSTANT, ("one value only",)
    if f.dtype in {DType.DATE, DType.TIMESTAMP}:
        return Kind.DATETIME, ("dates",)
    if f.dtype in {DType.TIME, DType.DURATION}:
        return Kind.NUMERIC, (("time of day" if f.dtype is DType.TIME else "duration") + ", in hours",)
    if f.dtype is DType.STRING:
        return _text_kind(f)
    if f.dtype is DType.INT:
        return _whole_kind(f)
    return Kind.NUMERIC, ()


def _whole_kind(f: Figures) -> _Verdict:
    if f.unique and _ID_NAME.search(f.name):
        return Kind.IDENTIFIER, ("candidate identifier: unique whole numbers",)
    if (
        f.unique
        and isinstance(f.low, int | float)
        and isinstance(f.high, int | float)
        and f.n_distinct == f.n == f.high - f.low + 1
    ):
        return Kind.IDENTIFIER, ("candidate identifier: it counts the rows",)
    if is_entity(f.name) and f.n_distinct > _FEW_ROWS:
        return Kind.NUMERIC, ("candidate identifier: whole numbers that repeat",)
    if _CODE_NAME.search(f.name):
        return Kind.NUMERIC, (CODES,)
    return Kind.NUMERIC, ()


def _text_kind(f: Figures) -> _Verdict:
    known = f.n - f.n_gaps  # a gap such as inf may count as a number, too
    gaps = f", {f.n_gaps:,} of them gaps" if f.n_gaps else ""
    if f.n_numbers >= max(known, 0.5 * f.n):
        if f.unique and _ID_NAME.search(f.name):
            return Kind.IDENTIFIER, ("candidate identifier: unique numbers stored as text",)
        if f.n_padded:  # as numbers 01234 and 1234 would be one
            return Kind.CATEGORICAL, ("codes with leading zeros",)
        return Kind.NUMERIC, (f"numbers stored as text{gaps}",)
    if f.n_dates >= max(known, 0.5 * f.n):
        return Kind.DATETIME, (f"dates stored as text{gaps}",)
    if f.n_date_like >= max(known, 0.5 * f.n):
        return Kind.CATEGORICAL, (UNCLEAR_DATES,)
    if f.n_commas and f.n_commas + f.n_numbers >= max(known, 0.5 * f.n):
        return Kind.CATEGORICAL, (COMMA_NUMBERS,)
    return _words_kind(f)


def _words_kind(f: Figures) -> _Verdict:
    if f.words >= 1.5 and f.n_distinct > max(_MANY, 0.5 * f.n):
        return Kind.TEXT, ("many different short texts",)
    if (f.words >= 3 and f.n_distinct >= 0.5 * f.n) or (f.words >= 8 and f.n_distinct >= 0.2 * f.n):
        return Kind.TEXT, (f"{f.words:.0f} words a value",)
    if f.unique and f.n >= 50:
        if f.words >= 2:
            return Kind.TEXT, ("different short texts",)
        return Kind.IDENTIFIER, ("candidate identifier: unique names",)
    looks = [f"{f.n_distinct:,} categories"] if f.n_distinct > _MANY else []
    if f.n_numbers >= 0.9 * f.n:
        looks.append(f"numbers but for {f.n - f.n_numbers:,} values")
    return Kind.CATEGORICAL, tuple(looks)
