"""A search space: a workflow that may hold choices and open parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from mileage.core.domains import AnyOf, Domain, IntRange, OneOf, Value
from mileage.core.reasons import Reason
from mileage.operators.base import StepSpec


@dataclass(frozen=True, slots=True)
class StepChoice:
    """An operator with some parameters fixed and some open."""

    operator: str
    fixed: tuple[tuple[str, Value], ...] = ()
    open: tuple[tuple[str, Domain], ...] = ()

    def spec(self, values: dict[str, Value] | None = None) -> StepSpec:
        """Return the step with the open parameters set to ``values``; those not given keep the operator's default."""
        return StepSpec(self.operator, tuple(sorted({**dict(self.fixed), **(values or {})}.items())))

    def admits(self, spec: StepSpec) -> bool:
        """Say whether ``spec`` is a point of this choice; a parameter it leaves out must not be fixed here."""
        given, fixed, domains = dict(spec.params), dict(self.fixed), dict(self.open)
        if spec.operator != self.operator or any(name not in given or given[name] != v for name, v in fixed.items()):
            return False
        return all(name in fixed or (name in domains and domains[name].contains(v)) for name, v in given.items())

    def size(self) -> float:
        """Return the number of points, infinite where a parameter is continuous."""
        return math.prod(domain_size(domain) for _, domain in self.open)

    def __str__(self) -> str:
        inside = [f"{name} = {value!r}" for name, value in self.fixed]
        inside += [f"{name} IN {_written(domain)}" for name, domain in self.open]
        return f"{self.operator}({', '.join(inside)})" if inside else self.operator


def _written(domain: Domain) -> str:
    """Return a domain as a query writes it after IN."""
    words = domain.describe()
    if words.startswith("one of "):
        return f"{{{words.removeprefix('one of ')}}}"
    return ("LOG " if getattr(domain, "log", False) else "") + words.split(" in ")[-1]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to fill a slot: a chain of steps (often one), with a prior weight and a reason."""

    steps: tuple[StepChoice, ...]
    weight: float = 1.0
    reason: Reason = field(default=Reason("offered by default"), compare=False)

    def admits(self, specs: Sequence[StepSpec]) -> bool:
        """Say whether a chain of steps is a point of this alternative."""
        return len(specs) == len(self.steps) and all(s.admits(spec) for s, spec in zip(self.steps, specs, strict=True))

    @property
    def label(self) -> str:
        """The operators' names."""
        return " >> ".join(step.operator for step in self.steps)


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place in a workflow and what may stand there."""

    name: str
    alternatives: tuple[Alternative, ...]
    reason: Reason = field(default=Reason("part of every workflow"), compare=False)


@dataclass(frozen=True, slots=True)
class Restriction:
    """Something that was cut from the space, and why."""

    what: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Slots in the order of the workflow, the cuts that made it, and what is made of the best besides.

    Attributes
    ----------
    blends : bool
        Whether the best may be blended to one more workflow.
    student : StepSpec, optional
        The model that learns what the best says, where the query asks for one.
    """

    slots: tuple[Slot, ...]
    task: str
    restrictions: tuple[Restriction, ...] = field(default=(), compare=False)
    blends: bool = False
    student: StepSpec | None = None

    def slot(self, name: str) -> Slot | None:
        """Return the slot of this name, or None."""
        return next((slot for slot in self.slots if slot.name == name), None)

    def admits(self, choices: Sequence[tuple[str, Sequence[StepSpec]]]) -> bool:
        """Say whether there is an alternative with a weight for each slot's steps; conflicts are not looked at."""
        if [name for name, _ in choices] != [slot.name for slot in self.slots]:
            return False
        return all(
            any(a.weight > 0 and a.admits(specs) for a in slot.alternatives)
            for slot, (_, specs) in zip(self.slots, choices, strict=True)
        )

    def size(self) -> float:
        """Return the number of points before incompatible ones are left out; infinite if a parameter is continuous."""
        return math.prod(sum(math.prod(s.size() for s in a.steps) for a in slot.alternatives) for slot in self.slots)

    def points(self) -> Iterator[tuple[tuple[StepSpec, ...], ...]]:
        """Yield every point of a finite space, slot by slot, in a fixed order."""
        return product(*[[point for a in slot.alternatives for point in _points(a)] for slot in self.slots])


def domain_size(domain: Domain) -> float:
    """Return how many values a domain has.

    Examples
    --------
    >>> from mileage.core.domains import FloatRange
    >>> domain_size(IntRange(10, 50)), domain_size(FloatRange(0, 1))
    (41, inf)
    """
    if isinstance(domain, OneOf):
        return len(domain.values)
    if isinstance(domain, IntRange):
        return domain.high - domain.low + 1
    if isinstance(domain, AnyOf):
        return sum(domain_size(d) for d in domain.domains)
    return math.inf


def domain_values(domain: Domain) -> list[Value]:
    """Return the values of a finite domain in order."""
    if isinstance(domain, OneOf):
        return list(domain.values)
    if isinstance(domain, IntRange):
        return list(range(domain.low, domain.high + 1))
    if isinstance(domain, AnyOf):
        return [value for d in domain.domains for value in domain_values(d)]
    message = f"{domain.describe()} cannot be listed"
    raise ValueError(message)


def _points(alternative: Alternative) -> Iterator[tuple[StepSpec, ...]]:
    return product(*[list(_step_points(step)) for step in alternative.steps])


def _step_points(step: StepChoice) -> Iterator[StepSpec]:
    names = [name for name, _ in step.open]
    for values in product(*[domain_values(domain) for _, domain in step.open]):
        yield step.spec(dict(zip(names, values, strict=True)))
