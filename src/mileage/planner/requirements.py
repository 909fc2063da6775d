"""``REQUIRE``: bounds that an answer has to keep."""

from __future__ import annotations

from mileage.core.near import near_matches
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.objectives import best_value, check_metric, metric_call
from mileage.results import MEASURED, Requirement


def stated_requirements(query: ast.Predict) -> tuple[Requirement, ...]:
    """Return the bounds of a query that was checked before."""
    return tuple(_stated(bound) for bound in _bounds(query))


def plan_requirements(
    query: ast.Predict, task: str | None, classes: tuple[str, ...], mistakes: Mistakes
) -> tuple[Requirement, ...]:
    """Return the bounds of a query; ``task`` is None if the data could not say it."""
    found: dict[tuple[str, bool], Requirement] = {}
    for bound in _bounds(query):
        if not _is_sound(bound, task, classes, mistakes):
            continue
        made = _stated(bound)
        key = (made.metric, made.is_upper)
        if key in found:
            mistakes.add("E105", f"{made.metric} is bounded twice", bound.span, hint="keep one of the two")
        found[key] = made
    return tuple(found.values())


def _bounds(query: ast.Predict) -> list[ast.Bound]:
    return [item for clause in query.clauses_of(ast.Require) for item in clause.items if isinstance(item, ast.Bound)]


def _stated(bound: ast.Bound) -> Requirement:
    call = metric_call(bound.metric)
    return Requirement(call, bound.op, _value(call, bound) or 0.0)


def _value(call: str, bound: ast.Bound) -> float | None:
    """Return the value of a bound in the unit of its metric; None if it has another one."""
    quantity = bound.quantity
    if call == "size":
        return quantity.bytes
    if call in MEASURED:
        return quantity.seconds
    return quantity.fraction if quantity.unit in {"", "%"} else None


def _is_sound(bound: ast.Bound, task: str | None, classes: tuple[str, ...], mistakes: Mistakes) -> bool:
    """Say whether a bound can be kept and missed; else the mistake is noted."""
    call, quantity = metric_call(bound.metric), bound.quantity
    if bound.op == "=":
        hint = f"write {call} >= or <="
        mistakes.add("E230", f"REQUIRE {call} = {quantity} is hardly ever met", bound.span, hint=hint)
        return False
    value = _value(call, bound)
    if value is None:
        _tell_unit(call, bound, mistakes)
        return False
    if call not in MEASURED:
        known = check_metric(bound.metric, task, classes, mistakes, where="REQUIRE ")
        return known and (task is None or _is_reachable(call, value, bound, (task, classes, mistakes)))
    if bound.op[0] == ">" or value <= 0:
        message = f"REQUIRE {call} {bound.op} {quantity} bounds nothing that costs"
        mistakes.add("E230", message, bound.span, hint=f"write {call} <= ...")
        return False
    return True


def _tell_unit(call: str, bound: ast.Bound, mistakes: Mistakes) -> None:
    if call in MEASURED:
        unit = "KB, MB or GB" if call == "size" else "ms, s or min"
        mistakes.add("E230", f"{call} {bound.op} {bound.quantity} lacks its unit", bound.span, hint=f"use {unit}")
    elif near_matches(call, MEASURED):
        mistakes.unknown("E230", "measure", call, MEASURED, mistakes.at_name(bound.metric.span, bound.metric.name))
    else:
        mistakes.add("E230", f"{call} is not counted in {bound.quantity.unit}", bound.span, hint="write a number")


def _is_reachable(call: str, value: float, bound: ast.Bound, known: tuple[str, tuple[str, ...], Mistakes]) -> bool:
    task, classes, mistakes = known
    best = best_value(call, task, classes)
    if value < best - 1e-9 if bound.op[0] == "<" else value > best + 1e-9:
        message = f"no workflow meets {call} {bound.op} {value:g}: the best there can be is {best:g}"
        mistakes.add("E230", message, bound.span)
        return False
    return True
