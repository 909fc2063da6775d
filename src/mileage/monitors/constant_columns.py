"""Columns with one value: nothing can be learned from them."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.data import Kind
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, named


class ConstantColumns(Monitor):
    """Watch for columns that have one value, or none."""

    name = "constant_columns"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one note that names them."""
        columns = tuple(
            c.name for c in context.profile.columns if c.kind is Kind.CONSTANT and c.name != context.target_name
        )
        if not columns:
            return ()
        verb = "has" if len(columns) == 1 else "have"
        empty = all(c.n_distinct == 0 for c in context.profile.columns if c.name in columns)
        what = "no value" if empty else "one value only"
        return (Finding("W325", f"{named(columns)} {verb} {what}", NOTE, columns, {"columns": len(columns)}),)


CONSTANT_COLUMNS = ConstantColumns()
