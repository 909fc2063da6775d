"""Blends that a search makes before it ends, of what it begins with because an earlier one has found it good.

They are made as soon as their members are scored, so that an answer as good as the earlier one does not wait for the end of the search, and
is there where the time ends before one can be made. Weights are chosen as at the end, by what is predicted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.engine import Outcome
from mileage.results import Trial
from mileage.session.blend import blend_of, candidates_among, fits_in_time, is_within_bounds, weighed, weighing
from mileage.session.measure import measure
from mileage.session.pending import Pending, fits
from mileage.space import Configuration
from mileage.workflow import Port, members_of

if TYPE_CHECKING:
    from mileage.optimizer import Evaluation
    from mileage.search import Proposal
    from mileage.session.trials import TrialLoop

_STAGES = (2, 3, 4, 8)  # known proposals, after which there is a blend
_TEXT = "the best {} of what was known, weighed by what they predict for rows they have not seen"


@dataclass
class EarlyBlends:
    """Which numbers are blends; each takes the next one when its members have begun, so that it does not hang on who is faster.

    Attributes
    ----------
    makes : bool
        Whether the search may make blends.
    is_near : bool
        Whether a table nearly the same was searched before.
    n_known, n_carried : int
        Proposals so far of what did well on a table nearly the same, and of what an earlier run of the question has kept.
    numbers : set of int
        Of all blends.
    waiting : list of int
        Of those that wait for trials before them.
    """

    makes: bool
    is_near: bool
    n_known: int = 0
    n_carried: int = 0
    numbers: set[int] = field(default_factory=set)
    waiting: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, loop: TrialLoop) -> EarlyBlends:
        """Return the blends of a search that begins."""
        makes = loop.plan.space.blends and loop.data.parts is None and loop.plan.budget.trials is None
        return cls(makes, any(known.weight for known in loop.known))

    def may_have(self, proposal: Proposal) -> bool:
        """Say whether a proposal, or what is beside it, may be in a blend soon: its predictions are kept for that."""
        return self.makes and self.is_near and proposal.reason.origin == "knowledge"

    def note(self, loop: TrialLoop, proposal: Proposal, *, carried: bool) -> None:
        """Note that a proposal begins; a blend may be due after it."""
        if carried:
            self.n_carried += 1
        elif self.may_have(proposal):
            self.n_known += 1
            if self.n_known in _STAGES:
                self._take_number(loop)

    def note_carried(self, loop: TrialLoop) -> None:
        """Note that nothing is left of what is kept of an earlier run."""
        if self.n_carried > 1 and self.makes:
            self._take_number(loop)
            self.go_on(loop)  # all of it may have ended, and nothing else be left to do
        self.n_carried = 0

    def _take_number(self, loop: TrialLoop) -> None:
        self.numbers.add(loop.next_number)
        self.waiting.append(loop.next_number)
        loop.next_number += 1

    def go_on(self, loop: TrialLoop) -> None:
        """Begin to weigh the next blend if all trials before it have ended, and there is time."""
        left = loop.search_left_s()
        if left is not None and left <= 0:
            return
        if self.waiting and all(number in loop.done for number in range(self.waiting[0])):
            self._weigh(loop, self.waiting.pop(0))

    def _weigh(self, loop: TrialLoop, number: int) -> None:
        before = [t for t in loop.trials if t.number < number]
        if (same := _last_blend(loop, before)) is not None:
            self._evaluate(loop, replace(same, number=number))
            return
        members = candidates_among(loop, before)
        if len(members) < 2:
            self._skip(loop, number, "too few of its members have a score")
            return
        plan, port = weighing(loop, members, loop.data)
        ticket = loop.executor.submit(plan, label="weights of a blend", limits=loop.limits(), aside=not fits(plan))
        loop.pending[ticket] = _then(partial(self._score, loop, number, members, port))

    def _score(self, loop: TrialLoop, number: int, members: Sequence[Trial], port: Port, outcome: Outcome) -> None:
        made = weighed(loop, members, outcome.values[port], _TEXT) if outcome.state == "done" else None
        if made is None:
            why = "none is better than the best alone" if outcome.state == "done" else _why(outcome)
            self._skip(loop, number, why)
            return
        if not is_within_bounds(loop, made) or not fits_in_time(loop, made):
            self._skip(loop, number, "its members take too much together")
            return
        self._evaluate(loop, replace(made, number=number))

    def _evaluate(self, loop: TrialLoop, made: Trial) -> None:
        assert made.workflow is not None
        evaluation = loop.compile(made.workflow, loop.data)
        ticket = loop.evaluate(evaluation, loop.data, "a blend", aside=True)  # it need not wait for fits
        loop.pending[ticket] = _then(partial(self._finish, loop, made, evaluation))

    def _finish(self, loop: TrialLoop, made: Trial, evaluation: Evaluation, outcome: Outcome) -> None:
        if outcome.state != "done":
            self._skip(loop, made.number, _why(outcome))
            return
        made = replace(made, scores=measure(evaluation, outcome, loop.all_metrics()).scores)
        others = (loop.done[number] for number in self.numbers & loop.done.keys())
        better = next((t for t in others if t.state == "ok" and loop.loss(t) <= loop.loss(made)), None)
        if better is None:
            loop.finish_trial(made)
        else:
            self._skip(loop, made.number, f"no better than blend {better.number}")

    def end(self, loop: TrialLoop) -> None:
        """End the blends with the search, so that each number has a trial."""
        self.waiting.clear()
        for number in sorted(self.numbers - loop.done.keys()):
            self._skip(loop, number, "the budget ended before it was scored")

    def _skip(self, loop: TrialLoop, number: int, why: str) -> None:
        loop.finish_trial(Trial(number, describe="a blend of what was known", state="skipped", error=why))


def _last_blend(loop: TrialLoop, trials: Sequence[Trial]) -> Trial | None:
    """Return the last blend of the run whose trials are carried, without scores; None if it had none of what has a score here."""
    blends = [t for t in loop.carried if t.state == "ok" and members_of(t.configuration)]
    here = {Configuration(t.configuration).digest: t for t in trials if t.state == "ok"}
    by_number = {t.number: Configuration(t.configuration).digest for t in loop.carried}
    members = members_of(blends[-1].configuration) if blends else ()
    found = [(here.get(by_number[number]), weight) for number, weight in members]
    made = [(trial, weight) for trial, weight in found if trial is not None]
    if not made or len(made) < len(found):
        return None
    return blend_of(loop, [trial for trial, _ in made], [weight for _, weight in made], _TEXT.format(len(made)))


def _then(do: partial[None]) -> Pending:
    return Pending((), {}, {}, Exactness.BITWISE, then=do)


def _why(outcome: Outcome) -> str:
    return str(outcome.error) if outcome.error else "the budget ended while it ran"
