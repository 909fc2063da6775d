"""``IS ORDINAL (a, b, ...)``: values are names in an order."""

from __future__ import annotations

from mileage.data import Kind
from mileage.planner.facts.fact import ColumnFact

ORDINAL = ColumnFact("ordinal", "read as ranks in this order", kind=Kind.NUMERIC)
