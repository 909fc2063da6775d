"""A feature that names rows: a model can learn it by heart, and it says nothing of new rows."""

from __future__ import annotations

from mileage.core.diagnostics import Severity
from mileage.core.findings import Finding
from mileage.data import Kind
from mileage.monitors.monitor import NOTE, Monitor, WatchContext, named, word


class IdentifierFeature(Monitor):
    """Watch for identifiers among the features."""

    name = "identifier_feature"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one warning for unique features, and one note for numbers of entities that repeat."""
        features = set(context.features)
        looks = {
            c.name: c
            for c in context.profile.columns
            if c.name in features and any("identifier" in why for why in c.looks)
        }
        sure = [name for name, c in looks.items() if c.kind is Kind.IDENTIFIER]
        found = [self._finding(sure, "is different in nearly every row", Severity.WARNING)] if sure else []
        unsure = [name for name in looks if name not in sure]
        if unsure:
            found.append(self._finding(unsure, "looks like the number of an entity", NOTE))
        return tuple(found)

    @staticmethod
    def _finding(columns: list[str], what: str, level: Severity) -> Finding:
        clause = f"KNOWING {' AND '.join(word(name) for name in columns)} {'ARE' if columns[1:] else 'IS'} IDENTIFIER"
        return Finding(
            "W320",
            f"{named(columns)} {what}, and is used as a feature",
            level,
            tuple(columns),
            {"columns": len(columns)},
            clause,
        )


IDENTIFIER_FEATURE = IdentifierFeature()
