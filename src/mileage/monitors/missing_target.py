"""Rows without a target: they cannot train or score."""

from __future__ import annotations

from mileage.core.diagnostics import Severity
from mileage.core.findings import Finding
from mileage.monitors.monitor import NOTE, Monitor, WatchContext


class MissingTarget(Monitor):
    """Watch for rows that are left out since their target is missing."""

    name = "missing_target"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding with the number of rows; few of them are but a note."""
        n, total = context.target.n_missing, context.profile.n_rows
        if not n:
            return ()
        level = Severity.WARNING if n > 0.05 * total else NOTE
        message = f"{n:,} of {total:,} rows have no {context.target_name} and are left out"
        return (Finding("W327", message, level, (context.target_name,), {"rows": n}),)


MISSING_TARGET = MissingTarget()
