"""Predict for new rows: the same checks as the training data, then apply tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.events import EventBus
from mileage.data import Dataset, SourceSpec
from mileage.engine import Limits
from mileage.errors import EngineError
from mileage.optimizer import PlanContext, apply_tasks, optimize
from mileage.planner.newdata import Training, check_features
from mileage.planner.sources import with_facts
from mileage.session.data_tasks import SessionData, data_tasks, source_task
from mileage.session.engines import finished, open_executor, refit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mileage.operators.running import Predictions
    from mileage.planner import LogicalPlan
    from mileage.results import Trial
    from mileage.session.result import Result
    from mileage.workflow import Port


def predictions(result: Result, trial: Trial, data: Any) -> Predictions:
    """Return what a workflow, fitted on all rows, predicts for new rows.

    Raises
    ------
    DataError
        If a column is missing or has another type than in training. Unseen categories are treated as the encoder
        defines: one_hot gives zeros, ordinal -1, target the overall mean.
    """
    session, plan = result.session, result.plan
    dataset = as_trained(plan, data if isinstance(data, Dataset) else _dataset(result, data))
    tables = SessionData.of(plan, also=dataset)
    executor, _ = open_executor(session, tables, EventBus(), plan=plan)
    assert trial.workflow is not None
    with executor:
        states = fitted_states(result, trial, executor)
        source = source_task(plan, dataset, with_target=False)
        tasks, port = apply_tasks(trial.workflow, dict(states), source)
        fitting = _fitting_tasks(result, trial)
        context = PlanContext(kept=session.store.has, shares=False)
        physical, _ = optimize((*fitting, source, *tasks), (port,), context)
        executor.submit(physical, label="apply", limits=Limits())
        outcome = finished(executor)
        predicted: Predictions = outcome.values[port]
    return predicted


def fitted_states(result: Result, trial: Trial, executor: Any) -> Mapping[str, Port]:
    """Return the ports of a workflow fitted on all rows, fitting it now if that was not done yet."""
    known = result.refit.get(trial.number)
    if known is not None and all(result.session.store.has(port.key) for port in known.values()):
        return known
    assert trial.workflow is not None
    states, why = refit(result.session, executor, data_tasks(result.plan).source, trial.workflow, Limits())
    if states is None:
        raise EngineError(f"{trial.describe} could not be fitted on all rows: {why}", code="X601")
    result.refit = {**result.refit, trial.number: states}
    return states


def as_trained(plan: LogicalPlan, dataset: Dataset) -> Dataset:
    """Return new data as the facts of the query say it is, checked to look like the training data.

    Raises
    ------
    DataError
        Naming every column that is missing, or that has values of another type.
    """
    dataset = with_facts(plan.query, dataset)
    check_features(Training(plan.dataset, plan.target, plan.task, plan.classes, plan.features), dataset)
    return dataset


def _fitting_tasks(result: Result, trial: Trial) -> tuple[Any, ...]:
    """The tasks behind the states; they are kept, so the optimizer loads them and prunes what is before."""
    from mileage.optimizer import fit_tasks

    source = data_tasks(result.plan).source
    assert trial.workflow is not None
    return (source, *fit_tasks(trial.workflow, source)[0])


def _dataset(result: Result, data: Any) -> Dataset:
    if isinstance(data, str):
        return result.session.database.bind(SourceSpec("file", data))
    return result.session.database.bind_frame(data)


__all__ = ["as_trained", "finished", "fitted_states", "predictions"]
