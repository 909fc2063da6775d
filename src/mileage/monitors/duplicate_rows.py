"""Equal rows that would stand in different folds."""

from __future__ import annotations

from mileage.core.diagnostics import Severity
from mileage.core.findings import Finding
from mileage.data import quote
from mileage.monitors.monitor import NOTE, Monitor, WatchContext

_COLUMN_LIMIT = 300
_SHARE = 0.01


class DuplicateRows(Monitor):
    """Watch for rows that occur more than once: a fold may score what another fold trained on."""

    name = "duplicate_rows"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return a warning if more than 1 % of the rows are copies, as far as features and target go; else a note."""
        # Few columns with few values have equal rows by chance: that is no copying.
        if len(context.features) > _COLUMN_LIMIT or len(context.features) < 2 or context.splits.method == "on":
            return ()
        n, total = self._copies(context), context.profile.n_rows
        if n == 0:
            return ()
        level = Severity.WARNING if n > _SHARE * total else NOTE
        message = f"{n:,} of {total:,} rows are copies of others: a fold may score what another one learned"
        distinct = context.dataset.relation_sql.replace("SELECT *", "SELECT DISTINCT *", 1)
        whole = len(context.features) + 1 == len(context.profile.columns)  # else rows differ elsewhere
        suggestion = f"FROM ({distinct})" if level is Severity.WARNING and whole else None
        return (Finding("W323", message, level, (), {"rows": n, "share": round(n / total, 4)}, suggestion),)

    @staticmethod
    def _copies(context: WatchContext) -> int:
        known = context.profile.n_duplicate_rows
        if known is not None and len(context.features) + 1 == len(context.profile.columns):
            return known
        listed = ", ".join(quote(name) for name in (*context.features, context.target_name))
        sql = f"SELECT count(*) - count(DISTINCT hash({listed})) FROM ({context.dataset.relation_sql})"
        return int(context.dataset.database.rows(sql)[0][0])


DUPLICATE_ROWS = DuplicateRows()
