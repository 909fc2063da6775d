"""The best of many trials, scored again on splits that the search did not choose by.

Among many workflows the one with the best score has it by chance too: on few rows its score is too good, and another would
do better on new data. So those within noise of the best are scored on fresh deals of the rows, and ranked by these.

References
----------
Cawley and Talbot 2010, On over-fitting in model selection and subsequent selection bias in performance evaluation, JMLR 11.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.interrupts import StopAsked
from mileage.planner import LogicalPlan
from mileage.results import PairedDifference, Trial, paired_difference
from mileage.results.ranking import Objectives, apart_first, different, ranked
from mileage.session.data_tasks import DataTasks, data_tasks
from mileage.session.measure import measure

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_MANY = 15  # of fewer trials the best is hardly so by chance
_FINALISTS = 8
_SHARE = 0.2  # of the time that a query may take
_MARGIN = 1.3  # a forecast may be that much too short


def finalists(trials: Sequence[Trial], objectives: Objectives, *, test_share: float | None = None) -> list[Trial]:
    """Return the trials that chance may have put in their order: near the best, of different models first.

    Near is within half of what is called noise: who is farther off hardly wins. Empty if there are too few trials for a
    choice by chance, or if the best stands alone.

    Parameters
    ----------
    trials : sequence of Trial
        Of one search, in any order.
    objectives : tuple of (metric, greater_is_better)
    test_share : float, optional
        Rows scored per row trained on.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> made = [
    ...     Trial(i, (("model", (StepSpec(m),)),), scores={"auc": (0.7 + d, 0.8 - d, 0.75 + i / 1000)})
    ...     for i, (m, d) in enumerate([("dummy", 0), *[("knn", 0.01)] * 14, ("ridge", 0.0)])
    ... ]
    >>> [t.number for t in finalists(made, (("auc", True),))][:2], finalists(made[:9], (("auc", True),))
    ([15, 14], [])
    """
    scored = [t for t in trials if t.state == "ok" and t.number > 0]
    if len(scored) < _MANY:
        return []
    order = ranked(scored, objectives[:1])
    metric = objectives[0][0]
    near = [t for t in order if _is_near(paired_difference(t, order[0], metric, test_share=test_share))]
    chosen = sorted(different(apart_first(near), _FINALISTS), key=near.index)
    return chosen if len(chosen) > 1 else []


def _is_near(d: PairedDifference) -> bool:
    return d.difference == 0 or abs(d.difference) <= (d.high - d.low) / 4


def confirm_reserve_s(loop: TrialLoop) -> float:
    """Return the seconds that a search leaves for scoring the best again; 0 if that is not asked for."""
    seconds = loop.plan.budget.seconds
    if loop.plan.confirmation is None or seconds is None:
        return 0.0
    chosen = finalists(loop.eligible(), loop.objectives, test_share=loop.plan.validation.test_share)
    times = [_MARGIN * _seconds(loop, trial) for trial in chosen]
    if sum(times[:2]) > _SHARE * seconds:  # not even two can be scored once more in that
        return 0.0
    return min(_SHARE * seconds, sum(times) * loop.plan.confirmation.repeat)


def confirm_best(loop: TrialLoop) -> bool:
    """Score the best trials of a finished search again, as many and as often as the rest of the budget allows.

    Their scores are replaced in the loop and on record. Trials stay as they are if the time is too short for two of them;
    False if nothing was run.
    """
    loop.confirm_s = 0.0  # what was kept for this is spent now
    splits = loop.plan.confirmation
    chosen = finalists(loop.eligible(), loop.objectives, test_share=loop.plan.validation.test_share)
    chosen, times = _affordable(loop, chosen, splits.repeat if splits else 0)
    if splits is None or not times:
        return False
    loop.bus.tell("stage", name="scoring the best again")
    leaves = data_tasks(loop.plan, replace(splits, repeat=times))
    made = list(_scored_again(loop, leaves, chosen))
    if len(made) > 1 and any(trial.number == chosen[0].number for trial in made):
        loop.replace(made)
    return True


def _affordable(loop: TrialLoop, chosen: list[Trial], times: int) -> tuple[list[Trial], int]:
    """Return how many of the trials can be scored how often in the time left."""
    left = loop.clock.left_after(loop.final_reserve_s())
    while left is not None and len(chosen) > 1:
        once = _MARGIN * sum(_seconds(loop, trial) for trial in chosen)
        fits = min(times, int(left / once)) if once > 0 else times
        if fits:
            return chosen, fits
        chosen = chosen[:-1]
    return (chosen, times) if len(chosen) > 1 else ([], 0)


def _seconds(loop: TrialLoop, trial: Trial) -> float:
    """Return the seconds of scoring a trial once on each split."""
    return loop.data.n_splits * ((trial.fit_s or 0.0) + (trial.predict_s or 0.0)) / max(1, loop.n_workers)


def _scored_again(loop: TrialLoop, leaves: DataTasks, chosen: Sequence[Trial]) -> Iterator[Trial]:
    """Yield the trials as their scores come; the rest is left where time or the user ends it."""
    running = {}
    for trial in chosen:
        assert trial.workflow is not None
        evaluation = loop.compile(trial.workflow, leaves)
        running[loop.evaluate(evaluation, leaves, f"trial {trial.number} again")] = (trial, evaluation)
    try:
        while running:
            left = loop.clock.left_after(loop.refit_reserve_s(loop.best))
            if left is not None and left <= 0:
                break
            for outcome in loop.executor.wait(0.25 if left is None else min(0.25, left)):
                if outcome.ticket not in running:  # of a trial that the budget has ended
                    continue
                trial, evaluation = running.pop(outcome.ticket)
                if outcome.state == "done":
                    yield trial.confirmed(measure(evaluation, outcome, loop.all_metrics()).scores)
    except StopAsked:
        loop.stop()
    else:
        if running:
            loop.executor.cancel_all()


def scored_on(plan: LogicalPlan, trial: Trial) -> DataTasks:
    """Return the leaf tasks that a trial's scores were made with."""
    if not trial.is_confirmed or plan.confirmation is None:
        return data_tasks(plan).of(trial.configuration)
    once = replace(plan.confirmation, repeat=1)
    n_scores = len(next(iter(trial.scores.values())))
    return data_tasks(plan, replace(once, repeat=max(1, n_scores // once.n_splits)))
