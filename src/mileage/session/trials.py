"""The search loop: ask a strategy, run what it proposes as tasks, tell it the scores, within the budget.

Determinism: the ``n``-th proposal may use the scores of those up to the ``n - LAG``-th only, and scores are told in the order of
their numbers. So the trials of a run do not depend on the backend, on the number of workers, or on who was faster;
a time budget only decides how many there are. A proposal and its companions are one plan, and a trial each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from mileage.core.events import EventBus
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.core.interrupts import StopAsked
from mileage.core.reasons import Reason
from mileage.engine import NOT_KEPT, Executor, Limits, Outcome
from mileage.operators import StepSpec
from mileage.optimizer import (
    Ahead,
    Evaluation,
    PlanContext,
    Prefixes,
    Rates,
    Traced,
    evaluation_tasks,
    forecast_sums_s,
    optimize,
    parts_of_tasks,
    weakest,
)
from mileage.planner import LogicalPlan
from mileage.results import Trial, shortfall
from mileage.search import Known, Proposal
from mileage.session.blend import blend_reserve_s, weighing_s
from mileage.session.clock import Clock
from mileage.session.confirm import confirm_reserve_s
from mileage.session.data_tasks import Choices, DataTasks, siblings_of, simplest
from mileage.session.distil import distil_reserve_s
from mileage.session.early_blends import EarlyBlends
from mileage.session.ended import RUNAWAY, ended_trial, unrun
from mileage.session.ends import OUT_OF_TIME, STOPPED, why_ended
from mileage.session.engines import Refit, begin_refit
from mileage.session.forecast import Forecaster
from mileage.session.growth import growth_reserve_s
from mileage.session.loadable import loadable, remembered
from mileage.session.more_rows import larger_reserve_s
from mileage.session.pending import Member, Pending, fits, joined
from mileage.session.proposals import Proposals, is_grouped, search_context
from mileage.session.race import Hurdle, hurdle_of
from mileage.session.reuse import Reuse
from mileage.space import Configuration
from mileage.workflow import PhysicalPlan, Port, TaskKind, Workflow, instantiate, members_of

LAG = 4
_EVERY = 10  # trials, after which it is forecast again what scoring the best again will take
_REFIT_MARGIN = 1.5
_REST = 0.4  # a runaway trial is ended if it is such a part of the rest
_MISSED = 1e12  # added to the loss of a trial that misses a bound: more than losses are
_KEEP = frozenset({TaskKind.PREDICT, TaskKind.SCORE})


@dataclass
class TrialLoop:
    """One search; ``run`` returns when the space, the budget or the user's patience is at its end."""

    plan: LogicalPlan
    data: DataTasks
    executor: Executor
    kept: Callable[[str], bool]
    record: Callable[[Trial], None]
    clock: Clock
    bus: EventBus
    n_workers: int
    carried: tuple[Trial, ...] = ()
    known: tuple[Known, ...] = ()
    rates: Rates | None = None
    demoted: Mapping[tuple[str, str], Exactness] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    ended: str = ""

    def __post_init__(self) -> None:
        p = self.plan
        name = str(dict(p.hints).get("strategy", "default"))
        context = search_context(p, self.known)
        self.forecaster = Forecaster(p.setting.n_rows)
        seconds = p.budget.seconds
        share_of = None if seconds is None else lambda proposal: self._prior_s(proposal) / seconds
        self.strategy = Proposals(name, context, self.carried, share_of=share_of, grouped=is_grouped(p, self.data))
        self.metrics = tuple(o.call for o in p.objectives)
        self.objectives = tuple((o.call, o.greater_is_better) for o in p.objectives)
        self.kept = loadable(p, self.kept, measured=bool(self.carried))
        self.kept_before = remembered(self.kept)
        self.confirm_s, self.blend_s, self.distil_s = 0.0, 0.0, 0.0
        self.pending: dict[int, Pending] = {}
        self.done: dict[int, Trial] = {}
        self.next_number, self.told, self.skips = 0, 0, 0
        self.begun: list[int] = []  # of each proposal so far, its number
        self.best: Trial | None = None
        self.best_number, self.best_at_s = 0, 0.0
        self.fixed = p.space.size() == 1
        self.refits: dict[int, Refit] = {}
        self.other: dict[int, Outcome] = {}
        self.ahead = Ahead(p.space, n_trials=p.budget.sure_trials)
        self.prefixes, self.traced, self.reuse = Prefixes(), Traced(), Reuse()
        self.observed = self.rates
        self.early = EarlyBlends.of(self)
        self.worths: dict[int, float] = {}  # what twice the rows brought a workflow, as far as that was asked
        self.expected: dict[int, float] = {}  # losses of trials that were behind on their first split

    # --- the loop -----------------------------------------------------------------------------------------------------

    def run(self) -> list[Trial]:
        """Run trials until the end; Ctrl-C ends the search and keeps what is finished."""
        self._search(Proposal(_CONSTANT, Reason("the answer that needs no data: the floor for all others")))
        return self.trials

    def resume(self) -> None:
        """Go on with a search that the clock ended, where what time was kept for is not done."""
        if self.ended not in OUT_OF_TIME:
            return
        self.ended, self.skips, self.confirms = "", 0, False
        self._search()

    def _search(self, first: Proposal | None = None) -> None:
        try:
            if first is not None:
                self._submit(first)
            self._fill()
            while self.pending:
                self._collect()
                self._fill()
        except StopAsked:
            self.stop()
        self.early.end(self)
        self._tell_up_to(self.next_number)

    def stop(self) -> None:
        """End the search where it is: the user asked for that."""
        self.ended = STOPPED
        self.executor.cancel_all()

    @property
    def is_stopped(self) -> bool:
        """Whether the user ended it."""
        return self.ended == STOPPED

    def _fill(self) -> None:
        while not self.ended and len(self.pending) < min(LAG, self.n_workers + 1):
            if len(self.begun) > LAG and not self._tell_up_to(self.begun[-LAG]):
                return
            if not self.strategy.carries:
                self.early.note_carried(self)
            self.ended = self.ended or why_ended(self)
            if self.ended:
                return
            carried = self.strategy.carry()
            proposal = carried or self.strategy.next(len(self.begun))
            if proposal is None:
                self.ended = self.strategy.ended if self.skips == 0 else OUT_OF_TIME[1]
                return
            self._submit(proposal, only_if_kept=carried is not None)

    def _prior_s(self, proposal: Proposal) -> float:
        workflow, _ = instantiate(proposal.configuration.choices, self.plan.features, self.plan.setting)
        return self._all_folds_s(self.forecaster.prior_s(workflow))

    def search_left_s(self) -> float | None:
        """Return the seconds that are left for trials; None without a limit."""
        return self.clock.left_after(self.final_reserve_s() + self.confirm_s)

    def final_reserve_s(self) -> float:
        """Return the seconds to keep for the end: choosing a blend, if there will be one, and fitting it or the best alone."""
        weighing = weighing_s(self) if self.blend_s else 0.0
        last = max(self.refit_reserve_s(self.best), self.blend_s, larger_reserve_s(self))
        return last + weighing + self.distil_s + growth_reserve_s(self)

    def refit_reserve_s(self, trial: Trial | None) -> float:
        """Return the seconds to keep for fitting a trial's workflow on all rows."""
        if trial is None or trial.fit_s is None:
            return 0.2
        return 0.3 + _REFIT_MARGIN * self.refit_s(trial.fit_s)

    def refit_s(self, fit_s: float, n_members: int = 1) -> float:
        """Return the forecast of fitting on all rows what takes ``fit_s`` on the rows of a split; members fit side by side."""
        return fit_s / self.data.train_share / max(1, min(n_members, self.n_workers))

    # --- one trial ----------------------------------------------------------------------------------------------------

    def _submit(self, proposal: Proposal, *, only_if_kept: bool = False) -> None:
        data = self.data.of(proposal.configuration.choices)
        group = (proposal,) if only_if_kept or not self.begun else self.strategy.group(proposal)
        members = tuple(self._member(i, one, data) for i, one in enumerate(group))
        workflow, choices = members[0].workflow, proposal.configuration.choices
        physical = self._physical(members, data, choices=choices)
        is_fitting = fits(physical)
        if only_if_kept:
            if is_fitting:
                return
            beside = self.strategy.beside(proposal.configuration, members[0].number)
            members = (replace(members[0], beside=beside),)
        constant = not self.begun
        hurdle = self._hurdle(workflow) if is_fitting and not constant else None
        if hurdle is not None:
            physical = self._physical(members, data, first=1)
        why_not = self._too_slow(workflow) if is_fitting and not constant else None
        taken = members if why_not is None else members[:1]
        for member in taken if not constant else ():
            self.strategy.take(member.proposal.configuration)
        self.begun.append(self.next_number)
        self.next_number += len(taken)
        if why_not is not None:
            self.skips += 1
            self.finish_trial(unrun(members[0], why_not))
            return
        self.skips = 0
        self._tell_started(members)
        # the constant takes milliseconds, and there must be an answer whatever happens to other trials and the clock
        limits = Limits() if constant else self._trial_limits(workflow)
        aside = constant and self.plan.budget.seconds is not None
        ticket = self.executor.submit(physical, label=f"trial {members[0].number}", limits=limits, aside=aside)
        self.pending[ticket] = self._pending(Pending(members, {}, {}, Exactness.BITWISE, hurdle), physical)
        self.early.note(self, proposal, carried=only_if_kept)
        if self.fixed and not constant and not self.plan.larger:
            # the winner is known: fitting it on all rows fills workers that would be idle
            number = members[0].number
            self.refits[number] = begin_refit(self.executor, self.data.source, workflow, self.limits(), kept=self.kept)

    def _member(self, place: int, proposal: Proposal, data: DataTasks) -> Member:
        """Return the member at a place of the group that begins with the next number."""
        first = self.next_number
        features = simplest(self.plan.features) if first == 0 else self.plan.features
        workflow, _ = instantiate(proposal.configuration.choices, features, self.plan.setting)
        return Member(first + place, proposal, workflow, self.compile(workflow, data), first if place else None)

    def _tell_started(self, members: Iterable[Member]) -> None:
        for member in members:
            self.bus.tell(
                "trial_started",
                number=member.number,
                describe=str(member.proposal.configuration),
                forecast_s=self._trial_s(member.workflow),
            )

    def _pending(self, pending: Pending, physical: PhysicalPlan) -> Pending:
        """Return what is pending with what a plan that begins says of its tasks."""
        return replace(
            pending,
            shares={**pending.shares, **parts_of_tasks(physical)},
            forecast_s={**pending.forecast_s, **(forecast_sums_s(physical, self.rates) if self.rates else {})},
            exactness=max(pending.exactness, weakest(physical)),
        )

    def _hurdle(self, workflow: Workflow) -> Hurdle | None:
        """Return what a trial has to reach on its first split before the others are run, or None if all run at once.

        It rests on trials that were told and on the priors of the operators, so it does not depend on who was faster.
        """
        seconds = self.plan.budget.seconds
        if seconds is None or self.fixed or self.data.test is not None or self.data.parts is not None:
            return None
        if self._told_best is not None and shortfall(self.plan.requirements, self._told_best) > 0:
            return None  # what is behind may keep the bounds that the best so far misses
        share = self._all_folds_s(self.forecaster.prior_s(workflow)) / seconds
        greater = self.plan.objectives[0].greater_is_better
        n_rows = self.plan.setting.n_rows
        return hurdle_of(self._told_best, self.metrics[0], greater=greater, share=share, n_rows=n_rows)

    def _goes_on(self, pending: Pending, outcome: Outcome) -> bool:
        """Run the other splits of those that have cleared the hurdle, and end the others; False if all are over."""
        if pending.hurdle is None or outcome.state != "done":
            return False
        cleared = tuple(m for m in pending.members if pending.hurdle.is_cleared(self._first_loss(m, outcome)))
        if not cleared:
            return False
        behind = tuple(m for m in pending.members if m not in cleared)
        self._end(replace(pending, members=behind), outcome)
        physical = self._physical(cleared, self.data)
        ticket = self.executor.submit(physical, label=f"trial {cleared[0].number}", limits=self.limits())
        self.pending[ticket] = self._pending(replace(pending, members=cleared, hurdle=None, begun=outcome), physical)
        return True

    def _goes_alone(self, pending: Pending, outcome: Outcome) -> bool:
        """Run a proposal without its companions where there was no memory for all of them."""
        first, *others = pending.members
        if not others or outcome.state != "memory":
            return False
        for member in others:
            self.finish_trial(unrun(member, f"trial {first.number}, beside which it ran, is run again alone"))
        physical = self._physical((first,), self.data)
        ticket = self.executor.submit(physical, label=f"trial {first.number}", limits=self.limits())
        self.pending[ticket] = self._pending(Pending((first,), {}, {}, Exactness.BITWISE), physical)
        return True

    def _first_loss(self, member: Member, outcome: Outcome) -> float:
        score = float(outcome.values[member.evaluation.of_first(1).scores[0]][0])
        return -score if self.plan.objectives[0].greater_is_better else score

    def compile(self, workflow: Workflow, data: DataTasks) -> Evaluation:
        """Return the tasks that evaluate a workflow on the splits of some leaf tasks."""
        return evaluation_tasks(
            workflow,
            data.source,
            data.deal,
            n_splits=data.n_splits,
            metrics=self.all_metrics(),
            setting=data.scoring,
            test=data.test,
            prefixes=self.prefixes,
        )

    def _physical(
        self, members: Iterable[Member], data: DataTasks, *, choices: Choices = (), first: int | None = None
    ) -> PhysicalPlan:
        """Return the plan that evaluates members, on their ``first`` splits only if that is given."""
        chosen = [(m, m.evaluation if first is None else m.evaluation.of_first(first)) for m in members]
        also = [port for m, one in chosen if self.early.may_have(m.proposal) for port in one.predictions]
        return self._planned([one for _, one in chosen], data, self.kept_before, choices, also)

    def _planned(
        self,
        evaluations: Iterable[Evaluation],
        data: DataTasks,
        kept: Callable[[str], bool],
        choices: Choices = (),
        also: Iterable[Port] = (),
    ) -> PhysicalPlan:
        """Return the plan that scores some evaluations, and keeps some ports besides."""
        context, all_of_them = replace(self.context(), kept=kept), list(evaluations)
        if data.parts is not None:  # on splits of its own, no fit is that of another configuration
            siblings = siblings_of(data, self.ahead, choices) if choices else context.siblings
            context = replace(context, ahead=Ahead(), siblings=siblings)
        tasks = [task for evaluation in all_of_them for task in evaluation.tasks]
        scores = [port for evaluation in all_of_them for port in evaluation.scores]
        return optimize((*data.tasks, *tasks), (*scores, *also), context)[0]

    def context(self) -> PlanContext:
        """Return what the optimizer may ask about this search."""
        return PlanContext(
            kept=self.kept,
            shares=not self.fixed,
            off=self.plan.rules_off,
            floor=self.plan.floor,
            keep=_KEEP,
            ahead=self.ahead,
            levels=self.plan.features.levels,
            rates=self.rates,
            traced=self.traced,
            demoted=self.demoted,
        )

    def evaluate(self, evaluation: Evaluation, data: DataTasks, label: str, *, aside: bool = False) -> int:
        """Begin to evaluate a workflow within the limits of a trial, ``aside`` of others; return the ticket."""
        physical = self._planned((evaluation,), data, self.kept)
        return self.executor.submit(physical, label=label, limits=self.limits(), aside=aside)

    def finish(self, ticket: int, after_s: float | None = None) -> Outcome | None:
        """Wait for a ticket, after the search; None if it failed or the time is over, and ``unfinished`` says why.

        ``after_s`` are the seconds to keep, those for fitting the best on all rows unless given.
        """
        keep_s = self.refit_reserve_s(self.best) if after_s is None else after_s
        while True:
            left = self.clock.left_after(keep_s)
            if left is not None and left <= 0:
                self.executor.cancel_all()
                self.unfinished = "the budget ended while that ran"
                return None
            for outcome in self.executor.wait(0.25 if left is None else min(0.25, left)):
                if outcome.ticket == ticket and outcome.state == "done":
                    return outcome
                if outcome.ticket == ticket:
                    self.unfinished = str(outcome.error or outcome.state)
                    return None

    def add(self, trial: Trial) -> None:
        """Add a trial that the search did not propose."""
        self.next_number += 1
        self.finish_trial(trial)

    def all_metrics(self) -> tuple[str, ...]:
        """Return the metrics that trials are scored by: those of OPTIMIZE, the goal of UNTIL and the bounds of REQUIRE."""
        goal = self.plan.budget.until
        bounded = [bound.metric for bound in self.plan.requirements if not bound.is_measured]
        return tuple(dict.fromkeys((*self.metrics, *([goal.metric] if goal is not None else []), *bounded)))

    def limits(self) -> Limits:
        """Return the limits of a trial: what is left of the budget, and a worker's part of the memory."""
        memory = self.plan.budget.memory_bytes
        left = self.clock.left_s
        return Limits(
            timeout_s=None if left is None else max(0.05, self.search_left_s() or 0.05),
            memory_bytes=None if memory is None else memory // max(1, self.n_workers),
        )

    def _trial_limits(self, workflow: Workflow) -> Limits:
        """Return the limits of a trial; one that takes many times its forecast does not take the time of all others."""
        limits = self.limits()
        if limits.timeout_s is None or self.best is None or self.fixed:
            return limits
        fits_s = self.forecaster.fit_s(workflow) * self.data.n_splits
        return replace(limits, timeout_s=min(limits.timeout_s, max(_REST * limits.timeout_s, RUNAWAY * fits_s)))

    def _trial_s(self, workflow: Workflow) -> float:
        return self._all_folds_s(self.forecaster.fit_s(workflow))

    def _all_folds_s(self, fit_s: float) -> float:
        rounds = math.ceil(self.data.n_splits / max(1, self.n_workers))
        return fit_s * self.data.train_share * rounds

    def _too_slow(self, workflow: Workflow) -> str | None:
        left = self.search_left_s()
        if left is None or self.best is None:
            return None
        forecast = self._trial_s(workflow)
        return f"forecast {forecast:.1f} s, {max(0.0, left):.1f} s left" if forecast > left else None

    def _collect(self) -> None:
        left = self.clock.left_s
        for outcome in self.executor.wait(0.25 if left is None else max(0.0, min(0.25, left))):
            self._heed(outcome)
            pending = self.pending.pop(outcome.ticket, None)
            if pending is None:
                self.other[outcome.ticket] = outcome
            elif pending.then is not None:
                pending.then(outcome)
            elif not self._goes_on(pending, outcome) and not self._goes_alone(pending, outcome):
                self._end(pending, outcome)
        self.early.go_on(self)
        left = self.search_left_s()
        over = left is not None and left <= 0 and (self.best is not None or (self.clock.left_s or 0) <= 0)
        if over and self.pending and 0 in self.done:  # the constant is always scored: there must be an answer
            self.ended = self.ended or OUT_OF_TIME[0]
            self._cut_short()

    def _of_the_data(self, error: str) -> bool:
        """Say whether a task failed that every trial needs."""
        return any(error.startswith(f"{task.label}:") for task in self.data.tasks)

    def _heed(self, outcome: Outcome) -> None:
        """Remember the first reason why a result was not kept: the answer says so."""
        said = next((text for text in outcome.warnings if text.startswith(NOT_KEPT)), None)
        if said is not None and self.unkept is None:
            self.unkept = f"some results are {said}"

    def _cut_short(self) -> None:
        """End the trials that still run: the rest of the budget belongs to the answer."""
        self.executor.cancel_all()
        for pending in self.pending.values():
            for member in pending.members:
                self.finish_trial(unrun(member, "the budget ended while it ran"))
        self.pending.clear()

    def _end(self, pending: Pending, outcome: Outcome) -> None:
        """Finish the trials of a plan that has ended."""
        done = outcome.state == "done"
        if done and pending.begun is not None:
            outcome = joined(pending.begun, outcome)
        if done and pending.members:
            self._observe(pending.forecast_s, outcome.seconds)
        for member in pending.members:
            self.finish_trial(ended_trial(self, pending, member, outcome))

    def _observe(self, forecast_s: Mapping[Fingerprint, float], seconds: Mapping[Fingerprint, float]) -> None:
        """Let rates lean towards what was measured: for the next run, as this one does not depend on who was faster."""
        done = forecast_s.keys() & seconds.keys()
        if self.observed is not None and done:
            self.observed = self.observed.corrected(
                sum(forecast_s[name] for name in done), sum(seconds[name] for name in done)
            )

    def finish_trial(self, trial: Trial) -> None:
        """Take in a trial that has ended: on record, and for what depends on the best so far."""
        trial = replace(trial, at_s=self.clock.elapsed_s)
        self.done[trial.number] = trial
        self.trials.append(trial)
        self.record(trial)
        if trial.number == 0 and trial.state == "failed" and self._of_the_data(trial.error or ""):
            self.ended = self.ended or "the data cannot be read or dealt"
        metric = self.metrics[0]
        ok = trial.state == "ok"
        is_best = (
            ok
            and trial.number > 0
            and trial.number not in self.early.numbers
            and (self.best is None or self.loss(trial) < self.loss(self.best))
        )
        if is_best:
            self.best, self.best_at_s = trial, self.clock.elapsed_s
        if ok and self.confirms and (is_best or len(self.trials) % _EVERY == 0):
            self.confirm_s = confirm_reserve_s(self)
        if ok:
            self.blend_s = blend_reserve_s(self)
            self.distil_s = distil_reserve_s(self)
        self.bus.tell(
            "trial_finished",
            number=trial.number,
            describe=trial.describe,
            state=trial.state,
            score=trial.mean(metric) if ok else None,
            se=trial.se(metric) if ok else None,
            metric=metric,
            best=self.best.mean(metric) if self.best is not None else None,
            seconds=trial.fit_s,
            elapsed_s=self.clock.elapsed_s,
            error=trial.error,
        )

    def eligible(self) -> list[Trial]:
        """Return the trials that keep all bounds, no blend among them; all of them if none does."""
        singles = [t for t in self.trials if not members_of(t.configuration)]
        keeping = [t for t in singles if t.state == "ok" and shortfall(self.plan.requirements, t) == 0]
        return keeping if any(t.number > 0 for t in keeping) else singles

    def replace(self, trials: Iterable[Trial]) -> None:
        """Put trials that were scored again in the place of those of the same number, here and on record."""
        by_number = {trial.number: trial for trial in trials}
        self.trials = [by_number.get(trial.number, trial) for trial in self.trials]
        for trial in by_number.values():
            self.record(trial)

    def _tell_up_to(self, number: int) -> bool:
        """Tell the strategy the trials before ``number`` in order; False if one of them still runs."""
        while self.told < number:
            trial = self.done.get(self.told)
            if trial is None:
                return False
            if trial.number > 0 and trial.number not in self.early.numbers and trial.state != "skipped":
                loss = self.loss(trial) if trial.state == "ok" else self.expected.get(trial.number)
                self.strategy.tell(Configuration(trial.configuration), loss)
                if trial.state == "ok" and (self._told_best is None or self.loss(trial) < self.loss(self._told_best)):
                    self._told_best, self.best_number = trial, trial.number
            self.told += 1
        return True

    def tried_since_best(self) -> tuple[int, int]:
        """Return how many proposals were told up to the best, and how many after it; companions are part of theirs."""
        told = [number for number in self.begun if number < self.told and self.done[number].beside is None]
        led = sum(number <= self.best_number for number in told)
        return led, len(told) - led

    def loss(self, trial: Trial) -> float:
        """Return what the search makes small: what misses a bound is worse than all that keep them."""
        mean = trial.mean(self.metrics[0])
        missing = shortfall(self.plan.requirements, trial)
        return (-mean if self.plan.objectives[0].greater_is_better else mean) + (
            _MISSED * (1 + min(missing, 1e6)) if missing else 0.0
        )

    is_goal_met = False
    confirms = True  # time is kept for scoring the best again
    _told_best: Trial | None = None
    unfinished: str | None = None  # why what was begun after the search has no outcome
    unbounded: Trial | None = None  # the blend that was not kept, as it misses a bound on times or sizes
    undistilled: str | None = None  # why there is nothing distilled, where it was asked for
    unblended: str | None = None  # why there is no blend, as far as it was tried
    unkept: str | None = None  # why results could not be written to the project, as far as that happened


_CONSTANT = Configuration((("model", (StepSpec("dummy"),)),))
