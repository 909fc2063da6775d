"""Binding: a query meets the data and becomes a logical plan, each part with its reasons.

Nothing is trained here. Mistakes are collected, and raised together as one :class:`mileage.errors.BindError`.
"""

from mileage.planner.bind import bind
from mileage.planner.explain import explain_data, explain_plan, explain_space
from mileage.planner.logical import Assumption, BudgetPlan, LogicalPlan
from mileage.planner.objectives import best_value
from mileage.planner.requirements import stated_requirements

__all__ = [
    "Assumption",
    "BudgetPlan",
    "LogicalPlan",
    "best_value",
    "bind",
    "explain_data",
    "explain_plan",
    "explain_space",
    "stated_requirements",
]
