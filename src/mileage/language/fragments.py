"""Parts of queries from short texts, for the other faces of the language: data files and the Python builder."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mileage.core.diagnostics import Diagnostic
from mileage.errors import ParseError
from mileage.language import ast
from mileage.language.parser import parse_query

if TYPE_CHECKING:
    from mileage.core.units import Quantity

N = TypeVar("N", bound=ast.Node)
C = TypeVar("C", bound=ast.Commented)
_HEAD = "PREDICT y "


def clauses_of(text: str, *, where: str = "") -> tuple[ast.Clause, ...]:
    """Return the clauses of a text; ``where`` says in an error where the text stood."""
    try:
        query = parse_query(_HEAD + text)
    except ParseError as error:
        moved = []
        for problem in error.diagnostics:
            span = problem.span and problem.span.shifted(-len(_HEAD))
            shifted = tuple(replace(f, span=f.span.shifted(-len(_HEAD))) for f in problem.fixes)
            message = f"{where}: {problem.message}" if where else problem.message
            moved.append(
                replace(problem, message=message, span=span if span and span.start >= 0 else None, fixes=shifted)
            )
        raise ParseError(moved, source=text, name=where or "query") from None
    return tuple(spanless(clause) for clause in query.clauses)


def clause_of(kind: type[C], text: str, *, where: str = "") -> C:
    """Return the one clause of a text, of the kind that is wanted."""
    found = clauses_of(text, where=where)
    if len(found) != 1 or not isinstance(found[0], kind):
        message = f"{where or kind.__name__.lower()}: '{text}' is more than one {kind.__name__.upper()} clause"
        raise ParseError([Diagnostic("E111", message)], source="")
    return found[0]


def spanless(node: N) -> N:
    """Return the node without places: its text is not the user's."""
    changes: dict[str, Any] = {"span": None}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, ast.Node):
            changes[field.name] = spanless(value)
        elif isinstance(value, tuple):
            changes[field.name] = tuple(_spanless_item(item) for item in value)
    return replace(node, **changes)


def _spanless_item(item: object) -> object:
    if isinstance(item, tuple):
        return tuple(_spanless_item(part) for part in item)
    return spanless(item) if isinstance(item, ast.Node) else item


def chain_of(text: str, *, where: str = "") -> ast.Chain:
    """Return ``a >> b | c`` as a tree."""
    return clause_of(ast.With, f"WITH x = {text}", where=where).assignments[0].chain


def ops_of(text: str, *, where: str = "") -> tuple[ast.Op, ...]:
    """Return operators parted by commas."""
    return clause_of(ast.Without, f"WITHOUT {text}", where=where).ops


def params_of(text: str, *, where: str = "") -> tuple[ast.Param, ...]:
    """Return parameters parted by commas."""
    return clause_of(ast.Hint, f"HINT ({text})", where=where).options


def levels_of(text: str, *, where: str = "") -> tuple[tuple[ast.Metric, ...], ...]:
    """Return the metrics of an OPTIMIZE clause."""
    return clause_of(ast.Optimize, f"OPTIMIZE {text}", where=where).metrics


def quantity_of(text: str, *, where: str = "") -> Quantity:
    """Return a number with its unit."""
    item = clause_of(ast.Budget, f"BUDGET {text}", where=where).items[0]
    if not isinstance(item, ast.BudgetQuantity):
        raise ParseError([Diagnostic("E111", f"{where}: '{text}' is no quantity")])
    return item.quantity
