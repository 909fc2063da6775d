"""``PREDICT``: bind, search, refit the best, answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.collector import seldom
from mileage.core.events import EventBus, Listener
from mileage.language import ast, format_query, semantic_hash
from mileage.session.clock import Clock
from mileage.session.continued import trials_before
from mileage.session.findings import watch
from mileage.session.place import warm
from mileage.session.run import RunSetting, run_plan
from mileage.session.statements.check import bound

if TYPE_CHECKING:
    from mileage.session.result import Result
    from mileage.session.session import Session


def run_predict(
    session: Session, query: ast.Predict, text: str, on_event: Listener | None, parent: int | None = None
) -> Result:
    """Answer a query with a ranked list of workflows.

    Scored trials of the ``parent`` version, or of a run with another budget, whose predictions are kept come first: they cost a
    score, no fit.
    """
    bus = EventBus()
    if on_event is not None:
        bus.listen(on_event)
    clock = Clock(started_s=session.asked_s)
    warm(session)
    bus.tell("stage", name="reading data")
    with seldom():  # libraries are imported while data are read
        plan = bound(session, query, text)
        plan = replace(plan, findings=watch(plan))
    clock.seconds = plan.budget.seconds
    for assumption in plan.assumptions:
        bus.tell("note", text=assumption.text, clause=assumption.clause, severity="assumed")
    for finding in plan.findings:
        bus.tell(
            "note", text=f"{finding.code} {finding.message}", clause=finding.suggestion, severity=str(finding.severity)
        )
    before = trials_before(session, query, plan, parent)
    record = session.catalog.add_query(format_query(query), semantic_hash(query), name=plan.name, parent=parent)
    return run_plan(session, plan, RunSetting(record.id, clock, bus, before))
