"""The space of workflows a query denotes: slots with alternatives, open parameters, and what was cut and why."""

from mileage.space.configuration import Configuration
from mileage.space.rules import conflict
from mileage.space.space import (
    Alternative,
    Restriction,
    SearchSpace,
    Slot,
    StepChoice,
    domain_size,
    domain_values,
)

__all__ = [
    "Alternative",
    "Configuration",
    "Restriction",
    "SearchSpace",
    "Slot",
    "StepChoice",
    "conflict",
    "domain_size",
    "domain_values",
]
