"""What was done to read the data: a code, names and types that are not as the user wrote them."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors.monitor import NOTE, Monitor, WatchContext

_SHOWN = 5


class Reading(Monitor):
    """Watch for data that could not be read just as it is."""

    name = "reading"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note for each thing that was done to read the data, the first few of them."""
        notes = list(context.dataset.notes)
        if len(notes) > _SHOWN:
            notes[_SHOWN:] = [f"{len(notes) - _SHOWN:,} more columns or lines were changed to be read"]
        return tuple(Finding("W331", note, NOTE) for note in notes)


READING = Reading()
