"""One run: search, refit the best, rank, record. The budget covers all of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.engine import Executor, Limits, Resources, backends
from mileage.operators import operators
from mileage.optimizer import PlanContext, fit_tasks, optimize
from mileage.planner import LogicalPlan
from mileage.results import Leaderboard, Trial
from mileage.session.clock import Clock
from mileage.session.data_tasks import DataTasks, SessionData, data_tasks
from mileage.session.result import Result
from mileage.session.trials import TrialLoop
from mileage.workflow import Port, Task, TaskKind, Workflow

if TYPE_CHECKING:
    from mileage.session.session import Session


@dataclass(frozen=True)
class RunSetting:
    """The query version a run answers, its clock and its listeners."""

    query_id: int
    clock: Clock
    bus: EventBus


def warm(session: Session) -> None:
    """Let the workers' libraries load while the data is read."""
    if backend_name(session, {}) == "processes":
        from mileage.engine.backends.processes import warm as start_server

        start_server()


def backend_name(session: Session, hints: Mapping[str, object]) -> str:
    """Return where tasks run: what the query hints, the session says, or the environment; else ``processes``."""
    return str(hints.get("backend") or session.backend or os.environ.get("MILE_BACKEND") or "processes")


def open_executor(
    session: Session, data: SessionData, bus: EventBus, *, plan: LogicalPlan, backend: str | None = None
) -> tuple[Executor, int]:
    """Return an executor on the session's backend, and its number of workers."""
    hints = dict(plan.hints)
    name = backend or backend_name(session, hints)
    n = int(str(hints.get("workers") or session.workers or plan.budget.cores or os.cpu_count() or 1))
    local = {op.name: op for op in operators.added()}
    resources = Resources(data.source, data.deal, data.score, local)
    executor = Executor(
        backends.get(name).new(),
        session.store,
        events=bus,
        resources=resources,
        memory_bytes=plan.budget.memory_bytes,
        n_workers=n,
    )
    return executor, 1 if name == "inline" else n


def run_plan(session: Session, plan: LogicalPlan, setting: RunSetting) -> Result:
    """Search the plan's space, refit the best workflow, and return the answer."""
    run_id = session.catalog.start_run(
        setting.query_id, budget_s=plan.budget.seconds, seed=plan.seed, data_fingerprint=str(plan.dataset.fingerprint)
    )
    data = SessionData.of(plan)
    leaves = data_tasks(plan)
    state = "failed"
    try:
        executor, n_workers = open_executor(session, data, setting.bus, plan=plan)
        setting.bus.tell(
            "run_started", run=run_id, query=f"@q{setting.query_id}", seconds=plan.budget.seconds, trials=plan.budget.trials, n_workers=n_workers
        )
        with executor:
            loop = TrialLoop(
                plan=plan,
                data=leaves,
                executor=executor,
                kept=session.store.has,
                record=lambda trial: session.catalog.record_trial(run_id, trial),
                clock=setting.clock,
                bus=setting.bus,
                n_workers=n_workers,
            )
            trials = loop.run()
            board = rank(plan, trials)
            refit, notes = _refit_best(session, executor, leaves, plan, loop, board)
        stopped = loop.ended.startswith("stopped")
        state = "stopped" if stopped else "finished"
    finally:
        session.catalog.finish_run(run_id, state, summary={"ended": loop.ended} if state != "failed" else {})
    result = Result(
        session, plan, board, run_id, setting.query_id, setting.clock.elapsed_s, loop.ended, stopped, refit, tuple(notes)
    )
    session.results[f"q{setting.query_id}"] = result
    setting.bus.tell("run_finished", state=state, seconds=setting.clock.elapsed_s)
    return result


def rank(plan: LogicalPlan, trials: list[Trial]) -> Leaderboard:
    """Return the leaderboard of trials under the plan's objectives."""
    return Leaderboard(
        tuple(sorted(trials, key=lambda t: t.number)),
        objectives=tuple((o.call, o.greater_is_better) for o in plan.objectives),
        n=plan.n_results,
        diverse=plan.diverse,
        restrictions=tuple((r.what, r.reason.text) for r in plan.space.restrictions),
    )


def _refit_best(
    session: Session, executor: Executor, leaves: DataTasks, plan: LogicalPlan, loop: TrialLoop, board: Leaderboard
) -> tuple[dict[int, Mapping[str, Port]], list[str]]:
    """Fit the best workflow on all rows; if the time is too short for it, the next one that fits, and say so."""
    notes: list[str] = []
    for trial in board.ranked:
        left = loop.clock.left_s
        reserve = (trial.fit_s or 0.0) / leaves.train_share
        if left is not None and reserve > max(left, 0.0) and trial.number != 0:
            notes.append(f"{trial.describe} was not refitted on all rows: forecast {reserve:.1f} s, {max(0.0, left):.1f} s left")
            continue
        loop.bus.tell("stage", name="refitting")
        limits = Limits(None if left is None else max(1.0, left), plan.budget.memory_bytes)
        assert trial.workflow is not None
        states, why = refit(session, executor, leaves.source, trial.workflow, limits)
        if states is not None:
            return {trial.number: states}, notes
        notes.append(f"{trial.describe} could not be refitted on all rows: {why}")
    return {}, notes


def refit(
    session: Session, executor: Executor, source: Task, workflow: Workflow, limits: Limits
) -> tuple[dict[str, Port] | None, str]:
    """Fit a workflow on all rows as tasks that are kept; return the ports of its states, or why there are none."""
    tasks, states = fit_tasks(workflow, source)
    context = PlanContext(kept=session.store.has, shares=False, keep=frozenset({TaskKind.FIT}))
    physical, _ = optimize((source, *tasks), states.values(), context)
    try:
        ticket = executor.submit(physical, label="refit", limits=limits)
        while True:
            for outcome in executor.wait(1.0):
                if outcome.ticket == ticket:
                    return (states, "") if outcome.state == "done" else (None, str(outcome.error or outcome.state))
    except KeyboardInterrupt:
        executor.cancel_all()
        return None, "stopped by the user"

