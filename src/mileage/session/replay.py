"""A run once more, as it is on record and without the clock: the same workflows in the same order, from the data on.

The clock decides how many workflows a search tries, how many are scored again, and which can be blended. On record is what it did; so
nothing needs to be decided, and what comes out has to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from mileage.core.events import EventBus, Listener
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import fingerprint
from mileage.engine import Executor, Limits, Resources, run_here
from mileage.operators import operators
from mileage.optimizer import Ahead, Evaluation, PlanContext, apply_tasks, evaluation_tasks, fit_tasks, optimize
from mileage.results import FULL, Trial
from mileage.results.report import Report, Section
from mileage.session.confirm import scored_on
from mileage.session.data_tasks import DataTasks, SessionData, data_tasks, fitting_source, rows_task
from mileage.session.engines import finished, open_executor
from mileage.session.rates import known_rates
from mileage.session.recheck import known_demotions
from mileage.workflow import PhysicalPlan, Port, Task

if TYPE_CHECKING:
    from mileage.planner import LogicalPlan
    from mileage.session.result import Result

_ROWS = fingerprint("the rows of a replay")
_MANY = 20  # lines of those that differ


@dataclass(frozen=True)
class Compared:
    """Scores of a workflow as they are on record and as they are now; ``off`` is their largest difference as a share of them."""

    trial: Trial
    metric: str
    before: tuple[float, ...]
    now: tuple[float, ...]
    exactness: Exactness
    off: float


def replay(result: Result, *, on_event: Listener | None = None) -> Report:
    """Run what a run did once more, without the clock and with nothing that is kept, and compare.

    Compared are all scores of all workflows that have some, and what the best one, fitted on all rows, predicts for these. Nothing is
    recorded or kept.

    Returns
    -------
    Report
        ``data`` holds ``workflows``, ``same`` (``bitwise`` and ``fp``, up to rounding), ``differ`` and ``answer``.

    Raises
    ------
    EngineError
        If a workflow cannot be computed any more (X602).
    """
    plan, bus = result.plan, EventBus()
    if on_event is not None:
        bus.listen(on_event)
    executor, _ = open_executor(result.session, _tables(plan), bus, plan=plan)
    with executor:
        bus.tell("stage", name="scoring what was scored")
        compared = list(_scores(result, executor))
        bus.tell("stage", name="fitting the answer")
        answer = _answer(result, executor)
    return _report(result, compared, answer)


# --- scores -----------------------------------------------------------------------------------------------------------


def _scores(result: Result, executor: Executor) -> Iterator[Compared]:
    """Yield the scores of all trials, in the order and in the plans in which the run computed them."""
    recorded = sorted((t for t in result.leaderboard.trials if t.scores and t.workflow), key=lambda t: t.number)
    for _, group in groupby(recorded, key=lambda t: t.number if t.beside is None else t.beside):
        members = list(group)
        data = data_tasks(result.plan).of(members[0].configuration)
        searched = [_as_searched(t) for t in members if t.searched or not t.is_confirmed]
        if any(t.state == "behind" for t in searched):
            first = [(t, _of(t, data).of_first(1)) for t in searched]
            compared = list(_compared(result, executor, first, data))
            yield from (c for c in compared if c.trial.state == "behind")
        yield from _compared(result, executor, [(t, _of(t, data)) for t in searched if t.state == "ok"], data)
        for trial in members:
            if trial.is_confirmed:
                again = scored_on(result.plan, trial)
                yield from _compared(result, executor, [(trial, _of(trial, again))], again)


def _as_searched(trial: Trial) -> Trial:
    """Return a trial with the scores that the search chose it by."""
    return replace(trial, scores=trial.searched, fidelity=FULL) if trial.is_confirmed else trial


def _of(trial: Trial, data: DataTasks) -> Evaluation:
    assert trial.workflow is not None
    return evaluation_tasks(
        trial.workflow,
        data.source,
        data.deal,
        n_splits=data.n_splits,
        metrics=tuple(trial.scores),
        setting=data.scoring,
        test=data.test,
    )


def _compared(
    result: Result, executor: Executor, asked: Sequence[tuple[Trial, Evaluation]], data: DataTasks
) -> Iterator[Compared]:
    """Compute evaluations in one plan, and yield what they score beside what is on record."""
    import numpy as np

    from mileage.traits import compare

    if not asked:
        return
    tasks = [task for _, evaluation in asked for task in evaluation.tasks]
    scores = [port for _, evaluation in asked for port in evaluation.scores]
    executor.submit(_planned(result, (*data.tasks, *tasks), scores), label="replay", limits=Limits())
    values = finished(executor).values
    for trial, evaluation in asked:
        for (metric, on_record), port in zip(trial.scores.items(), evaluation.scores, strict=True):
            now = np.asarray(values[port], dtype=float)
            exactness, off = compare(now, np.asarray(on_record, dtype=float))
            yield Compared(trial, metric, on_record, tuple(now.tolist()), exactness, off)


def _planned(result: Result, tasks: Sequence[Task], wanted: Sequence[Port]) -> PhysicalPlan:
    """Return a plan that shares work as the run did and loads nothing that is kept."""
    plan, folder = result.plan, result.session.project.path
    context = PlanContext(
        shares=plan.space.size() > 1,
        ahead=Ahead() if plan.validation.parts else Ahead(plan.space, n_trials=plan.budget.sure_trials),
        off=plan.rules_off,
        floor=plan.floor,
        levels=plan.features.levels,
        rates=known_rates(folder),
        demoted=known_demotions(folder),
    )
    return optimize(tasks, wanted, context)[0]


# --- the answer -------------------------------------------------------------------------------------------------------


def _answer(result: Result, executor: Executor) -> tuple[Trial, Exactness, float] | None:
    """Return how exactly the best workflow, fitted again, predicts what the one that is kept does; None if none is kept."""
    import numpy as np

    from mileage.traits import compare

    best, ready = next(iter(result.leaderboard.ranked), None), result.session.ready
    if best is None or best.workflow is None:
        return None
    source = fitting_source(result.plan, best)
    fits, states = fit_tasks(best.workflow, source)
    if not all(ready.has(port.key) for port in states.values()):
        return None
    rows = rows_task(result.plan, _ROWS, "the rows again")
    tasks, port = apply_tasks(best.workflow, states, rows)
    context = PlanContext(off=result.plan.rules_off, floor=result.plan.floor, shares=best.workflow.model.is_blend)
    physical, _ = optimize((source, *fits, rows, *tasks), (port,), context)
    executor.submit(physical, label="replay of the answer", limits=Limits())
    now = finished(executor).values[port]
    there, _ = optimize((source, *fits, rows, *tasks), (port,), replace(context, kept=ready.has))
    resources = Resources(_tables(result.plan).source, {op.name: op for op in operators.added()})
    before = run_here(there, ready.get, resources)[port]
    return best, *compare(np.asarray(now.values), np.asarray(before.values))


def _tables(plan: LogicalPlan) -> SessionData:
    """Return the data of a plan, the rows to predict for among them: those that were learned from, as if they were new."""
    return SessionData({**SessionData.of(plan).datasets, str(_ROWS): plan.dataset})


# --- what is said -----------------------------------------------------------------------------------------------------


def _report(result: Result, compared: Sequence[Compared], answer: tuple[Trial, Exactness, float] | None) -> Report:
    numbers = list(dict.fromkeys(c.trial.number for c in compared))
    worst = {n: max(c.exactness for c in compared if c.trial.number == n) for n in numbers}
    bitwise, fp = (sum(e is kind for e in worst.values()) for kind in (Exactness.BITWISE, Exactness.FP))
    differ = [c for c in compared if c.exactness > Exactness.FP]
    n, same = len(numbers), bitwise + fp
    lines = [
        f"{same} of {n} workflow{'s' * (n != 1)} of @q{result.query_id} score as they did: {bitwise} bit by bit, {fp} up to rounding"
    ]
    if answer is not None:
        lines.append(_of_answer(*answer))
    rows = tuple(
        (str(c.trial.number), c.metric, _shown(c.before), _shown(c.now), f"{c.off:.2g}", c.trial.describe)
        for c in differ[:_MANY]
    )
    header = ("trial", "metric", "on record", "now", "differs by", "workflow")
    data = {
        "query": f"@q{result.query_id}",
        "workflows": n,
        "same": {"bitwise": bitwise, "fp": fp},
        "differ": [{"trial": c.trial.number, "metric": c.metric, "before": c.before, "now": c.now} for c in differ],
        "answer": None if answer is None else {"exactness": str(answer[1]), "off": answer[2]},
    }
    sections = (Section("workflows that score otherwise", header, rows),) if rows else ()
    return Report("replay", lines[0], sections, tuple(lines), data)


def _of_answer(trial: Trial, exactness: Exactness, off: float) -> str:
    what = f"the answer ({trial.describe}), fitted again,"
    if exactness is Exactness.BITWISE:
        return f"{what} predicts as it did, bit by bit"
    return (
        f"{what} predicts as it did up to rounding"
        if exactness is Exactness.FP
        else f"{what} predicts otherwise, by {off:.2g} of the largest value"
    )


def _shown(scores: Sequence[float]) -> str:
    return f"{sum(scores) / max(1, len(scores)):.6g}"
