"""One run: search, refit the best, rank, record. The budget covers all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from mileage.core.events import EventBus
from mileage.core.interrupts import StopAsked, deferred
from mileage.engine import Executor, Limits
from mileage.errors import EngineError, MileError
from mileage.planner import LogicalPlan
from mileage.results import Leaderboard, Trial
from mileage.results.ranking import value_of
from mileage.session.apply import answers_here, apply_workflow
from mileage.session.blend import blend_best
from mileage.session.clock import Clock
from mileage.session.confirm import confirm_best
from mileage.session.data_tasks import SessionData, data_tasks, fitting_source
from mileage.session.distil import distil_best
from mileage.session.ends import STOPPED
from mileage.session.engines import end_refit, open_executor, refit
from mileage.session.growth import ask_growth, expect
from mileage.session.knowledge import is_used, known_for, lesson_of
from mileage.session.more_rows import is_in_time, keep_s
from mileage.session.rates import keep_rates, known_rates
from mileage.session.recheck import keep_demotions, known_demotions, recheck
from mileage.session.result import Result
from mileage.session.trials import TrialLoop
from mileage.workflow import Port

if TYPE_CHECKING:
    from mileage.session.session import Session

_LOADING_S = 0.3  # of a budget, to load a fitted step in, or to predict for so few rows
_FEW, _NARROW = 5, 1000  # rows, of tables of so many columns
_UNFITTED = "nothing was fitted on all rows yet: a workflow is when it is first used"

_DEMOTED = "{0} gives {1} other predictions than alone: it is not done any more in this project (HINT (off = '{0}') redoes this run)"


@dataclass(frozen=True)
class RunSetting:
    """The query version a run answers, its clock, its listeners, and trials of the version that it refines."""

    query_id: int
    clock: Clock
    bus: EventBus
    carried: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class _Found:
    """What a search has found, and which workflows are fitted on all rows."""

    board: Leaderboard
    ended: str
    refit: Mapping[int, Mapping[str, Port]]
    notes: tuple[str, ...]
    reuse: Mapping[str, float]

    @property
    def state(self) -> str:
        return "stopped" if self.ended == STOPPED else "finished"


def run_plan(session: Session, plan: LogicalPlan, setting: RunSetting) -> Result:
    """Search the plan's space, refit the best workflow, and return the answer.

    The first Ctrl-C ends the search and gives the answer so far; the second one leaves at once.
    """
    with deferred() as wish:
        run_id = session.catalog.start_run(
            setting.query_id,
            budget_s=plan.budget.seconds,
            seed=plan.seed,
            data_fingerprint=str(plan.dataset.fingerprint),
        )
        state, summary = "failed", {}
        try:
            found = _search(session, plan, setting, run_id)
            state, summary = found.state, {"ended": found.ended, "reuse": found.reuse}
        except KeyboardInterrupt:
            state, summary = "stopped", {"ended": STOPPED}
            raise
        finally:
            session.catalog.finish_run(run_id, state, summary=summary)
    result = Result(
        session,
        plan,
        found.board,
        run_id,
        setting.query_id,
        setting.clock.elapsed_s,
        found.ended,
        wish.asked,
        found.refit,
        found.notes,
    )
    if session.stays:
        _make_ready(result, setting.clock)
    result.seconds = setting.clock.elapsed_s
    session.results[f"q{setting.query_id}"] = result
    setting.bus.tell("run_finished", state=state, seconds=result.seconds)
    return result


def _make_ready(result: Result, clock: Clock) -> None:
    """Load what was fitted on all rows and predict for a few of them, if the budget has time for it.

    The first prediction of the user need then not wait for models, libraries and a plan.
    """
    names = result.plan.features.names
    for trial in result.leaderboard.order:
        states = result.refit.get(trial.number, {})
        for port in states.values():
            if (clock.left_s or 0.0) < _LOADING_S:
                return
            with suppress(KeyError):  # it was not kept, as the answer says
                result.session.ready.get(port)
        if len(names) <= _NARROW and (clock.left_s or 0.0) >= _LOADING_S and answers_here(result, states):
            try:
                apply_workflow(result, trial, result.plan.dataset.head(_FEW, names))
            except MileError as error:  # such as a file that is gone: the answer stays what it is
                result.notes += (f"{trial.describe} does not predict for the first rows: {error}",)


def _search(session: Session, plan: LogicalPlan, setting: RunSetting, run_id: int) -> _Found:
    """Run the trials and fit the best workflow on all rows."""
    leaves = data_tasks(plan)
    executor, n_workers = open_executor(session, SessionData.of(plan), setting.bus, plan=plan)
    with executor:
        if session.stays and plan.budget.seconds is not None:
            import_module(
                "sklearn.preprocessing"
            )  # while the workers' server does: the answer is made ready at the end
        setting.bus.tell(
            "run_started",
            run=run_id,
            query=f"@q{setting.query_id}",
            seconds=plan.budget.seconds,
            trials=plan.budget.trials,
            n_workers=n_workers,
        )
        loop = TrialLoop(
            plan=plan,
            data=leaves,
            executor=executor,
            kept=session.store.has,
            record=lambda trial: _record(session, run_id, trial),
            clock=setting.clock,
            bus=setting.bus,
            n_workers=n_workers,
            carried=setting.carried,
            known=known_for(plan, session.catalog.lessons.all(plan.task)) if is_used(plan) else (),
            rates=known_rates(session.project.path),
            demoted=known_demotions(session.project.path),
        )
        loop.run()
        if loop.observed is not None and loop.observed != loop.rates:
            keep_rates(session.project.path, loop.observed)
        demoted = {} if loop.ended == STOPPED or loop.fixed else recheck(loop)
        keep_demotions(session.project.path, demoted)
        if loop.ended != STOPPED and not loop.is_goal_met and not confirm_best(loop):
            loop.resume()
        if loop.ended != STOPPED and not loop.is_goal_met:
            blend_best(loop)
        distil_best(loop)
        if is_used(plan) and (lesson := lesson_of(plan, loop.trials)) is not None:
            session.catalog.lessons.keep([lesson])
        board = rank(plan, loop.trials)
        refit, notes = _refit_best(session, executor, loop, board)
        ask_growth(loop, board, _LOADING_S)
        expect(loop, rank(plan, loop.trials))
        board = rank(
            plan, loop.trials
        )  # on how many rows the best is fitted is on record now, and what it should reach
        if not board.ranked and loop.ended != STOPPED:
            raise nothing_scored(board)
        notes += _unmet(board)
        notes += [_DEMOTED.format(rule, operator) for rule, operator in demoted]
        notes += [
            text
            for text in (loop.reuse.text, loop.unblended, loop.undistilled, loop.unkept, session.catalog.degraded)
            if text
        ]
        return _Found(board, loop.ended, refit, tuple(notes), loop.reuse.summary)


def _unmet(board: Leaderboard) -> list[str]:
    """Say so if no workflow keeps all bounds, and of each bound how near a workflow comes."""
    if not board.ranked or not board.missed(board.ranked[0]):
        return []
    n = len(board.order)
    lines = [f"none of {n} workflow{'s' * (n != 1)} keeps all that is REQUIREd: w1 {board.missed(board.ranked[0])}"]
    for bound in board.requirements:
        values = [v for t in board.order if not math.isnan(v := value_of(t, bound.metric))]
        keep = sum(bound.shortfall(t) == 0 for t in board.order)
        nearest = (min if bound.is_upper else max)(values) if values else math.nan
        lines.append(f"{bound}: {keep} of {n} keep it, the best has {bound.shown(nearest)}")
    return lines


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
        test_share=plan.validation.test_share,
        restrictions=tuple((r.what, r.reason.text) for r in plan.space.restrictions),
        requirements=plan.requirements,
    )


def _refit_best(
    session: Session, executor: Executor, loop: TrialLoop, board: Leaderboard
) -> tuple[dict[int, Mapping[str, Port]], list[str]]:
    """Fit the best workflow on all rows; if the time is too short for it, the next one that fits, and say so."""
    try:
        return ({}, [_UNFITTED]) if loop.ended == STOPPED else _refit_first(session, executor, loop, board)
    except StopAsked:
        loop.ended = STOPPED
        executor.cancel_all()
        return {}, [_UNFITTED]


def _refit_first(
    session: Session, executor: Executor, loop: TrialLoop, board: Leaderboard
) -> tuple[dict[int, Mapping[str, Port]], list[str]]:
    notes: list[str] = []
    for trial in board.ranked:
        left = loop.clock.left_s
        reserve = keep_s(loop, trial)
        if left is not None and reserve > max(left, 0.0) and trial.number != 0:
            notes.append(
                f"{trial.describe} was not refitted on all rows: forecast {reserve:.1f} s, {max(0.0, left):.1f} s left"
            )
            continue
        loop.bus.tell("stage", name="refitting")
        states, said = _fitted_on_more(session, executor, loop, trial)
        notes += said
        if states is not None:
            return {trial.number: states}, notes
        states, why = _fitted(session, executor, loop, trial)
        if states is not None:
            return {trial.number: states}, notes
        notes.append(f"{trial.describe} could not be refitted on all rows: {why}")
    return {}, notes


def _fitted_on_more(
    session: Session, executor: Executor, loop: TrialLoop, trial: Trial
) -> tuple[Mapping[str, Port] | None, list[str]]:
    """Fit a workflow on the largest part of a table that there is time for."""
    notes: list[str] = []
    for larger in reversed(loop.plan.larger):
        if not is_in_time(loop, trial, larger):
            continue
        more = replace(trial, fitted_rows=larger.n_rows)
        states, why = _fitted(session, executor, loop, more, after_s=keep_s(loop, trial))
        if states is not None:
            loop.replace([more])
            searched = f"{loop.plan.dataset.n_rows:,}"
            text = f"{trial.describe} is fitted on {larger.n_rows:,} rows, scored by models of {searched} and fewer"
            return states, [*notes, text]
        notes.append(f"{trial.describe} could not be fitted on {larger.n_rows:,} rows: {why}")
    return None, notes


def _fitted(
    session: Session, executor: Executor, loop: TrialLoop, trial: Trial, *, after_s: float = 0.0
) -> tuple[Mapping[str, Port] | None, str]:
    """Fit a workflow as an answer in the time left but for ``after_s``; return the ports of its states, or why there are none."""
    assert trial.workflow is not None
    if (begun := loop.refits.get(trial.number)) is not None:
        return end_refit(executor, begun, loop.other)
    left = loop.clock.left_after(after_s)
    limits = Limits(None if left is None else max(1.0, left), loop.plan.budget.memory_bytes, threads=loop.n_workers)
    return refit(session, executor, fitting_source(loop.plan, trial), trial.workflow, limits)
