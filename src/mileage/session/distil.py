"""A small, fast model that has learned what the best of a search says: one more workflow, on request.

``WITH DISTILLED = soft_trees`` asks for it; it is also tried where the blend of the best is too slow or too large for a bound of REQUIRE.
The blend teaches, or where there is none the best workflow. On each split it is fitted on the train rows alone, and says what it
predicts for these and for rows that are made up of them; the student learns that, and is scored on the rows left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mileage.core.fingerprint import Fingerprint, derive_seed
from mileage.core.interrupts import StopAsked
from mileage.core.reasons import Reason
from mileage.operators import StepSpec
from mileage.optimizer import Evaluation
from mileage.planner import LogicalPlan
from mileage.results import Trial
from mileage.results.ranking import ranked
from mileage.session.blend import candidates_among, has_mean, is_within_bounds, taken_together
from mileage.session.confirm import scored_on
from mileage.session.data_tasks import DataTasks, data_tasks
from mileage.session.forecast import Forecaster
from mileage.session.measure import Measured, measure
from mileage.workflow import (
    MADE_UP,
    TaskKind,
    Workflow,
    blend_slots,
    blended,
    distilled,
    distilled_slots,
    instantiate,
    members_of,
)
from mileage.workflow.blend import Slots

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_DEFAULT = StepSpec("soft_trees")
_SWAP = 0.3  # of the values of a made-up row come from a row nearby
_MOST_TIMES, _MADE_ROWS = 4, 60_000  # rows that are made up: so many for each, and about so many at most
_HELPED = frozenset({"latency", "predict_time", "size"})  # what a small model is less of
_USUAL = 6  # members of a blend, for what it will take
_SHARE = 0.4  # of the time that a query may take
_MARGIN = 2.5  # a forecast may be that much too short: what trials took is the less for what they shared with others
_ASKED = "you asked for one model that has learned what {} says"
_TRIED = "{} misses a bound: one model that has learned what it says is smaller and faster"


@dataclass(frozen=True)
class _Teacher:
    """Who teaches: trials with their weights, and what the trial of their blend has or would have measured."""

    members: tuple[tuple[float, Trial], ...]
    trial: Trial


def distil_reserve_s(loop: TrialLoop) -> float:
    """Return the seconds that a search leaves for distilling the best; 0 if there will be nothing distilled."""
    seconds = loop.plan.budget.seconds
    asked = loop.plan.space.student is not None
    if seconds is None or not (asked or any(b.metric in _HELPED for b in loop.plan.requirements)):
        return 0.0
    chosen = candidates_among(loop, loop.trials)[: _USUAL if loop.plan.space.blends else 1]
    if not chosen:
        return 0.0
    trial = replace(chosen[0], **taken_together(chosen))
    if not asked and not (len(chosen) > 1 and _is_helped(loop, trial)):
        return 0.0
    teacher = _Teacher(tuple((1.0, t) for t in chosen), trial)
    chosen_times = _times_within(loop, teacher, loop.data.n_splits, _SHARE * seconds)
    return 0.0 if chosen_times is None else _seconds(loop, teacher, loop.data.n_splits, chosen_times)


def distil_best(loop: TrialLoop) -> None:
    """Add the workflow that has learned what the best of a finished search says, if it is wanted and there is time."""
    # what was kept is spent now: of what is left, the time to fit the blend on all rows is taken off where it is decided
    loop.blend_s, loop.distil_s = 0.0, 0.0
    asked, slow = loop.plan.space.student is not None, loop.unbounded
    if not asked and (slow is None or not _is_helped(loop, slow)):
        return
    try:
        why = _why_not(loop) or _distil(loop)
    except StopAsked:
        loop.stop()
        why = "the user stopped it"
    if why is not None:
        loop.undistilled = f"nothing was distilled: {why}"


def _why_not(loop: TrialLoop) -> str | None:
    if loop.is_goal_met:
        return "the goal of UNTIL was met before"
    if loop.is_stopped:
        return "the search was stopped by the user"
    if loop.data.parts is not None and not any(t.is_confirmed for t in loop.trials):
        return "the workflows have splits of their own, so there are none to score it on (CONFIRM makes some)"
    return None


def _distil(loop: TrialLoop) -> str | None:
    """Add the distilled workflow; return why there is none."""
    teacher = _teacher(loop)
    if teacher is None:
        return "no workflow that can teach has a score"
    leaves = _leaves(loop, teacher.trial)
    # the answer is fitted on all rows after it, by what is kept for that; this one where it is the answer, or when it is first used
    keep_s = _MARGIN * loop.refit_s(teacher.trial.fit_s or 0.0, len(teacher.members))
    n_splits, left = sum(data.n_splits for data in leaves), loop.clock.left_after(keep_s)
    times = _times_within(loop, teacher, n_splits, left)
    if times is None:
        return f"forecast {_seconds(loop, teacher, n_splits, 1):.1f} s, {max(0.0, left or 0.0):.1f} s left"
    loop.bus.tell("stage", name="distilling the best")
    made, scored = _unscored(loop, teacher, times), list[Measured]()
    for data in leaves:
        measured = _measured(loop, made, data)
        if measured is None:
            return loop.unfinished
        scored.append(measured)
    searched = scored[0].scores if loop.data.parts is None else {}
    trial = replace(made, scores=searched, **_taken(loop, made, scored[0]))
    loop.add(trial.confirmed(scored[-1].scores) if teacher.trial.is_confirmed else trial)
    return None


def _taken(loop: TrialLoop, made: Trial, measured: Measured) -> dict[str, Any]:
    """Return the times and the size that were measured, now or, where all of it was loaded, by the run that this one goes on from."""
    before = next((t for t in loop.carried if t.state == "ok" and t.workflow == made.workflow), made)
    if measured.fit_s is None:
        return {name: getattr(before, name) for name in ("fit_s", "predict_s", "size_bytes", "latency_s")}
    times = {"fit_s": measured.fit_s, "predict_s": measured.predict_s, "size_bytes": measured.size_bytes}
    return {**times, "latency_s": (measured.predict_s or 0.0) / loop.plan.n_scored}


def _leaves(loop: TrialLoop, teacher: Trial) -> list[DataTasks]:
    """Return the splits to score on: those of the search, and those that its best were scored again on."""
    searched = [] if loop.data.parts is not None else [data_tasks(loop.plan)]
    return [*searched, *([scored_on(loop.plan, teacher)] if teacher.is_confirmed else [])]


def _teacher(loop: TrialLoop) -> _Teacher | None:
    """Return who teaches: the blend that misses a bound, the best blend, or the best workflow."""
    scored = [t for t in loop.trials if t.state == "ok" and t.number > 0]
    by_number = {t.number: t for t in scored}
    blends = [t for t in scored if members_of(t.configuration)]
    alone = [t for t in (t for t in loop.eligible() if t in scored) if has_mean(t)]
    again = [t for t in alone if t.is_confirmed]
    best = ranked(blends or again or alone, loop.objectives[:1])
    trial = loop.unbounded or next(iter(best), None)
    if trial is None:
        return None
    members = members_of(trial.configuration) or ((trial.number, 1.0),)
    trial = replace(trial, fidelity=by_number[members[0][0]].fidelity)
    return _Teacher(tuple((weight, by_number[number]) for number, weight in members), trial)


def _is_helped(loop: TrialLoop, trial: Trial) -> bool:
    """Say whether a workflow misses bounds, and all that it misses are of what a small model is less of."""
    missed = [b.metric for b in loop.plan.requirements if b.is_measured and b.shortfall(trial) > 0]
    return not is_within_bounds(loop, trial) and _HELPED.issuperset(missed)


# --- what it takes ----------------------------------------------------------------------------------------------------


def _most_times(n_rows: int) -> int:
    """Return how many rows are made up for each row, at most.

    Examples
    --------
    >>> [_most_times(n) for n in (1_000, 30_000, 1_000_000)]
    [4, 2, 1]
    """
    return max(1, min(_MOST_TIMES, _MADE_ROWS // max(1, n_rows)))


def _times_within(loop: TrialLoop, teacher: _Teacher, n_splits: int, seconds: float | None) -> int | None:
    """Return how many rows can be made up for each in some seconds; None if there is no time for one."""
    most = _most_times(loop.plan.setting.n_rows)
    found = (n for n in range(most, 0, -1) if seconds is None or _seconds(loop, teacher, n_splits, n) <= seconds)
    return next(found, None)


def _spec(plan: LogicalPlan) -> StepSpec:
    return plan.space.student or _DEFAULT


def _student(plan: LogicalPlan, spec: StepSpec) -> Workflow:
    return instantiate((("model", (spec,)),), plan.features, plan.setting)[0]


def _fit_s(loop: TrialLoop, teacher: _Teacher, times: int) -> float:
    """Return the forecast of one fit on the rows of a split: the teacher's, what it says of all rows, and the student's."""
    n_rows = (1 + times) * loop.plan.setting.n_rows * loop.data.train_share
    learns_s = Forecaster(int(n_rows), loop.forecaster.ratios).fit_s(_student(loop.plan, _spec(loop.plan)))
    return (teacher.trial.fit_s or 0.0) + n_rows * (teacher.trial.latency_s or 0.0) + learns_s


def _seconds(loop: TrialLoop, teacher: _Teacher, n_splits: int, times: int) -> float:
    """Return the forecast of scoring on some splits."""
    return _MARGIN * n_splits * _fit_s(loop, teacher, times) / max(1, min(n_splits, loop.n_workers))


# --- the trial --------------------------------------------------------------------------------------------------------


def _unscored(loop: TrialLoop, teacher: _Teacher, times: int) -> Trial:
    """Return the trial of a distilled workflow, without scores."""
    plan, members = loop.plan, teacher.members
    rows = StepSpec.of(MADE_UP, swap=_SWAP, times=times)
    slots = distilled_slots([t.number for _, t in members], [weight for weight, _ in members], rows, _spec(plan))
    parts = [(weight, t.workflow) for weight, t in members if t.workflow is not None]
    text = _ASKED if plan.space.student is not None else _TRIED
    return Trial(
        number=loop.next_number,
        configuration=slots,
        workflow=distilled_of(plan, parts, slots),
        describe=f"{_spec(plan)} distilled from {teacher.trial.describe}",
        exactness=max(t.exactness for _, t in members),
        reason=Reason(text.format("the blend" if len(members) > 1 else "the best"), "strategy"),
    )


def distilled_of(plan: LogicalPlan, parts: Sequence[tuple[float, Workflow]], slots: Slots) -> Workflow:
    """Return the workflow that a configuration means for a plan, from the workflows that teach with their weights."""
    weights = [weight for weight, _ in parts]
    several = len(parts) > 1
    teacher = blended(parts, blend_slots(range(len(parts)), weights)) if several else parts[0][1]
    return distilled(teacher, _student(plan, slots[0][1][-1]), slots, derive_seed(plan.seed, MADE_UP))


def _measured(loop: TrialLoop, made: Trial, leaves: DataTasks) -> Measured | None:
    """Return the scores and times on some splits; None if the time is over."""
    assert made.workflow is not None
    evaluation = loop.compile(made.workflow, leaves)
    outcome = loop.finish(loop.evaluate(evaluation, leaves, "a distilled one"))
    if outcome is None:
        return None
    measured = measure(evaluation, outcome, loop.all_metrics())
    if measured.size_bytes is None:  # all of it was loaded
        return replace(measured, fit_s=None, predict_s=None)
    answers, n = _answering(evaluation), max(1, len(evaluation.predictions))
    others = {
        t.fingerprint for t in (*leaves.tasks, *evaluation.tasks) if t in leaves.tasks or t.kind is TaskKind.SCORE
    }
    taken = {name: s for name, s in outcome.seconds.items() if name not in others}
    fit_s = sum(s for name, s in taken.items() if name not in answers)
    predict_s = sum(s for name, s in taken.items() if name in answers)
    return replace(measured, fit_s=fit_s / n, predict_s=predict_s / n)


def _answering(evaluation: Evaluation) -> set[Fingerprint]:
    """Return the tasks that shape the rows of splits and answer for them: those that the student predicts by."""
    tasks = {task.fingerprint: task for task in evaluation.tasks if task.kind in _ANSWERS}
    found, ahead = set[Fingerprint](), [port.task for port in evaluation.predictions]
    while ahead:
        name = ahead.pop()
        if name in tasks and name not in found:
            found.add(name)
            ahead += [port.task for port in tasks[name].inputs if port.output != "state"]
    return found


_ANSWERS = frozenset({TaskKind.PREDICT, TaskKind.APPLY, TaskKind.JOIN})
