"""``EXPLAIN PLAN``, ``SPACE`` and ``DATA``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic
from mileage.core.events import Listener
from mileage.errors import NotYetError
from mileage.language import ast, format_query, parse_query
from mileage.planner import explain_data, explain_plan, explain_space
from mileage.results.report import Report
from mileage.session.binding import bind_query
from mileage.session.findings import watch
from mileage.session.refs import query_record

if TYPE_CHECKING:
    from mileage.session.session import Session

_WHAT = {None: explain_plan, "plan": explain_plan, "space": explain_space, "data": explain_data}


def run_explain(session: Session, statement: ast.Explain, text: str, on_event: Listener | None) -> Report:
    """Bind the query and print what it means; nothing is trained."""
    del on_event
    if statement.what not in _WHAT:
        word = str(statement.what).upper()
        message = f"EXPLAIN {word} is not executed yet"
        raise NotYetError([Diagnostic("E302", message, statement.span, hint="PLAN, SPACE and DATA are")], source=text)
    query = statement.subject
    if isinstance(query, ast.Ref):
        text = query_record(session, query).text
        query = parse_query(text)
    plan = bind_query(session, query, text)
    plan = replace(plan, findings=watch(plan))
    what = statement.what or "plan"
    return Report("explain", what, _WHAT[statement.what](plan), data={"query": format_query(query)})
