"""When a search ends, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.planner import BudgetPlan, best_value
from mileage.results import shortfall

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

STOPPED = "stopped by the user"
OUT_OF_TIME = ("BUDGET of time", "nothing else fits the rest of the budget")
_SKIPS = 25  # proposals in a row that do not fit the rest of the budget
_FEWEST = 20  # workflows are scored before one without an error ends the search: it may be so by chance
_STALE, _TIMES = 200, 3  # so many proposals, and so many times as many as led to the best, brought nothing better


def why_ended(loop: TrialLoop) -> str:
    """Return why a search is at its end; nothing if it goes on."""
    b = loop.plan.budget
    left = loop.search_left_s()
    if b.trials is not None and loop.next_number > b.trials:
        return f"BUDGET {b.trials} trials"
    if left is not None and left <= 0:
        return OUT_OF_TIME[0]
    if loop.skips >= _SKIPS:
        return OUT_OF_TIME[1]
    if b.until is not None and _meets_goal(loop):
        loop.is_goal_met = True
        return f"UNTIL {b.until.metric} {b.until.op} {b.until.value:g}"
    return _out_of_patience(loop, b) or _nothing_to_gain(loop, b)


def _meets_goal(loop: TrialLoop) -> bool:
    goal, best = loop.plan.budget.until, loop.best
    if goal is None or best is None or goal.metric not in best.scores or shortfall(loop.plan.requirements, best) > 0:
        return False
    score = best.mean(goal.metric)
    return {
        ">=": score >= goal.value,
        "<=": score <= goal.value,
        ">": score > goal.value,
        "<": score < goal.value,
    }.get(goal.op, score == goal.value)


def _out_of_patience(loop: TrialLoop, b: BudgetPlan) -> str:
    if b.patience_trials is not None and loop.told - loop.best_number > b.patience_trials:
        return f"PATIENCE {b.patience_trials} trials"
    if b.patience_s is not None and loop.best is not None and loop.clock.elapsed_s - loop.best_at_s > b.patience_s:
        return f"PATIENCE {b.patience_s:g} s"
    return ""


def _nothing_to_gain(loop: TrialLoop, b: BudgetPlan) -> str:
    """Say so if time alone bounds the search, and the rest of it is not expected to bring anything."""
    if b.seconds is None or b.trials is not None or b.patience_trials is not None or b.patience_s is not None:
        return ""
    if _is_perfect(loop):
        return f"no {loop.metrics[0]} can be better"
    led, stale = loop.tried_since_best()
    if loop.best is not None and not loop.strategy.carries and stale > max(_STALE, _TIMES * led):
        return f"{stale:,} proposals brought nothing better, so the rest of the time is not expected to"
    return ""


def _is_perfect(loop: TrialLoop) -> bool:
    """Say whether the best has no error on any split, and nothing else is asked of it."""
    if loop.best is None or loop.told < _FEWEST or len(loop.objectives) > 1 or loop.plan.requirements:
        return False
    metric = loop.metrics[0]
    best = best_value(metric, loop.plan.task, loop.plan.classes)
    return all(score == best for score in loop.best.scores[metric])
