"""Hints of a query that name members of families: they are checked before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.near import near_matches
from mileage.core.registry import Registry
from mileage.engine import backends
from mileage.errors import BindError
from mileage.language import ast
from mileage.search import strategies
from mileage.session.engines import backend_name

if TYPE_CHECKING:
    from mileage.session.session import Session

_FAMILIES: dict[str, Registry[Any]] = {"strategy": strategies, "backend": backends}


def hint_mistakes(query: ast.Predict) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the values of a query's hints."""
    options = [option for clause in query.clauses_of(ast.Hint) for option in clause.options]
    found = [_mistake(option) for option in options if option.value is not None]
    return tuple(mistake for mistake in found if mistake is not None)


def check_hints(session: Session, query: ast.Predict, text: str) -> None:
    """Refuse hints that name nothing, and a backend of the session that does not exist.

    Raises
    ------
    BindError
        With all mistakes.
    OperatorError
        If the session's own backend is unknown.
    """
    mistakes = hint_mistakes(query)
    if mistakes:
        raise BindError(list(mistakes), source=text)
    backends.get(backend_name(session, {}))


def _mistake(option: ast.Param) -> Diagnostic | None:
    assert option.value is not None
    value = ast.plain(option.value)
    if option.name == "workers":
        right = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        hint = "write a whole number, such as HINT (workers = 2)"
        return None if right else Diagnostic("E215", f"workers = {value} is not legal", option.span, hint=hint)
    family = _FAMILIES.get(option.name or "")
    if family is None or str(value) in family:
        return None
    near = near_matches(str(value), family.names())
    span = option.value.span if isinstance(option.value, ast.Name) else None
    fixes = (Fix(span, near[0]),) if near and span is not None else ()
    hint = family.why_not(str(value)) or f"known: {', '.join(family.names())}"
    return Diagnostic("E215", f"no {family.what} '{value}'", span or option.span, fixes, hint)
