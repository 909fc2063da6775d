"""From workflows to a physical plan: compile to tasks, then rewrite by rules, each switchable by name.

Knows plans as data only; it runs nothing. The rules and their order are one page: :mod:`mileage.optimizer.batches`.
"""

from mileage.optimizer.ahead import Ahead
from mileage.optimizer.batches import BATCHES, SHARING, optimize
from mileage.optimizer.compile import (
    Evaluation,
    Prefixes,
    apply_tasks,
    evaluation_tasks,
    fit_tasks,
    sample_task,
    weigh_task,
)
from mileage.optimizer.parts import Part, expected_s, forecast_sums_s, parts_of_tasks
from mileage.optimizer.provenance import Traced
from mileage.optimizer.rates import Rates
from mileage.optimizer.rule import Applied, PlanContext, weakest

__all__ = [
    "BATCHES",
    "SHARING",
    "Ahead",
    "Applied",
    "Evaluation",
    "Part",
    "PlanContext",
    "Prefixes",
    "Rates",
    "Traced",
    "apply_tasks",
    "evaluation_tasks",
    "expected_s",
    "fit_tasks",
    "forecast_sums_s",
    "optimize",
    "parts_of_tasks",
    "sample_task",
    "weakest",
    "weigh_task",
]
