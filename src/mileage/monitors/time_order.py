"""Dates among the features, while rows are dealt to folds as if they came in no order."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.data import ColumnProfile, Kind
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, word

_FEWEST = 20


class TimeOrder(Monitor):
    """Watch for dates that put rows in order: shuffled folds let a workflow learn from the future."""

    name = "time_order"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note for the date with most values, unless rows are dealt in an order already."""
        splits = context.splits
        if splits.order_by or splits.method == "on":
            return ()
        dates = [c for c in context.profile.columns if self._orders(c) and c.name != context.target_name]
        if not dates:
            return ()
        date = max(dates, key=lambda c: (c.n_distinct, c.name))
        message = f"rows are dated by {date.name}: shuffled, a workflow is scored on times it has seen"
        n = splits.n if splits.method == "folds" else 5
        clause = f"VALIDATE BY {n} FOLDS IN ORDER OF {word(date.name)}"
        evidence = {"from": str(date.min), "to": str(date.max)}
        return (Finding("W329", message, NOTE, (date.name,), evidence, clause),)

    @staticmethod
    def _orders(column: ColumnProfile) -> bool:
        return column.kind is Kind.DATETIME and column.n_distinct >= _FEWEST and column.n_missing == 0


TIME_ORDER = TimeOrder()
