"""The blend of an earlier run, made again as soon as its members are scored here, with the weights that it had there.

A search that begins with what an earlier answer was made of has such an answer long before it ends, and has it too where the time is too
short to choose weights. These weights were not chosen by what they are scored on here, unless the rows and their splits are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.engine import Outcome
from mileage.results import Trial
from mileage.search import Known, Proposal
from mileage.search.sampling import nearest
from mileage.session.blend import blend_of, is_within_bounds
from mileage.session.measure import measure
from mileage.session.pending import Member, Pending
from mileage.space import Configuration, SearchSpace
from mileage.workflow import members_of

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_TEXT = "what an earlier answer was made of, by the weights that it had there"


@dataclass
class EarlierBlend:
    """The weights of configurations by their digest; its number once all members have begun, so that it does not hang on who is faster."""

    weights: Mapping[str, float]
    number: int | None = None
    members: dict[str, int] = field(default_factory=dict)  # their numbers here
    begun: bool = False

    @classmethod
    def of(cls, loop: TrialLoop) -> EarlierBlend:
        """Return the blend that a search may make; without weights where it makes none."""
        plan = loop.plan
        blends = plan.space.blends and loop.data.parts is None and plan.budget.trials is None
        weights = weights_before(loop.carried, loop.known, plan.space) if blends else {}
        return cls(weights if len(weights) > 1 else {})

    def note(self, loop: TrialLoop, begun: Iterable[Member]) -> None:
        """Note that trials begin; the blend takes the next number when all its members have."""
        for member in begun:
            digest = str(member.proposal.configuration.digest)
            if digest in self.weights:
                self.members[digest] = member.number
        if self.number is None and self.weights and len(self.members) == len(self.weights):
            self.number = loop.next_number
            loop.next_number += 1

    def go_on(self, loop: TrialLoop) -> None:
        """Begin to score the blend if all its members have ended."""
        if self.number is None or self.begun or not all(number in loop.done for number in self.members.values()):
            return
        self.begun = True
        found = [(loop.done[number], self.weights[digest]) for digest, number in self.members.items()]
        scored = [(trial, weight) for trial, weight in found if trial.state == "ok"]
        if len(scored) < 2:
            loop.finish_trial(self._without_scores("too few of its members have a score"))
            return
        total = sum(weight for _, weight in scored)
        made = blend_of(loop, [trial for trial, _ in scored], [weight / total for _, weight in scored], _TEXT)
        made = replace(made, number=self.number)
        if not is_within_bounds(loop, made):
            loop.finish_trial(self._without_scores("its members together do not keep the bounds"))
            return
        assert made.workflow is not None
        assert made.reason is not None
        evaluation = loop.compile(made.workflow, loop.data)
        proposal = Proposal(Configuration(made.configuration), made.reason)
        member = Member(self.number, proposal, made.workflow, evaluation)
        ticket = loop.evaluate(evaluation, loop.data, "a blend", here=True)  # it need not wait for fits
        loop.pending[ticket] = Pending((member,), {}, {}, Exactness.BITWISE, blend=made)

    def end(self, loop: TrialLoop) -> None:
        """End the blend with the search, so that each number has a trial."""
        if self.number is not None and self.number not in loop.done:
            self.begun = True
            loop.finish_trial(self._without_scores("the budget ended before it was scored"))

    def _without_scores(self, why: str) -> Trial:
        assert self.number is not None
        return Trial(self.number, describe="a blend as before", state="skipped", error=why)


def weights_before(carried: Sequence[Trial], known: Iterable[Known], space: SearchSpace) -> dict[str, float]:
    """Return the weights of the members of an earlier blend, by the digest of the configurations that they are here.

    That is the last blend of the run whose trials are ``carried``, else what is ``known`` to have had a weight.

    Examples
    --------
    >>> from mileage.operators import StepSpec
    >>> from mileage.workflow import blend_slots
    >>> made = [Trial(i, (("model", (StepSpec(name),)),)) for i, name in enumerate(["knn", "ridge"], 1)]
    >>> blend = Trial(3, blend_slots((1, 2), (0.25, 0.75)))
    >>> sorted(weights_before([*made, blend], (), SearchSpace((), "regression")).values())
    [0.25, 0.75]
    """
    by_number = {trial.number: trial for trial in carried}
    blends = [members_of(trial.configuration) for trial in carried if trial.state == "ok"]
    if last := next((members for members in reversed(blends) if members), None):
        return {str(Configuration(by_number[number].configuration).digest): weight for number, weight in last}
    found = [(nearest(space, dict(one.wish)), one.weight) for one in known if one.weight]
    return {str(configuration.digest): weight for configuration, weight in found if configuration is not None}


def ended_blend(loop: TrialLoop, pending: Pending, outcome: Outcome) -> Trial:
    """Return the trial of a blend that was scored, or why it was not."""
    (member,), made = pending.members, pending.blend
    assert made is not None
    if outcome.state != "done":
        error = str(outcome.error) if outcome.error else "the budget ended while it ran"
        return replace(made, state="skipped", error=error)
    return replace(made, scores=measure(member.evaluation, outcome, loop.all_metrics()).scores)
