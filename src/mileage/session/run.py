"""One run: search, refit the best, rank, record. The budget covers all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.engine import Executor, Limits
from mileage.errors import EngineError
from mileage.planner import LogicalPlan
from mileage.results import Leaderboard, Trial
from mileage.session.clock import Clock
from mileage.session.data_tasks import DataTasks, SessionData, data_tasks
from mileage.session.engines import end_refit, open_executor, refit
from mileage.session.result import Result
from mileage.session.trials import STOPPED, TrialLoop
from mileage.workflow import Port

if TYPE_CHECKING:
    from mileage.session.session import Session


@dataclass(frozen=True)
class RunSetting:
    """The query version a run answers, its clock and its listeners."""

    query_id: int
    clock: Clock
    bus: EventBus


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
            "run_started",
            run=run_id,
            query=f"@q{setting.query_id}",
            seconds=plan.budget.seconds,
            trials=plan.budget.trials,
            n_workers=n_workers,
        )
        with executor:
            loop = TrialLoop(
                plan=plan,
                data=leaves,
                executor=executor,
                kept=session.store.has,
                record=lambda trial: _record(session, run_id, trial),
                clock=setting.clock,
                bus=setting.bus,
                n_workers=n_workers,
            )
            trials = loop.run()
            board = rank(plan, trials)
            refit, notes = _refit_best(session, executor, leaves, plan, loop, board)
        stopped = loop.ended == STOPPED
        if not board.ranked and not stopped:
            raise nothing_scored(board)
        state = "stopped" if stopped else "finished"
    finally:
        session.catalog.finish_run(run_id, state, summary={"ended": loop.ended} if state != "failed" else {})
    notes += [text for text in (loop.unkept, session.catalog.degraded) if text]
    result = Result(
        session,
        plan,
        board,
        run_id,
        setting.query_id,
        setting.clock.elapsed_s,
        loop.ended,
        stopped,
        refit,
        tuple(notes),
    )
    session.results[f"q{setting.query_id}"] = result
    setting.bus.tell("run_finished", state=state, seconds=setting.clock.elapsed_s)
    return result


def nothing_scored(board: Leaderboard) -> EngineError:
    """Return the error of a run in which not even the constant predictor has a score, with its reason."""
    first = board.trials[0] if board.trials else None
    why = first.error if first is not None and first.error else "no workflow was run"
    if first is None or first.state == "skipped" or "time" in first.state:
        hint = "give more time in BUDGET"
    else:
        hint = "VALIDATE in another way, or OPTIMIZE another metric"
    return EngineError(f"no workflow could be scored: {why}", code="X603", hint=hint)


def _record(session: Session, run_id: int, trial: Trial) -> None:
    session.catalog.record_trial(run_id, trial)


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
    if loop.ended == STOPPED:
        return {}, ["nothing was fitted on all rows yet: a workflow is when it is first used"]
    notes: list[str] = []
    for trial in board.ranked:
        left = loop.clock.left_s
        reserve = (trial.fit_s or 0.0) / leaves.train_share
        if left is not None and reserve > max(left, 0.0) and trial.number != 0:
            notes.append(
                f"{trial.describe} was not refitted on all rows: forecast {reserve:.1f} s, {max(0.0, left):.1f} s left"
            )
            continue
        loop.bus.tell("stage", name="refitting")
        limits = Limits(None if left is None else max(1.0, left), plan.budget.memory_bytes)
        assert trial.workflow is not None
        if (begun := loop.refits.get(trial.number)) is not None:
            states, why = end_refit(executor, begun, loop.other)
        else:
            states, why = refit(session, executor, leaves.source, trial.workflow, limits)
        if states is not None:
            return {trial.number: states}, notes
        notes.append(f"{trial.describe} could not be refitted on all rows: {why}")
    return {}, notes
