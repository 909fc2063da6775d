"""Rows of one entity that would stand in different folds."""

from __future__ import annotations

from mileage.core.findings import Finding
from mileage.data import ColumnProfile, DType, is_entity
from mileage.monitors.monitor import Monitor, WatchContext, word

_FEWEST = 10
_REPEATS = 1.3


class EntityGroups(Monitor):
    """Watch for a key whose values repeat: rows of one patient or customer in two folds make scores too good."""

    name = "entity_groups"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding for the key with most entities, unless rows are grouped or dealt by time already."""
        if context.splits.groups or context.splits.order_by or context.splits.method == "on":
            return ()
        keys = [
            c
            for c in context.profile.columns
            if self._is_key(c, context.profile.n_rows) and c.name != context.target_name
        ]
        if not keys:
            return ()
        key = max(keys, key=lambda c: (c.n_distinct, c.name))
        n = context.profile.n_rows
        message = f"{key.name} has {key.n_distinct:,} values in {n:,} rows: rows of one {key.name} may stand in different folds"
        folds = context.splits.n if context.splits.method == "folds" else 5
        clause = f"VALIDATE BY {min(folds, key.n_distinct)} FOLDS KEEPING {word(key.name)} TOGETHER"
        evidence = {"entities": key.n_distinct, "rows": n}
        return (Finding("W326", message, columns=(key.name,), evidence=evidence, suggestion=clause),)

    @staticmethod
    def _is_key(column: ColumnProfile, n_rows: int) -> bool:
        plain = column.dtype in {DType.INT, DType.STRING} and is_entity(column.name)
        n = n_rows - column.n_missing
        return plain and column.n_distinct >= _FEWEST and column.n_distinct * _REPEATS <= n


ENTITY_GROUPS = EntityGroups()
