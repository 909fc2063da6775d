"""``RETURN``, ``SEED``, ``NAMED`` and ``HINT``: what a query says of its answer and its execution."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mileage.language import ast
from mileage.planner.mistakes import Mistakes

N_RESULTS = 5
_LARGEST_SEED = 2**31 - 1  # scikit-learn takes 32 bits, and repeated splits count on from the seed
_TAKEN = re.compile(r"[qws]\d+|last|best", re.IGNORECASE)
HINTS = ("backend", "workers", "off", "strategy", "exactness", "knowledge", "rows")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a query says of its answer and its execution, or the defaults."""

    n_results: int = N_RESULTS
    diverse: bool = False
    seed: int = 0
    name: str | None = None
    hints: tuple[tuple[str, object], ...] = ()


def plan_settings(query: ast.Predict, mistakes: Mistakes) -> Settings:
    """Return the settings of a query, mistakes noted."""
    returned, seed, named = query.clause(ast.Return), query.clause(ast.Seed), query.clause(ast.Named)
    if returned is not None and returned.n < 1:
        mistakes.add("E274", "RETURN 0 WORKFLOWS returns nothing", returned.span, hint="use at least 1")
    if seed is not None and seed.value > _LARGEST_SEED:
        mistakes.add("E274", f"SEED {seed.value} is too large", seed.span, hint=f"use a number up to {_LARGEST_SEED}")
    if named is not None:
        _check_name(named.name, mistakes)
    return Settings(
        N_RESULTS if returned is None else returned.n,
        returned is not None and returned.diverse,
        0 if seed is None else seed.value,
        None if named is None else named.name.text,
        plan_hints(query, mistakes),
    )


def _check_name(name: ast.Name, mistakes: Mistakes) -> None:
    if _TAKEN.fullmatch(name.text):
        hint = "q, w and s with a number, last and best are references already"
        mistakes.add("E274", f"a query cannot be named {name.text}", name.span, hint=hint)
    elif not re.fullmatch(r"\w+", name.text):
        near = re.sub(r"\W+", "_", name.text).strip("_") or "my_query"
        hint = "a name is one word, as @name refers to it"
        mistakes.add("E274", f"a query cannot be named '{name.text}'", name.span, fix=near, hint=hint)


def plan_hints(query: ast.Predict, mistakes: Mistakes) -> tuple[tuple[str, object], ...]:
    """Return the hints of a query; which backends, strategies and rules there are is known to the session."""
    found: list[tuple[str, object]] = []
    for clause in query.clauses_of(ast.Hint):
        for option in clause.options:
            name = option.name
            if name is None:
                mistakes.add("E215", "a hint has a name", option.span, hint=f"known: {', '.join(HINTS)}")
            elif name not in HINTS:
                mistakes.unknown("E215", "hint", name, HINTS, mistakes.at_name(option.span, name))
            elif option.value is None:
                mistakes.add("E215", f"the hint {name} is one value, no range", option.span, hint=f"write {name} = ...")
            elif name != "off" and name in dict(found):
                mistakes.add("E105", f"the hint {name} is given twice", option.span, hint="keep one of the two")
            else:
                found.append((name, ast.plain(option.value)))
                _check_workers(name, option, mistakes)
                _check_word(name, option, mistakes)
    return tuple(found)


def _check_workers(name: str, option: ast.Param, mistakes: Mistakes) -> None:
    if name != "workers":
        return
    value = option.value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        mistakes.add(
            "E215", "workers is a whole number of 1 or more", option.span, hint="for example HINT (workers = 2)"
        )


_WORDS = {"knowledge": ("on", "off"), "rows": ("all",)}


def _check_word(name: str, option: ast.Param, mistakes: Mistakes) -> None:
    words = _WORDS.get(name, ())
    if words and str(option.value).lower() not in words:
        mistakes.add(
            "E215", f"{name} is {' or '.join(words)}", option.span, hint=f"for example HINT ({name} = {words[-1]})"
        )
