"""Predict for new rows: the same checks as the training data, then apply tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.events import EventBus
from mileage.core.near import near_matches
from mileage.data import Dataset, SourceSpec, quote
from mileage.engine import Limits
from mileage.errors import DataError, EngineError
from mileage.optimizer import PlanContext, apply_tasks, optimize
from mileage.planner.mistakes import Mistakes
from mileage.planner.newdata import as_stated, check_types
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
        If a column is missing, unknown, or of another type than in training. Unseen categories are treated as the
        encoder defines: one_hot gives zeros (or the rare level), ordinal -1, target the overall mean.
    """
    session, plan = result.session, result.plan
    dataset = as_stated(
        plan.query, data if isinstance(data, Dataset) else _dataset(result, data), mistakes := Mistakes()
    )
    mistakes.stop_if_any()
    check_columns(plan, dataset)
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


def check_columns(plan: LogicalPlan, dataset: Dataset) -> None:
    """Check that new data has the columns of the training data, no others, and of the same types.

    The target may be missing, as may be columns that the workflows do not read. A column without any value is of no
    type and fits all.

    Raises
    ------
    DataError
        Naming every column that is missing (D450), has changed its type (D451), or is unknown (D452).
    """
    names, trained = dataset.schema.names, plan.dataset.schema.names
    missing = [name for name in plan.features.names if name not in names]
    if missing:
        near = {name: near_matches(name, names, at_most=1) for name in missing}
        hints = [f"{name}: did you mean {match[0]}?" for name, match in near.items() if match]
        hint = "; ".join(hints) or "give all feature columns of the training data"
        raise DataError(f"{dataset.describe} lacks {_listed(missing)}", code="D450", hint=hint)
    extra = [name for name in names if name not in trained]
    if extra:
        shown = ", ".join(quote(name) for name in extra[:5])
        hint = f"leave out what is not needed: (SELECT * EXCLUDE ({shown}) FROM ...)"
        raise DataError(
            f"{dataset.describe} has columns that the training data lacks: {_listed(extra)}", code="D452", hint=hint
        )
    check_types(plan.dataset, plan.features, dataset)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more columns" if len(names) > 5 else "")


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


__all__ = ["check_columns", "finished", "fitted_states", "predictions"]
