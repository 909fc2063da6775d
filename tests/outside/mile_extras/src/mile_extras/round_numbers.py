"""``round_numbers``: numbers that were rounded before they came here."""

from mileage.core.findings import Finding
from mileage.data import Kind
from mileage.monitors import NOTE, Monitor, WatchContext

_FEWEST = 20


class RoundNumbers(Monitor):
    """Watch for numbers that all end in 0: they were rounded, and their noise is larger than it looks."""

    name = "round_numbers"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note for all such columns."""
        numeric = [c.name for c in context.profile.columns if c.name in context.features and c.kind is Kind.NUMERIC]
        frame = context.read([(name, Kind.NUMERIC) for name in numeric])
        columns = tuple(n for n in numeric if frame[n].nunique() >= _FEWEST and (frame[n].dropna() % 10 == 0).all())
        if not columns:
            return ()
        return (
            Finding("W901", f"{', '.join(columns)}: all values end in 0", NOTE, columns, {"columns": len(columns)}),
        )


ROUND_NUMBERS = RoundNumbers()
