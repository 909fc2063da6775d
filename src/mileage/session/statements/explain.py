"""``EXPLAIN PLAN``, ``SPACE`` and ``DATA``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast, format_query, parse_query
from mileage.planner import explain_data, explain_plan, explain_space
from mileage.results.report import Report
from mileage.session.findings import watch
from mileage.session.refs import query_record
from mileage.session.statements.check import bound
from mileage.session.statements.physical import physical_plan

if TYPE_CHECKING:
    from mileage.session.session import Session

_WHAT = {"plan": explain_plan, "space": explain_space, "data": explain_data}


def run_explain(session: Session, statement: ast.Explain, text: str, on_event: Listener | None) -> Report:
    """Bind the query and print what it means; nothing is trained."""
    del on_event
    query, ref = statement.subject, None
    if isinstance(query, ast.Ref):
        record = query_record(session, query)
        text, ref = record.text, f"@q{record.id}"
        query = parse_query(text)
    plan = bound(session, query, text)
    plan = replace(plan, findings=watch(plan))
    what = statement.what or "plan"
    sections = _WHAT[what](plan)
    if what == "plan":
        sections = (*sections, physical_plan(session, plan))
    data = {"query": format_query(query), "ref": ref, "task": plan.task, "target": plan.target}
    return Report("explain", what, sections, data=data)
