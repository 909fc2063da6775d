"""Equal rows that would stand in different folds."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.data import quote
from mileage.monitors.monitor import Monitor, WatchContext

_COLUMN_LIMIT, _SHARE = 300, 0.01


class DuplicateRows(Monitor):
    """Watch for rows that occur more than once: a fold may score what another fold trained on."""

    name = "duplicate_rows"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding if more than 1 % of the rows are copies."""
        if len(context.features) > _COLUMN_LIMIT or not context.features:
            return ()
        listed = ", ".join(quote(name) for name in (*context.features, context.target_name))
        relation = context.dataset.relation_sql.removesuffix(" ORDER BY ALL")
        n = (
            context.profile.n_rows
            - context.dataset.database.rows(f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM ({relation}))")[0][0]
        )
        if n <= _SHARE * context.profile.n_rows:
            return ()
        return (
            Finding(
                "W323",
                f"{n:,} rows are copies of others: scores may be too good",
                evidence={"n": n},
                suggestion="FROM (SELECT DISTINCT ...)",
            ),
        )


DUPLICATE_ROWS = DuplicateRows()
