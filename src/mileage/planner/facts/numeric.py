"""``IS NUMERIC``: values are amounts."""

from __future__ import annotations

from mileage.data import Kind
from mileage.planner.facts.fact import ColumnFact

NUMERIC = ColumnFact("numeric", "read as amounts", kind=Kind.NUMERIC)
