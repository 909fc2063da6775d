"""Numbers with a few words among them: read as names, though most likely meant as numbers."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.data import ColumnProfile, Kind
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, named, word


class MixedNumbers(Monitor):
    """Watch for features that would be numbers but for a few values."""

    name = "mixed_numbers"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note that names the features."""
        features = set(context.features)
        columns = tuple(c.name for c in context.profile.columns if c.name in features and self._is_mixed(c))
        if not columns:
            return ()
        message = f"{named(columns)}: numbers but for a few values, read as names"
        clause = (
            f"KNOWING {' AND '.join(word(name) for name in columns)} {'IS' if len(columns) == 1 else 'ARE'} NUMERIC"
        )
        return (Finding("W330", message, NOTE, columns, {"columns": len(columns)}, clause),)

    @staticmethod
    def _is_mixed(column: ColumnProfile) -> bool:
        return column.kind is Kind.CATEGORICAL and any(why.startswith("numbers but for") for why in column.looks)


MIXED_NUMBERS = MixedNumbers()
