"""What becomes of a proposal when its plan has ended: a trial, with its scores or the reason why it has none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.engine import Outcome
from mileage.results import FULL, PRIVATE, Trial
from mileage.session.measure import Measured, measure
from mileage.session.pending import Member, Pending
from mileage.session.race import Hurdle

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

RUNAWAY = 5.0  # a trial ends at so many times its forecast


def ended_trial(loop: TrialLoop, pending: Pending, member: Member, outcome: Outcome) -> Trial:
    """Return the trial of a member of a plan that has ended; forecasts learn from what it took."""
    if outcome.state == "timeout":
        over = (loop.search_left_s() or 0.0) > 0
        loop.forecaster.learn(member.workflow, outcome.compute_s / loop.data.n_splits)  # at least
        why = f"took more than {RUNAWAY:g} times its forecast" if over else "the budget ended while it ran"
        return unrun(member, why)
    if outcome.state != "done":
        error = str(outcome.error) if outcome.error else None
        return replace(unrun(member, ""), state=str(outcome.state), error=error)
    evaluation = member.evaluation if pending.hurdle is None else member.evaluation.of_first(1)
    parts = loop.reuse.add(evaluation, outcome.seconds, pending.shares)
    measured = measure(evaluation, outcome, loop.all_metrics(), parts=parts)
    if measured.fit_s is not None and outcome.n_computed and member.number > 0:
        loop.forecaster.learn(member.workflow, measured.fit_s / loop.data.train_share)
    trial = _scored(loop, member, measured, pending.exactness)
    return trial if pending.hurdle is None or trial.state != "ok" else _behind(loop, trial, pending.hurdle)


def unrun(member: Member, why: str) -> Trial:
    """Return the trial of a member that has no scores."""
    return Trial(
        number=member.number,
        configuration=member.proposal.configuration.choices,
        workflow=member.workflow,
        describe=str(member.proposal.configuration),
        state="skipped",
        reason=member.proposal.reason,
        error=why,
        beside=member.beside,
    )


def _scored(loop: TrialLoop, member: Member, m: Measured, exactness: Exactness) -> Trial:
    metric, configuration = loop.metrics[0], member.proposal.configuration
    scored = all(math.isfinite(v) for v in m.scores[metric])
    before = loop.strategy.carried.get(configuration.digest)  # measured when it was fitted
    latency_s = None if m.predict_s is None else m.predict_s / loop.plan.n_scored
    return Trial(
        number=member.number,
        configuration=configuration.choices,
        workflow=member.workflow,
        describe=str(configuration),
        state="ok" if scored else "failed",
        scores=m.scores,
        fit_s=before.fit_s if before and m.fit_s is None else m.fit_s,
        predict_s=before.predict_s if before and m.predict_s is None else m.predict_s,
        size_bytes=before.size_bytes if before and m.size_bytes is None else m.size_bytes,
        latency_s=before.latency_s if before and m.predict_s is None else latency_s,
        reason=member.proposal.reason,
        error=None if scored else f"{metric} is not defined on a fold",
        fidelity=FULL if loop.data.parts is None else PRIVATE,
        exactness=exactness,
        beside=member.beside,
    )


def _behind(loop: TrialLoop, trial: Trial, hurdle: Hurdle) -> Trial:
    """Return a trial that was behind on the first split: its scores there are no scores of the trial."""
    metric = loop.metrics[0]
    loss = loop.loss(trial)
    loop.expected[trial.number] = hurdle.expected(loss)
    n, best = loop.data.n_splits, -hurdle.first if loop.plan.objectives[0].greater_is_better else hurdle.first
    there = f"{metric} {trial.mean(metric):.4g}, trial {hurdle.number} has {best:.4g} there"
    return replace(trial, state="behind", error=f"clearly behind on the first of {n} splits: {there}")
