"""Features that are mostly missing."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, named

_SHARE = 0.5


class MissingValues(Monitor):
    """Watch for features with more missing values than others."""

    name = "missing_values"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note that names the features, the emptiest first."""
        features, n = set(context.features), max(1, context.profile.n_rows)
        shares = {
            c.name: c.n_missing / n for c in context.profile.columns if c.name in features and c.n_missing > _SHARE * n
        }
        columns = tuple(sorted(shares, key=lambda name: (-shares[name], name)))
        if not columns:
            return ()
        verb = "is" if len(columns) == 1 else "are"
        evidence = {name: round(shares[name], 3) for name in columns[:20]}
        message = f"{named(columns)} {verb} missing in more than half of the rows"
        return (Finding("W328", message, NOTE, columns, evidence),)


MISSING_VALUES = MissingValues()
