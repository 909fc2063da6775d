"""``BUDGET``: time, trials, memory, cores, UNTIL and PATIENCE."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import zip_longest

from mileage.core.spans import Span
from mileage.core.units import Quantity, format_bytes
from mileage.language import ast
from mileage.planner.logical import Assumption, BudgetPlan, Goal
from mileage.planner.mistakes import Mistakes
from mileage.planner.objectives import check_metric, goal_mistake, metric_call

DEFAULT_SECONDS = 60.0
SHORTEST_S = 1.0
_LEAST_BYTES = 128 * 2**20  # what a worker with its libraries takes before it has data
_TIMES = ("ms", "s", "min", "h")
_UNITS = "use ms, s, min, h, trials, KB, MB, GB or cores"
_KINDS = {
    **dict.fromkeys(_TIMES, "time"),
    **dict.fromkeys(("KB", "MB", "GB"), "memory"),
    "trials": "trials",
    "cores": "cores",
}


def seconds_of(query: ast.Predict) -> float | None:
    """Return the time that a query gives to a search; None if it gives none, or names what to run and sets no limit."""
    items = [item for clause in query.clauses_of(ast.Budget) for item in clause.items]
    if not items:
        return None if query.clauses_of(ast.With) else DEFAULT_SECONDS
    given = [item.quantity.seconds for item in items if isinstance(item, ast.BudgetQuantity)]
    return next((seconds for seconds in given if seconds is not None), None)


def bytes_of(query: ast.Predict) -> int | None:
    """Return the memory that a query gives to a search, None if it sets no limit."""
    items = [item for clause in query.clauses_of(ast.Budget) for item in clause.items]
    given = [item.quantity.bytes for item in items if isinstance(item, ast.BudgetQuantity)]
    return next((int(n) for n in given if n is not None), None)


class BudgetReader:
    """Reads the limits of one query; ``task`` is None if the data could not say it."""

    def __init__(self, task: str | None, classes: tuple[str, ...], mistakes: Mistakes) -> None:
        self.task, self.classes, self.mistakes = task, classes, mistakes
        self.seen: set[str] = set()
        self.assumed: list[Assumption] = []

    def read(self, query: ast.Predict, *, single: bool) -> tuple[BudgetPlan, list[Assumption]]:
        """Return the limits; without any, a search gets 60 s and a fully fixed workflow no limit."""
        budget = BudgetPlan()
        for clause in query.clauses_of(ast.Budget):
            for item, after in zip_longest(clause.items, clause.items[1:]):
                if not self._decimal_comma(item, after):
                    budget = self._with_item(budget, item)
        if budget.seconds is None and budget.trials is None and not single:
            self.assumed.append(Assumption("the search may take 1 minute", "BUDGET 1 min"))
            budget = replace(budget, seconds=DEFAULT_SECONDS)
        return budget, self.assumed

    def _decimal_comma(self, item: ast.BudgetItem, after: ast.BudgetItem | None) -> bool:
        """Note ``1,5 min``, which reads as two items, the first without a unit."""
        if not isinstance(item, ast.BudgetQuantity) or not isinstance(after, ast.BudgetQuantity):
            return False
        if item.quantity.unit or item.span is None or after.span is None or after.span.start != item.span.end + 1:
            return False
        written = f"{item.quantity}.{after.quantity}"
        message = f"a decimal is written with a point: {written}"
        self.mistakes.add("E271", message, Span(item.span.start, after.span.end), fix=written)
        return True

    def _with_item(self, budget: BudgetPlan, item: ast.BudgetItem) -> BudgetPlan:
        if isinstance(item, ast.Until):
            return self._until(budget, item) if self._first("a goal", item) else budget
        quantity, what = item.quantity, "patience" if isinstance(item, ast.Patience) else "budget"
        kind = _KINDS.get(quantity.unit or ("trials" if what == "patience" else ""))
        if kind is None or (what == "patience" and kind not in {"time", "trials"}):
            self._meaningless(what, quantity, item)
        elif quantity.value <= 0:
            self.mistakes.add(
                "E270", f"a {what} of {quantity} allows nothing", item.span, hint="give at least 1 s or 1 trial"
            )
        elif quantity.seconds is not None and quantity.seconds < SHORTEST_S:
            self.mistakes.add("E270", f"a {what} of {quantity} is too short", item.span, hint="give at least 1 s")
        elif kind in {"trials", "cores"} and quantity.value != int(quantity.value):
            self.mistakes.add(
                "E271",
                f"{quantity} is no whole number of {kind}",
                item.span,
                hint=f"write {max(1, round(quantity.value))} {kind}",
            )
        elif self._first(f"{what} of {kind}" if what == "patience" else kind, item):
            return _patience(budget, quantity) if what == "patience" else self._limit(budget, item, kind)
        return budget

    def _meaningless(self, what: str, quantity: Quantity, item: ast.BudgetItem) -> None:
        if what == "patience":
            self.mistakes.add(
                "E271", f"a patience of {quantity} has no meaning", item.span, hint="use trials, s, min or h"
            )
            return
        missing = not quantity.unit
        message = f"a budget of {quantity} {'lacks its unit' if missing else 'has no meaning'}"
        self.mistakes.add("E271", message, item.span, fix=f"{quantity} s" if missing else None, hint=_UNITS)

    def _first(self, what: str, item: ast.BudgetItem) -> bool:
        """Say whether a limit is the first of its kind; a second one is a mistake."""
        if what in self.seen:
            self.mistakes.add("E105", f"BUDGET gives {what} twice", item.span, hint="keep one of the two")
            return False
        self.seen.add(what)
        return True

    def _limit(self, budget: BudgetPlan, item: ast.BudgetItem, kind: str) -> BudgetPlan:
        assert isinstance(item, ast.BudgetQuantity)
        quantity = item.quantity
        if kind == "time":
            return replace(budget, seconds=quantity.seconds)
        if kind == "trials":
            return replace(budget, trials=int(quantity.value))
        if kind == "memory" and (quantity.bytes or 0) < _LEAST_BYTES:
            message = f"a budget of {quantity} holds no worker: one takes about {format_bytes(_LEAST_BYTES)} by itself"
            self.mistakes.add("E270", message, item.span, hint="give at least 512 MB")
            return budget
        if kind == "memory":
            return replace(budget, memory_bytes=quantity.bytes)
        there = os.cpu_count() or 1
        if quantity.value > there:
            self.assumed.append(
                Assumption(f"this machine has {there} cores, {quantity} are allowed", f"BUDGET {there} cores")
            )
        return replace(budget, cores=min(int(quantity.value), there))

    def _until(self, budget: BudgetPlan, item: ast.Until) -> BudgetPlan:
        call = metric_call(item.metric)
        if item.quantity.unit not in {"", "%"}:
            self.mistakes.add(
                "E271",
                f"{call} is no {_KINDS.get(item.quantity.unit, 'such quantity')}",
                item.span,
                hint=f"write UNTIL {call} {item.op} {item.quantity.value:g}",
            )
            return budget
        if not check_metric(item.metric, self.task, self.classes, self.mistakes, where="UNTIL ") or self.task is None:
            return budget
        why = goal_mistake(call, item.op, item.quantity.fraction, self.task, self.classes)
        if why is not None:
            self.mistakes.add("E271", f"UNTIL {call} {item.op} {item.quantity} makes no goal: {why}", item.span)
            return budget
        return replace(budget, until=Goal(call, item.op, item.quantity.fraction))


def _patience(budget: BudgetPlan, quantity: Quantity) -> BudgetPlan:
    if quantity.unit in _TIMES:
        return replace(budget, patience_s=quantity.seconds)
    return replace(budget, patience_trials=int(quantity.value))
