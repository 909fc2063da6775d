"""A class with fewer rows than folds: some folds cannot score it."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors.monitor import Monitor, WatchContext, named


class RareClass(Monitor):
    """Watch for classes that not every fold can have."""

    name = "rare_class"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding that names the rare classes, the rarest first."""
        folds = context.splits.method == "folds"
        counts, n = (
            dict(zip(context.target.classes, context.target.counts, strict=True)),
            context.splits.n if folds else 2,
        )
        rare = sorted((c for c in counts if counts[c] < n), key=lambda c: (counts[c], c))
        if not rare:
            return ()
        fewest = min(counts.values())
        what = f"the {n} folds" if folds else "a training and a test part need"
        head = f"class {rare[0]} has" if len(rare) == 1 else f"{len(rare)} classes have"
        message = f"{head} fewer rows than {what}" + ("" if len(rare) == 1 else f": {named(rare)}")
        evidence = {c: counts[c] for c in rare[:20]}
        clause = f"VALIDATE BY {fewest} FOLDS" if folds and fewest >= 2 else None
        return (Finding("W324", message, columns=(context.target_name,), evidence=evidence, suggestion=clause),)


RARE_CLASS = RareClass()
