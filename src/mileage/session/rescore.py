"""Late-bound metrics: score the kept predictions again, train nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.engine import Limits
from mileage.errors import BindError
from mileage.operators.metrics import resolve_metric
from mileage.optimizer import PlanContext, evaluation_tasks, optimize
from mileage.session.confirm import scored_on
from mileage.session.data_tasks import SessionData
from mileage.session.engines import finished, open_executor
from mileage.workflow import TaskKind

if TYPE_CHECKING:
    from mileage.results import Trial
    from mileage.session.result import Result


def with_metrics(result: Result, trials: list[Trial], metrics: tuple[str, ...]) -> list[Trial]:
    """Return the trials with scores for all ``metrics``; those not known are computed from the kept predictions."""
    for metric in metrics:
        try:
            resolve_metric(metric, result.plan.task, result.plan.classes)
        except ValueError as error:
            from mileage.core.diagnostics import Diagnostic

            message, hint = getattr(error, "message", str(error)), getattr(error, "hint", None)
            raise BindError([Diagnostic("E206", message, None, hint=hint)]) from error
    missing = {t.number: tuple(m for m in metrics if m not in t.scores) for t in trials}
    if not any(missing.values()):
        return trials
    executor, _ = open_executor(result.session, SessionData.of(result.plan), EventBus(), plan=result.plan)
    with executor:
        return [_scored(result, trial, missing[trial.number], executor) for trial in trials]


def _scored(result: Result, trial: Trial, metrics: tuple[str, ...], executor: object) -> Trial:
    from mileage.engine import Executor

    assert isinstance(executor, Executor)
    assert trial.workflow is not None
    if not metrics:
        return trial
    data = scored_on(result.plan, trial)
    evaluation = evaluation_tasks(
        trial.workflow,
        data.source,
        data.deal,
        n_splits=data.n_splits,
        metrics=metrics,
        setting=data.scoring,
        test=data.test,
    )
    keep = frozenset({TaskKind.PREDICT, TaskKind.SCORE})
    physical, _ = optimize(
        (*data.tasks, *evaluation.tasks), evaluation.scores, PlanContext(kept=result.session.store.has, keep=keep)
    )
    executor.submit(physical, label="score", limits=Limits())
    outcome = finished(executor)
    new = {m: tuple(float(v) for v in outcome.values[port]) for m, port in zip(metrics, evaluation.scores, strict=True)}
    return replace(trial, scores={**trial.scores, **new})
