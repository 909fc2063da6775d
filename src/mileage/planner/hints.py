"""``HINT``: physical advice, checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mileage.language import ast
from mileage.planner.mistakes import Mistakes

_NAMES = ("backend", "workers", "off", "strategy")


def plan_hints(
    query: ast.Predict, mistakes: Mistakes, known: Mapping[str, Iterable[str]]
) -> tuple[tuple[str, object], ...]:
    """Return the hints of a query; ``known`` has the values that a hint may have."""
    found: list[tuple[str, object]] = []
    for clause in query.clauses_of(ast.Hint):
        for option in clause.options:
            if option.name not in _NAMES:
                mistakes.unknown("E215", "hint", str(option.name), _NAMES, option.span)
            elif option.value is None:
                mistakes.add("E215", f"the hint {option.name} needs a value", option.span, hint=f"{option.name} = ...")
            else:
                value = ast.plain(option.value)
                _check(option, value, mistakes, known)
                found.append((option.name, value))
    return tuple(found)


def _check(option: ast.Param, value: object, mistakes: Mistakes, known: Mapping[str, Iterable[str]]) -> None:
    name = str(option.name)
    if name == "workers" and not (isinstance(value, int) and value >= 1):
        mistakes.add("E215", f"{value} is no number of workers", option.span, hint="use 1 or more")
    elif name in known and value not in (names := tuple(known[name])):
        span = getattr(option.value, "span", None) or option.span
        mistakes.unknown("E215", "rule" if name == "off" else name, str(value), names, span)
