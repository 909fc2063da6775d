"""Values that mean more than they are read as: days, decimal commas, codes written as numbers."""

from __future__ import annotations

from mileage.core.diagnostics import Severity
from mileage.core.findings import Finding
from mileage.data import CODES, COMMA_NUMBERS, UNCLEAR_DATES, ColumnProfile, quote
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, word

_LARGEST = 1e38


class UnreadValues(Monitor):
    """Watch for features whose values could be read in a better way, and say the clause that does it."""

    name = "unread_values"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note for each such feature."""
        features = set(context.features)
        found = [self._finding(context, c) for c in context.profile.columns if c.name in features]
        return tuple(f for f in found if f is not None)

    def _finding(self, context: WatchContext, column: ColumnProfile) -> Finding | None:
        name = quote(column.name)
        if CODES in column.looks:
            message = f"{column.name} may hold codes: it is read as numbers"
            return self._note(column, message, f"KNOWING {word(column.name)} IS CATEGORICAL")
        if any(isinstance(end, float) and abs(end) > _LARGEST for end in (column.min, column.max)):
            made = f"greatest(-1e38, least(1e38, {name}))"
            message = f"{column.name} has numbers beyond 1e38: linear models and forests cannot read them, and fail"
            return self._note(column, message, self._replaced(context, name, made), Severity.WARNING)
        if COMMA_NUMBERS in column.looks:
            made = f"TRY_CAST(replace({name}, ',', '.') AS DOUBLE)"
            message = f"{column.name} holds {COMMA_NUMBERS}: it is read as categories"
            return self._note(column, message, self._replaced(context, name, made))
        if UNCLEAR_DATES in column.looks:
            form = _day_and_month(context, name)
            made = f"try_strptime({name}, {form})" if form else ""
            message = f"{column.name} holds {UNCLEAR_DATES}: it is read as categories"
            return self._note(column, message, self._replaced(context, name, made) if made else None)
        return None

    @staticmethod
    def _replaced(context: WatchContext, name: str, made: str) -> str:
        return f"FROM (SELECT * REPLACE ({made} AS {name}) FROM ({context.dataset.relation_sql}))"

    @staticmethod
    def _note(column: ColumnProfile, message: str, clause: str | None, level: Severity = NOTE) -> Finding:
        return Finding("W330", message, level, (column.name,), {"example": str(column.max)}, clause)


def _day_and_month(context: WatchContext, name: str) -> str | None:
    """Return the format of dates with slashes, if a number above 12 tells days from months."""
    parts = ", ".join(
        f"max(TRY_CAST(regexp_extract({name}, '^(\\d+)/(\\d+)/\\d{{4}}', {i}) AS INTEGER))" for i in (1, 2)
    )
    first, second = context.dataset.database.rows(f"SELECT {parts} FROM ({context.dataset.relation_sql})")[0]
    if first is None or second is None or (first > 12) == (second > 12):
        return None
    return "'%d/%m/%Y'" if first > 12 else "'%m/%d/%Y'"


UNREAD_VALUES = UnreadValues()
