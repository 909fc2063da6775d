"""``EXPLAIN PLAN``, ``SPACE`` and ``DATA``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast, format_query, parse_query
from mileage.planner import LogicalPlan, explain_data, explain_plan, explain_space
from mileage.results.drawing import Box, Graph, chain
from mileage.results.report import Report
from mileage.session.findings import watch
from mileage.session.refs import query_record
from mileage.session.statements.check import bound
from mileage.session.statements.physical import physical_plan

if TYPE_CHECKING:
    from mileage.session.session import Session

_SHOWN = 8
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
    graphs = (plan_graph(plan),) if what in {"plan", "space"} else ()
    sections = _WHAT[what](plan)
    if what == "plan":
        sections = (*sections, *physical_plan(session, plan, format_query(query)))
    data = {"query": format_query(query), "ref": ref, "task": plan.task, "target": plan.target}
    return Report("explain", what, sections, data=data, graphs=graphs)


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
