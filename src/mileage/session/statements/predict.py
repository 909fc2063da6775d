"""``PREDICT``: bind, search, refit the best, answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.events import EventBus, Listener
from mileage.language import ast, format_query, semantic_hash
from mileage.session.clock import Clock
from mileage.session.findings import watch
from mileage.session.place import warm
from mileage.session.run import RunSetting, run_plan
from mileage.session.statements.check import bound

if TYPE_CHECKING:
    from mileage.results import Trial
    from mileage.session.result import Result
    from mileage.session.session import Session


def run_predict(
    session: Session, query: ast.Predict, text: str, on_event: Listener | None, parent: int | None = None
) -> Result:
    """Answer a query with a ranked list of workflows.

    Scored trials of the ``parent`` version whose predictions are kept come first: they cost a score, no fit.
    """
    bus = EventBus()
    if on_event is not None:
        bus.listen(on_event)
    clock = Clock(started_s=session.asked_s)
    warm(session)
    bus.tell("stage", name="reading data")
    plan = bound(session, query, text)
    plan = replace(plan, findings=watch(plan))
    clock.seconds = plan.budget.seconds
    for assumption in plan.assumptions:
        bus.tell("note", text=assumption.text, clause=assumption.clause, severity="assumed")
    for finding in plan.findings:
        bus.tell(
            "note", text=f"{finding.code} {finding.message}", clause=finding.suggestion, severity=str(finding.severity)
        )
    record = session.catalog.add_query(format_query(query), semantic_hash(query), name=plan.name, parent=parent)
    return run_plan(session, plan, RunSetting(record.id, clock, bus, _trials_of(session, parent)))


def _trials_of(session: Session, query_id: int | None) -> tuple[Trial, ...]:
    """Return the trials of a query's last run, in the order of their numbers."""
    runs = [run for run in session.catalog.runs() if query_id is not None and run.query_id == query_id]
    trials = session.catalog.trials(runs[-1].id) if runs else ()
    return tuple(sorted((trial for trial in trials if trial.number > 0), key=lambda trial: trial.number))
