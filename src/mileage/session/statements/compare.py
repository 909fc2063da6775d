"""``COMPARE``: what differs between workflows, and whether the scores do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.errors import UnknownRefError
from mileage.language import ast
from mileage.planner.mistakes import Mistakes
from mileage.planner.objectives import check_metric, metric_call
from mileage.results import PRIVATE, compare
from mileage.results.report import Report
from mileage.session.refs import result_of, trial_of
from mileage.session.rescore import with_metrics

if TYPE_CHECKING:
    from mileage.results import Trial
    from mileage.session.result import Result
    from mileage.session.session import Session


def run_compare(session: Session, statement: ast.Compare, text: str, on_event: Listener | None) -> Report:
    """Compare two or more ranked workflows of one query on their own metrics, or on those after ON."""
    del on_event
    results = [result_of(session, ref) for ref in statement.refs]
    plan = results[0].plan
    mistakes = Mistakes(text)
    for metric in statement.metrics:
        check_metric(metric, plan.task, plan.classes, mistakes)
    mistakes.stop_if_any()
    _check_comparable(statement.refs, results)
    trials = [trial_of(session, ref) for ref in statement.refs]
    metrics = tuple(map(metric_call, statement.metrics)) or tuple(o.call for o in plan.objectives)
    trials = [with_metrics(result, [trial], metrics)[0] for result, trial in zip(results, trials, strict=True)]
    names = tuple(str(ref) for ref in statement.refs)
    splits = {_splits(result, trial) for result, trial in zip(results, trials, strict=True)}
    made = compare(trials, metrics, names=names, paired=len(splits) == 1, test_share=plan.validation.test_share)
    return Report("compare", " vs ".join(names), made.sections(), data=made.to_json())


def _splits(result: Result, trial: Trial) -> tuple[object, ...]:
    """Return what decides on which rows a workflow is fitted and scored."""
    plan = result.plan
    test = plan.test.fingerprint if plan.test is not None else ""
    own = trial.configuration if trial.fidelity == PRIVATE else ()
    return (str(plan.dataset.fingerprint), str(test), plan.target, plan.validation, trial.fidelity, own)


def _check_comparable(refs: tuple[ast.Ref, ...], results: list[Result]) -> None:
    for ref, result in zip(refs[1:], results[1:], strict=True):
        plan, first = result.plan, results[0].plan
        if (plan.target, plan.task) != (first.target, first.task):
            raise UnknownRefError(
                f"{refs[0]} predicts {first.target} ({first.task}) and {ref} predicts {plan.target} ({plan.task})",
                code="R802",
                hint="compare workflows for the same target",
            )
