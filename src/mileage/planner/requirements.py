"""``REQUIRE``: bounds that an answer has to keep."""

from __future__ import annotations

from mileage.core.near import near_matches
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.objectives import best_value, check_metric, metric_call
from mileage.results import MEASURED, Requirement


def plan_requirements(
    query: ast.Predict, task: str | None, classes: tuple[str, ...], mistakes: Mistakes
) -> tuple[Requirement, ...]:
    """Return the bounds of a query; ``task`` is None if the data could not say it."""
    bounds = [item for clause in query.clauses_of(ast.Require) for item in clause.items if isinstance(item, ast.Bound)]
    found: dict[tuple[str, bool], Requirement] = {}
    for bound in bounds:
        made = _requirement(bound, task, classes, mistakes)
        if made is None:
            continue
        key = (made.metric, made.is_upper)
        if key in found:
            mistakes.add("E105", f"{made.metric} is bounded twice", bound.span, hint="keep one of the two")
        found[key] = made
    return tuple(found.values())


def _requirement(
    bound: ast.Bound, task: str | None, classes: tuple[str, ...], mistakes: Mistakes
) -> Requirement | None:
    call = metric_call(bound.metric)
    if bound.op == "=":
        hint = f"write {call} >= or <="
        mistakes.add("E230", f"REQUIRE {call} = {bound.quantity} is hardly ever met", bound.span, hint=hint)
        return None
    if call in MEASURED:
        return _measured(call, bound, mistakes)
    if bound.quantity.unit not in {"", "%"}:
        if near_matches(call, MEASURED):
            mistakes.unknown("E230", "measure", call, MEASURED, mistakes.at_name(bound.metric.span, bound.metric.name))
        else:
            mistakes.add("E230", f"{call} is not counted in {bound.quantity.unit}", bound.span, hint="write a number")
        return None
    if not check_metric(bound.metric, task, classes, mistakes, where="REQUIRE ") or task is None:
        return None
    value = bound.quantity.fraction
    best = best_value(call, task, classes)
    upper = bound.op[0] == "<"
    if value < best - 1e-9 if upper else value > best + 1e-9:
        mistakes.add(
            "E230", f"no workflow meets {call} {bound.op} {value:g}: the best there can be is {best:g}", bound.span
        )
        return None
    return Requirement(call, bound.op, value)


def _measured(name: str, bound: ast.Bound, mistakes: Mistakes) -> Requirement | None:
    quantity = bound.quantity
    value = quantity.bytes if name == "size" else quantity.seconds
    unit = "KB, MB or GB" if name == "size" else "ms, s or min"
    if value is None:
        mistakes.add("E230", f"{name} <= {quantity} lacks its unit", bound.span, hint=f"use {unit}")
        return None
    if bound.op[0] == ">" or value <= 0:
        mistakes.add(
            "E230",
            f"REQUIRE {name} {bound.op} {quantity} bounds nothing that costs",
            bound.span,
            hint=f"write {name} <= ...",
        )
        return None
    return Requirement(name, bound.op, float(value))
