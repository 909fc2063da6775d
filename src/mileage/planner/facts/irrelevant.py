"""``IS IRRELEVANT``: the column is no feature."""

from __future__ import annotations

from mileage.planner.facts.fact import ColumnFact

IRRELEVANT = ColumnFact("irrelevant", "left out", drops="has nothing to do with the target")
