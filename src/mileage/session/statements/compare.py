"""``COMPARE``: what differs between workflows, and whether the scores do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic
from mileage.core.events import Listener
from mileage.errors import NotYetError, UnknownRefError
from mileage.language import ast, format_node
from mileage.results import compare
from mileage.results.report import Report
from mileage.session.refs import result_of, trial_of
from mileage.session.rescore import with_metrics

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_compare(session: Session, statement: ast.Compare, text: str, on_event: Listener | None) -> Report:
    """Compare two or more ranked workflows of one query on their own metrics, or on those after ON."""
    del on_event
    if statement.by:
        raise NotYetError([Diagnostic("E302", "COMPARE ... BY is not executed yet", statement.span)], source=text)
    if len(statement.refs) < 2:
        raise UnknownRefError("COMPARE needs two workflows", hint="for example COMPARE @w1, @w2")
    result = result_of(session, statement.refs[0])
    trials = [trial_of(session, ref) for ref in statement.refs]
    metrics = tuple(format_node(m) for m in statement.metrics) or tuple(o.call for o in result.plan.objectives)
    trials = with_metrics(result, trials, metrics)
    names = tuple(str(ref) for ref in statement.refs)
    made = compare(trials, metrics, names=names)
    return Report("compare", " vs ".join(names), made.sections(), data=made.to_json())
