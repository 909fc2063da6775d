"""Predict for new rows: the same checks as the training data, then apply tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from mileage.core.cores import n_cores
from mileage.core.events import EventBus
from mileage.core.fingerprint import fingerprint
from mileage.core.near import near_matches
from mileage.data import Dataset, SourceSpec, bounds_of, quote
from mileage.engine import Limits, Resources, run_here
from mileage.errors import DataError, EngineError
from mileage.operators import operators
from mileage.operators.by_level import ByLevel, looked
from mileage.operators.running import with_threads
from mileage.optimizer import PlanContext, apply_tasks, fit_tasks, optimize
from mileage.planner.mistakes import Mistakes
from mileage.planner.newdata import as_stated, check_types
from mileage.session.data_tasks import SessionData, fitting_source, rows_task
from mileage.session.engines import finished, open_executor, refit
from mileage.workflow import PhysicalPlan, Port, Task, TaskKind, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mileage.operators.running import Predictions
    from mileage.planner import LogicalPlan
    from mileage.results import Trial
    from mileage.session.ready import ReadySteps
    from mileage.session.result import Result

# A name for the rows in one plan: nothing of it is kept, so their content need not be hashed.
_NEW_ROWS = fingerprint("new rows")
_FEW_CELLS = 500_000


def apply_workflow(result: Result, trial: Trial, data: Any) -> Applied:
    """Return what a workflow, fitted on all rows, predicts for new rows.

    Raises
    ------
    DataError
        If a column is missing, unknown, or of another type than in training. Unseen categories are treated as the
        encoder defines: one_hot gives zeros (or the rare level), ordinal -1, target the overall mean.
    """
    with _bound(result, data) as dataset:
        few = not isinstance(data, str | Dataset) and dataset.n_rows * len(dataset.schema.names) <= _FEW_CELLS
        return _applied(result, trial, dataset, few=few)


def _applied(result: Result, trial: Trial, dataset: Dataset, *, few: bool) -> Applied:
    session, plan = result.session, result.plan
    dataset = as_stated(plan.query, dataset, mistakes := Mistakes())
    mistakes.stop_if_any()
    check_columns(plan, dataset)
    states = fitted_states(result, trial)
    source = rows_task(plan, _NEW_ROWS, "the new rows")
    session.database.check_unchanged(dataset)
    physical = _usual(result, trial, source, states) if few else _narrowed(result, trial, source, dataset, states)
    [port] = physical.wanted
    tables = SessionData({**SessionData.of(plan).datasets, _data(source): dataset})
    # what is fitted already runs here: rows need not travel, and there is no fit that a limit might have to end
    predicted: Predictions
    if answers_here(result, states):
        resources = Resources(tables.source, {op.name: op for op in operators.added()})
        predicted = run_here(physical, loader(result, trial, states, few=few), resources)[port]
    else:
        executor, _ = open_executor(session, tables, EventBus(), plan=plan)
        with executor:
            executor.submit(physical, label="apply", limits=Limits())
            predicted = finished(executor).values[port]
    return Applied(predicted, _columns_read(physical, source))


def loader(result: Result, trial: Trial, states: Mapping[str, Port], *, few: bool) -> Callable[[Port], Any]:
    """Return what loads fitted steps to predict in this process, in the way that is quickest and changes no bit of what is predicted.

    Models predict by all cores where they can; encoders look levels up where the rows are few.
    """
    assert trial.workflow is not None
    ready, n = result.session.ready, result.session.workers or n_cores()
    named = {states[s.name]: operators.find(s.spec.operator) for s in serving(trial.workflow).steps if s.spec}

    def load(port: Port) -> Any:
        operator = named.get(port)
        if operator is not None and operator.traits.predict_threads:
            return ready.prepared(port, lambda step: with_threads(step, n))
        if few and isinstance(operator, ByLevel):
            return ready.prepared(port, partial(looked, operator))
        return ready.get(port)

    return load


def answers_here(result: Result, states: Mapping[str, Port]) -> bool:
    """Say whether fitted steps predict in this process: all are kept, and the query names no other place and no limit of memory."""
    plan, ready = result.plan, result.session.ready
    kept = bool(states) and all(ready.has(state.key) for state in states.values())
    return kept and plan.budget.memory_bytes is None and "backend" not in dict(plan.hints)


@dataclass(frozen=True)
class Applied:
    """What a workflow predicts for new rows, and the columns it read of them."""

    predicted: Predictions
    columns: tuple[str, ...]


def _narrowed(result: Result, trial: Trial, source: Task, dataset: Dataset, states: Mapping[str, Port]) -> PhysicalPlan:
    """Return the plan that predicts for a source with fitted steps that are kept, and reads the columns that matter."""
    bounds = cache(lambda: bounds_of(dataset, result.plan.features.numeric))
    context = PlanContext(fitted=partial(_kept_step, result.session.ready), bounds=lambda column: bounds()[column])
    return _optimized(result, trial, source, states, context)


def _usual(result: Result, trial: Trial, source: Task, states: Mapping[str, Port]) -> PhysicalPlan:
    """Return the plan for a few rows that are in memory: it is made once, and reads all columns."""
    if trial.number not in result.plans:
        result.plans[trial.number] = _optimized(result, trial, source, states, PlanContext())
    return result.plans[trial.number]


def _optimized(
    result: Result, trial: Trial, source: Task, states: Mapping[str, Port], context: PlanContext
) -> PhysicalPlan:
    assert trial.workflow is not None
    tasks, port = apply_tasks(trial.workflow, dict(states), source)
    off, floor = result.plan.rules_off, result.plan.floor
    context = replace(context, kept=result.session.ready.has, shares=False, off=off, floor=floor)
    return optimize((*_fitting_tasks(result, trial), source, *tasks), (port,), context)[0]


def _kept_step(ready: ReadySteps, state: Port) -> Any:
    """Return a fitted step, None if it is not kept: the plan then fits it."""
    try:
        return ready.get(state)
    except KeyError:
        return None


def _columns_read(physical: PhysicalPlan, source: Task) -> tuple[str, ...]:
    """Return the columns of the new rows that a plan reads."""
    read = next(p.task for p in physical if p.task.kind is TaskKind.SOURCE and _data(p.task) == _data(source))
    columns: Any = dict(read.params)["columns"]
    return tuple(str(name) for name, _ in columns)


def _data(source: Task) -> str:
    return str(dict(source.params)["data"])


def fitted_states(result: Result, trial: Trial) -> Mapping[str, Port]:
    """Return the ports of a workflow fitted on all rows, fitting it now if that was not done yet."""
    assert trial.workflow is not None
    session, source = result.session, fitting_source(result.plan, trial)
    states: Mapping[str, Port] | None = result.states.get(trial.number) or fit_tasks(trial.workflow, source)[1]
    assert states is not None
    result.states[trial.number] = states
    if all(session.ready.has(port.key) for port in states.values()):
        return states
    executor, _ = open_executor(session, SessionData.of(result.plan), EventBus(), plan=result.plan)
    with executor:
        states, why = refit(session, executor, source, trial.workflow, Limits())
    if states is None:
        raise EngineError(f"{trial.describe} could not be fitted on all rows: {why}", code="X601")
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
    source = fitting_source(result.plan, trial)
    assert trial.workflow is not None
    return (source, *fit_tasks(trial.workflow, source)[0])


@contextmanager
def _bound(result: Result, data: Any) -> Iterator[Dataset]:
    """Give data as a dataset; a frame is let go afterwards."""
    database = result.session.database
    if isinstance(data, Dataset):
        yield data
    elif isinstance(data, str):
        yield database.bind(SourceSpec("file", data))
    else:
        with database.given(data) as dataset:
            yield dataset


__all__ = ["Applied", "apply_workflow", "check_columns"]
