"""``IS CATEGORICAL``: values are names, even if they are written as numbers."""

from __future__ import annotations

from mileage.data import Kind
from mileage.planner.facts.fact import ColumnFact

CATEGORICAL = ColumnFact("categorical", "read as names, whatever they are written as", kind=Kind.CATEGORICAL)
