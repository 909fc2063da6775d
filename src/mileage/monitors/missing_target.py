"""Rows without a target: they cannot train or score."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors.monitor import Monitor, WatchContext


class MissingTarget(Monitor):
    """Watch for rows that are left out since their target is missing."""

    name = "missing_target"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding with the number of rows."""
        n = context.target.n_missing
        return (Finding("W327", f"{n:,} rows have no {context.target_name} and are left out"),) if n else ()


MISSING_TARGET = MissingTarget()
