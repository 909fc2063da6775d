"""A class with fewer rows than folds: some folds cannot score it."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors.monitor import Monitor, WatchContext


class RareClass(Monitor):
    """Watch for classes that not every fold can have."""

    name = "rare_class"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding that names the rare classes."""
        t, n = context.target, context.splits.n if context.splits.method == "folds" else 2
        rare = [c for c, count in zip(t.classes, t.counts, strict=True) if count < n]
        if not rare:
            return ()
        shown = ", ".join(rare[:4]) + (", ..." if len(rare) > 4 else "")
        fewest = max(2, min(t.counts))
        return (
            Finding(
                "W324",
                f"{len(rare)} class(es) have fewer rows than the {n} folds: {shown}",
                suggestion=f"VALIDATE BY {fewest} FOLDS",
            ),
        )


RARE_CLASS = RareClass()
