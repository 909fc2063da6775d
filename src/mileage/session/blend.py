"""The blend of the best: one more workflow, the weighted mean of what several of them predict.

The members' predictions for the rows they were not fitted on are kept, so a blend is scored without fitting anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mileage.core.interrupts import StopAsked
from mileage.core.reasons import Reason
from mileage.engine import Outcome
from mileage.operators import operators
from mileage.optimizer import PlanContext, optimize, weigh_task
from mileage.results import Trial, shortfall
from mileage.results.ranking import apart, different, ranked
from mileage.session.confirm import scored_on
from mileage.session.data_tasks import DataTasks, data_tasks
from mileage.session.measure import measure
from mileage.session.more_rows import better_alone
from mileage.workflow import PhysicalPlan, Port, Workflow, blend_slots, blended, members_of

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_FEWEST = 5  # scored workflows, of fewer there is little to blend
_MEMBERS = 12  # at most: the best of each family and of each model, then the others
_TOGETHER = (
    5  # of those scored again, whose plain mean is taken: one more would hardly err otherwise, and has to predict
)
_USUAL = 4  # members of a blend, for what their fits on all rows will take
_SHARE = 0.2  # of the time that a query may take
_WEIGHING = 0.04  # of that time, for choosing weights and scoring
_MARGIN = 1.5  # a forecast may be that much too short
_TEXT = "the best {} together, weighed by what they predict for rows they have not seen"


def blend_reserve_s(loop: TrialLoop) -> float:
    """Return the seconds that a search leaves for fitting a blend on all rows; 0 if there will be none."""
    seconds = loop.plan.budget.seconds
    chosen = _candidates(loop)[:_USUAL] if seconds is not None else []
    if seconds is None or len(chosen) < 2:
        return 0.0
    return min(_SHARE * seconds, _MARGIN * loop.refit_s(sum(t.fit_s or 0.0 for t in chosen), len(chosen)))


def weighing_s(loop: TrialLoop) -> float:
    """Return the seconds that choosing the weights of a blend and scoring it take."""
    return _WEIGHING * (loop.plan.budget.seconds or 0.0)


def blend_best(loop: TrialLoop) -> None:
    """Add the blend of the best workflows of a finished search to its trials, if there is time to fit it on all rows.

    Where the best were scored again, so that a choice among few rows is not one by chance, the blend is the plain mean of
    those: weights would be chosen by chance too. Else the weights are chosen by the kept predictions.
    """
    chosen = _candidates(loop)
    chosen = chosen[:_TOGETHER] if chosen and chosen[0].is_confirmed else chosen
    loop.blend_s = 0.0  # what was kept for this is spent now
    # weights choose few of many, so each that could be a member alone is weighed; if those chosen take too long, all that fit together
    sets = [_affordable(loop, chosen)]
    if chosen and not chosen[0].is_confirmed:
        sets.insert(0, [t for t in chosen if _affordable(loop, [t])])
    try:
        for members in sets:
            if len(members) > 1 and _is_blended(loop, members):
                return
    except StopAsked:
        loop.stop()


def _is_blended(loop: TrialLoop, members: list[Trial]) -> bool:
    """Add the blend of some workflows; False if those that it is made of take too long to fit, or too much together."""
    loop.bus.tell("stage", name="blending the best")
    trial = _mean_of(loop, members) if members[0].is_confirmed else _weighed(loop, members)
    if trial is None:
        return True  # none is better than the best alone
    if not is_within_bounds(loop, trial):
        loop.unbounded = loop.unbounded or trial
        return False
    if fits_in_time(loop, trial):
        loop.unblended = better_alone(loop, trial)
        if loop.unblended is None:
            loop.add(trial)
        return True
    loop.unblended = f"the best were not blended ({trial.describe}): the time left was too short to fit its members"
    return False


def _candidates(loop: TrialLoop) -> list[Trial]:
    """Return the workflows that may be in the blend of a finished search: those scored again if any were."""
    scored = [t for t in loop.trials if t.state == "ok" and t.number > 0]
    again = [t for t in scored if t.is_confirmed]
    alike = again or loop.data.parts is None  # predictions on splits of their own have no mean
    if not loop.plan.space.blends or len(scored) < _FEWEST or not alike:
        return []
    return candidates_among(loop, again or scored)


def candidates_among(loop: TrialLoop, trials: Sequence[Trial]) -> list[Trial]:
    """Return those of some workflows that may be in a blend, best first: of different models first."""
    eligible = {t.number for t in loop.eligible()}
    able = [t for t in trials if t.state == "ok" and t.number > 0 and t.number in eligible and has_mean(t)]
    return different(apart(ranked(able, loop.objectives[:1])), _MEMBERS)


def has_mean(trial: Trial) -> bool:
    """Say whether a workflow predicts what a mean can be taken of: values or probabilities, no margins."""
    assert trial.workflow is not None
    model = operators.find(trial.model)
    return trial.workflow.task == "regression" or (model is not None and not model.traits.margins)


def _affordable(loop: TrialLoop, chosen: Sequence[Trial]) -> list[Trial]:
    """Return those that can all be fitted on all rows in the time left, the best first."""
    made: list[Trial] = []
    for trial in chosen:
        together = (*made, trial)
        in_time = _fits(loop, sum(t.fit_s or 0.0 for t in together), len(together), after_s=weighing_s(loop))
        if in_time and _keeps_bounds(loop, together):
            made.append(trial)
    return made


def _keeps_bounds(loop: TrialLoop, members: Sequence[Trial]) -> bool:
    """Say whether what members take together, if they are blended, keeps the bounds on times and sizes."""
    return is_within_bounds(loop, replace(members[0], **taken_together(members)))


def is_within_bounds(loop: TrialLoop, trial: Trial) -> bool:
    """Say whether what was measured of a trial keeps the bounds on times and sizes."""
    measured = [bound for bound in loop.plan.requirements if bound.is_measured]
    return not measured or shortfall(measured, trial) == 0


def taken_together(members: Sequence[Trial]) -> dict[str, Any]:
    """Return the times and the size of a blend: the sums of those of its members."""
    return {
        "fit_s": sum(t.fit_s or 0.0 for t in members),
        "predict_s": sum(t.predict_s or 0.0 for t in members),
        "size_bytes": sum(t.size_bytes or 0 for t in members),
        "latency_s": sum(t.latency_s or 0.0 for t in members),
    }


def fits_in_time(loop: TrialLoop, blend: Trial) -> bool:
    """Say whether the members of a blend can be fitted on all rows in the time left."""
    return _fits(loop, blend.fit_s or 0.0, len(members_of(blend.configuration)))


def _fits(loop: TrialLoop, fit_s: float, n_members: int, *, after_s: float = 0.0) -> bool:
    left = loop.clock.left_after(after_s)
    return left is None or _MARGIN * loop.refit_s(fit_s, n_members) <= left


def _mean_of(loop: TrialLoop, members: Sequence[Trial]) -> Trial | None:
    """Return the plain mean of workflows that were scored again, scored like them."""
    weights = [1 / len(members)] * len(members)
    text = f"the mean of {len(members)} that were scored again: it errs less than the choice of one does"
    trial = blend_of(loop, members, weights, text)
    own = loop.data.parts is not None
    searched = {} if own else _scores(loop, trial, data_tasks(loop.plan))
    again = _scores(loop, trial, scored_on(loop.plan, members[0]))
    if searched is None or again is None:
        return None
    return replace(trial, scores=searched).confirmed(again)


def _weighed(loop: TrialLoop, candidates: Sequence[Trial]) -> Trial | None:
    """Return a blend with weights chosen by what its members predict for rows they were not fitted on."""
    leaves = data_tasks(loop.plan)
    plan, port = weighing(loop, candidates, leaves)
    outcome = _finished(loop, loop.executor.submit(plan, label="weights of a blend", limits=loop.limits()))
    trial = weighed(loop, candidates, outcome.values[port], _TEXT) if outcome is not None else None
    if trial is None or any(trial.configuration == other.configuration for other in loop.trials):
        return None  # none is better than the best alone, or than a blend that there is
    scores = _scores(loop, trial, leaves)
    return replace(trial, scores=scores) if scores is not None else None


def weighing(loop: TrialLoop, candidates: Sequence[Trial], leaves: DataTasks) -> tuple[PhysicalPlan, Port]:
    """Return the plan that chooses weights of workflows by what is kept of them, and where the weights are."""
    evaluations = [loop.compile(trial.workflow, leaves) for trial in candidates if trial.workflow is not None]
    weigh = weigh_task(loop.metrics[0], leaves.scoring, evaluations)
    tasks = [task for evaluation in evaluations for task in evaluation.tasks]
    plan, _ = optimize((*leaves.tasks, *tasks, weigh), (weigh.port(),), PlanContext(kept=loop.kept))
    return plan, weigh.port()


def weighed(loop: TrialLoop, candidates: Sequence[Trial], weights: Iterable[float], text: str) -> Trial | None:
    """Return the blend by some weights of candidates, without scores; None if only one has a weight."""
    chosen = [(trial, float(w)) for trial, w in zip(candidates, weights, strict=True) if w > 0]
    if len(chosen) < 2:
        return None
    return blend_of(loop, [t for t, _ in chosen], [w for _, w in chosen], text.format(len(chosen)))


def blend_of(loop: TrialLoop, members: Sequence[Trial], weights: Sequence[float], text: str) -> Trial:
    """Return the trial of a blend, without scores; it takes the time and the place of all its members."""
    slots = blend_slots([t.number for t in members], weights)
    workflows: list[Workflow] = [t.workflow for t in members if t.workflow is not None]
    return Trial(
        number=loop.next_number,
        configuration=slots,
        workflow=blended(list(zip(weights, workflows, strict=True)), slots),
        describe=" + ".join(f"{w:.2g} * {t.model}" for t, w in zip(members, weights, strict=True)),
        **taken_together(members),
        exactness=max(t.exactness for t in members),
        reason=Reason(text, "strategy"),
    )


def _scores(loop: TrialLoop, trial: Trial, leaves: DataTasks) -> dict[str, tuple[float, ...]] | None:
    """Return the scores of a blend on splits for which its members' predictions are kept; None if the time is over."""
    assert trial.workflow is not None
    evaluation = loop.compile(trial.workflow, leaves)
    outcome = _finished(loop, loop.evaluate(evaluation, leaves, "a blend"))
    return None if outcome is None else measure(evaluation, outcome, loop.all_metrics()).scores


def _finished(loop: TrialLoop, ticket: int) -> Outcome | None:
    """Wait for a ticket; None if it failed or the time is over, and the answer says why."""
    outcome = loop.finish(ticket)
    if outcome is None:
        loop.unblended = f"the best were not blended: {loop.unfinished}"
    return outcome
