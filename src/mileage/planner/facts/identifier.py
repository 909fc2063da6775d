"""``IS IDENTIFIER``: the column is no feature."""

from __future__ import annotations

from mileage.planner.facts.fact import ColumnFact

IDENTIFIER = ColumnFact("identifier", "left out", drops="names a row and means nothing else")
