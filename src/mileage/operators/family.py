"""The registry of operators: ours by file, outsiders' through the entry-point group ``mileage.operators``."""

from __future__ import annotations

from mileage.core.registry import Registry
from mileage.operators.base import Operator

operators: Registry[Operator] = Registry(
    "operator",
    package="mileage.operators",
    base=Operator,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.operators",
)
