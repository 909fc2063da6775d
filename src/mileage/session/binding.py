"""Binding in a session: the planner, told which names the search, the engine and the optimizer know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mileage.language import ast
from mileage.planner import LogicalPlan, bind

if TYPE_CHECKING:
    from mileage.session.session import Session


def bind_query(session: Session, query: ast.Predict, text: str) -> LogicalPlan:
    """Return the logical plan of a query; all its mistakes are found, those of its hints too."""
    known = known_names() if query.clause(ast.Hint) is not None else {}
    return bind(query, session.database, source=text, known=known)


def known_names() -> Mapping[str, tuple[str, ...]]:
    """Return what the values of hints may be."""
    from mileage.engine import backends
    from mileage.optimizer import BATCHES
    from mileage.search import strategies

    rules = tuple(rule.__name__ for _, batch in BATCHES for rule in batch)
    return {"backend": backends.names(), "strategy": strategies.names(), "off": rules}
