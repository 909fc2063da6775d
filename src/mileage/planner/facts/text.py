"""``IS TEXT``: values are free text."""

from __future__ import annotations

from mileage.data import Kind
from mileage.planner.facts.fact import ColumnFact

TEXT = ColumnFact("text", "read as free text", kind=Kind.TEXT)
