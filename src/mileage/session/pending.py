"""What runs of a search: a plan for a proposal and its companions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.engine import Outcome
from mileage.optimizer import Evaluation, Part
from mileage.search import Proposal
from mileage.session.race import Hurdle
from mileage.workflow import Action, PhysicalPlan, TaskKind, Workflow


@dataclass
class Member:
    """A proposal that runs, by itself or with others that share its fit."""

    number: int
    proposal: Proposal
    workflow: Workflow
    evaluation: Evaluation
    beside: int | None = None  # of a companion, the number of the proposal


@dataclass
class Pending:
    """A plan that runs: the proposal, which is the first of its members, and companions."""

    members: tuple[Member, ...]
    shares: Mapping[Fingerprint, tuple[Part, ...]]
    forecast_s: Mapping[Fingerprint, float]
    exactness: Exactness
    hurdle: Hurdle | None = None  # to clear on the first split, which is all that runs yet
    begun: Outcome | None = None  # of the first split, where the others run now
    then: Callable[[Outcome], None] | None = None  # what to do with the outcome, of what has no members


def fits(physical: PhysicalPlan) -> bool:
    """Say whether a plan fits anything, or finds all of it kept."""
    kinds = {TaskKind.FIT, TaskKind.CUT, TaskKind.LEARN, TaskKind.TOGETHER}
    return any(planned.action is Action.COMPUTE and planned.task.kind in kinds for planned in physical)


def joined(first: Outcome, then: Outcome) -> Outcome:
    """Return the outcome of a trial whose first split ran before the others."""
    return replace(
        then,
        seconds={**first.seconds, **then.seconds},
        sizes={**first.sizes, **then.sizes},
        n_computed=first.n_computed + then.n_computed,
    )
