"""``EXPLAIN PLAN``, ``SPACE`` and ``DATA``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic
from mileage.core.events import Listener
from mileage.errors import NotYetError
from mileage.language import ast, format_query, parse_query
from mileage.planner import LogicalPlan, bind, explain_data, explain_plan, explain_space
from mileage.results.drawing import Box, Graph, chain
from mileage.results.report import Report
from mileage.session.findings import watch
from mileage.session.refs import query_record

if TYPE_CHECKING:
    from mileage.session.session import Session

_SHOWN = 8
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
    plan = bind(query, session.database, source=text)
    plan = replace(plan, findings=watch(plan))
    what = statement.what or "plan"
    graphs = (plan_graph(plan),) if what in {"plan", "space"} else ()
    return Report("explain", what, _WHAT[statement.what](plan), data={"query": format_query(query)}, graphs=graphs)


def plan_graph(plan: LogicalPlan) -> Graph:
    """Return a plan as boxes: the data, each slot with its alternatives, what is measured."""
    f = plan.features
    counted = ((f.numeric, "numeric"), (f.categorical, "categorical"), (f.text, "text"), (f.datetime, "date"))
    features = tuple(f"{len(names)} {word}" for names, word in counted if names)
    boxes = [Box("data", plan.dataset.describe, (f"{plan.profile.n_rows:,} rows", *features))]
    boxes += [
        Box(f"slot {slot.name}", slot.name, _listed([a.label for a in slot.alternatives])) for slot in plan.space.slots
    ]
    boxes.append(Box("score", f"predict {plan.target}", tuple(o.call for o in plan.objectives)))
    return chain(boxes, "the space of workflows")


def _listed(names: list[str]) -> tuple[str, ...]:
    more = len(names) - _SHOWN
    return (*names[:_SHOWN], *([f"and {more} more"] if more > 0 else []))
