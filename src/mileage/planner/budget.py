"""``BUDGET``: time, trials, memory, UNTIL and PATIENCE."""

from __future__ import annotations

from dataclasses import replace

from mileage.core.units import Quantity
from mileage.language import ast, format_node
from mileage.operators.metrics import resolve_metric
from mileage.planner.logical import Assumption, BudgetPlan, Goal
from mileage.planner.mistakes import Mistakes

DEFAULT_SECONDS = 60.0
SHORTEST_S = 1.0
_TIMES = ("ms", "s", "min", "h")


def plan_budget(
    query: ast.Predict, task: str, mistakes: Mistakes, *, single: bool
) -> tuple[BudgetPlan, list[Assumption]]:
    """Return the limits of a query; without any, a search gets 60 s and a fully fixed workflow no limit."""
    budget = BudgetPlan()
    for clause in query.clauses_of(ast.Budget):
        for item in clause.items:
            budget = _with_item(budget, item, task, mistakes)
    if budget.seconds is None and budget.trials is None and not single:
        return replace(budget, seconds=DEFAULT_SECONDS), [Assumption("the search may take 1 minute", "BUDGET 1 min")]
    return budget, []


def _with_item(budget: BudgetPlan, item: ast.BudgetItem, task: str, mistakes: Mistakes) -> BudgetPlan:
    if isinstance(item, ast.Until):
        return _until(budget, item, task, mistakes)
    quantity = item.quantity
    if quantity.value <= 0:
        mistakes.add("E270", f"a budget of {quantity} allows nothing", item.span, hint="give at least 1 s or 1 trial")
        return budget
    too_short = quantity.seconds is not None and quantity.seconds < SHORTEST_S
    if too_short or (quantity.unit == "trials" and quantity.value < 1):
        mistakes.add("E270", f"a budget of {quantity} is too short", item.span, hint="give at least 1 s or 1 trial")
        return budget
    if isinstance(item, ast.Patience):
        return _patience(budget, quantity, item, mistakes)
    if quantity.unit in _TIMES:
        return replace(budget, seconds=quantity.seconds)
    if quantity.unit == "trials":
        return replace(budget, trials=int(quantity.value))
    if quantity.bytes is not None:
        return replace(budget, memory_bytes=quantity.bytes)
    if quantity.unit == "cores":
        return replace(budget, cores=max(1, int(quantity.value)))
    mistakes.add(
        "E271", f"a budget of {quantity} has no meaning", item.span, hint="use ms, s, min, h, trials, MB, GB or cores"
    )
    return budget


def _patience(budget: BudgetPlan, quantity: Quantity, item: ast.Patience, mistakes: Mistakes) -> BudgetPlan:
    if quantity.unit in _TIMES:
        return replace(budget, patience_s=quantity.seconds)
    if quantity.unit in {"", "trials"}:
        return replace(budget, patience_trials=int(quantity.value))
    mistakes.add("E271", f"a patience of {quantity} has no meaning", item.span, hint="use trials, s, min or h")
    return budget


def _until(budget: BudgetPlan, item: ast.Until, task: str, mistakes: Mistakes) -> BudgetPlan:
    call = format_node(item.metric)
    try:
        resolve_metric(call, task)
    except ValueError as error:
        mistakes.add(
            "E206", f"UNTIL {call}: {getattr(error, 'message', error)}", item.span, hint=getattr(error, "hint", None)
        )
        return budget
    return replace(budget, until=Goal(call, item.op, item.quantity.fraction))
