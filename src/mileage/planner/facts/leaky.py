"""``IS LEAKY``: the column is no feature."""

from __future__ import annotations

from mileage.planner.facts.fact import ColumnFact

LEAKY = ColumnFact("leaky", "left out", drops="is known only after the target")
