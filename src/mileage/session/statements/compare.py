"""``COMPARE``: what differs between workflows, and whether the scores do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.objectives import check_metric, metric_call
from mileage.results import compare
from mileage.results.report import Report
from mileage.session.refs import result_of, trial_of
from mileage.session.rescore import with_metrics

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_compare(session: Session, statement: ast.Compare, text: str, on_event: Listener | None) -> Report:
    """Compare two or more ranked workflows of one query on their own metrics, or on those after ON."""
    del on_event
    result = result_of(session, statement.refs[0])
    mistakes = Mistakes(text)
    for metric in statement.metrics:
        check_metric(metric, result.plan.task, result.plan.classes, mistakes)
    mistakes.stop_if_any()
    trials = [trial_of(session, ref) for ref in statement.refs]
    metrics = tuple(map(metric_call, statement.metrics)) or tuple(o.call for o in result.plan.objectives)
    trials = with_metrics(result, trials, metrics)
    names = tuple(str(ref) for ref in statement.refs)
    made = compare(trials, metrics, names=names)
    return Report("compare", " vs ".join(names), made.sections(), data=made.to_json())
