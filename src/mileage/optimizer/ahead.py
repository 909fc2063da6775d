"""What later plans of a search may ask for, as far as the space tells it beforehand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.operators import operators
from mileage.operators.batched import Batched
from mileage.operators.late import Late
from mileage.operators.together import Fused, Together
from mileage.space import SearchSpace, Slot, StepChoice, domain_size, domain_values

_FEW = 16  # combinations of all else: with more of them, hardly two trials share a fit
Params = Mapping[str, Value]
_Key = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class _Region:
    """The points of a step of the space: what is fixed, with defaults, what is open, and how many combinations all else has."""

    fixed: Params
    open: Mapping[str, Domain]
    others: float

    def admits(self, params: Params, free: frozenset[str]) -> bool:
        """Say whether a fit is of the region, but for the parameters that are ``free``."""
        return all(
            self.open[name].contains(value) if name in self.open else self.fixed[name] == value
            for name, value in params.items()
            if name not in free
        )

    def rest(self, free: frozenset[str]) -> float:
        """Return in how many ways trials of the region may differ in all that is not free."""
        return self.others * math.prod(domain_size(domain) for name, domain in self.open.items() if name not in free)

    def is_closed(self, free: frozenset[str]) -> bool:
        """Say whether all that is not free is fixed."""
        return self.open.keys() <= free

    def differs(self, name: str, value: Value) -> bool:
        """Say whether a parameter may have another value."""
        return domain_size(self.open[name]) > 1 if name in self.open else self.fixed[name] != value

    def largest(self, name: str) -> Value:
        return largest_value(self.open[name] if name in self.open else OneOf((self.fixed[name],)))

    def listed(self, name: str) -> list[Value]:
        """Return the values of a parameter, none where they are too many to list."""
        if name not in self.open:
            return [self.fixed[name]]
        return domain_values(self.open[name]) if domain_size(self.open[name]) < math.inf else []


class Ahead:
    """What trials of a space may ask for, besides what a plan asks for.

    Parameters
    ----------
    space : SearchSpace, optional
        Nothing is ahead without one.
    n_trials : int, optional
        How many trials there will surely be.

    Examples
    --------
    >>> from mileage.core.reasons import Reason
    >>> from mileage.space import Alternative
    >>> forest = StepChoice("random_forest", (("max_depth", 4),), (("n_estimators", IntRange(10, 50)),))
    >>> ahead = Ahead(SearchSpace((Slot("model", (Alternative((forest,)),)),), "binary"))
    >>> late = operators.get("random_forest").late
    >>> asked = operators.get("random_forest").complete({"max_depth": 4, "n_estimators": 20})
    >>> ahead.largest("random_forest", asked, late), ahead.largest("random_forest", {**asked, "max_depth": 9}, late)
    ({'n_estimators': 50}, {})
    """

    def __init__(self, space: SearchSpace | None = None, *, n_trials: int | None = None) -> None:
        self.is_whole = space is not None and n_trials is not None and space.size() <= n_trials
        self._regions: dict[str, list[_Region]] = {}
        self._closed: dict[tuple[str, frozenset[str]], dict[_Key, list[_Region]]] = {}
        for operator, region in _regions(space) if space is not None else ():
            self._regions.setdefault(operator, []).append(region)

    def largest(self, operator: str, params: Params, late: Sequence[Late]) -> dict[str, Value]:
        """Return the late parameters in which trials may differ from a fit, and from nothing else, each with its largest value.

        A fit that grows with the value is dearer than the average one, so such a parameter is one of them only where all of the
        space is tried, or few fits differ in all else.
        """
        free = frozenset(one.name for one in late)
        like = self._like(operator, params, free)
        found: dict[str, Value] = {}
        for one in late:
            some = [region for region in like if not one.grows or self.is_whole or region.rest(free) <= _FEW]
            if any(region.differs(one.name, params[one.name]) for region in some):
                found[one.name] = _most([region.largest(one.name) for region in some])
        return found

    def listed(self, operator: str, params: Params, names: tuple[str, ...]) -> tuple[tuple[Value, ...], ...]:
        """Return the values of the parameters in which models made together differ that trials may ask for, with all else equal.

        What is fitted on rows takes its time for each value, so such are listed only if all of the space is tried.
        """
        if isinstance(operators.get(operator), Fused | Batched) and not self.is_whole:
            return ()
        like = self._like(operator, params, frozenset(names))
        return tuple(dict.fromkeys(values for region in like for values in product(*map(region.listed, names))))

    def _like(self, operator: str, params: Params, free: frozenset[str]) -> list[_Region]:
        """Return the regions that a fit is of, but for what is free."""
        regions = self._regions.get(operator, [])
        params = {param.name: params[param.name] for param in operators.get(operator).params}
        if regions and (operator, free) not in self._closed:
            index: dict[_Key, list[_Region]] = {}
            for region in regions:
                if region.is_closed(free):
                    index.setdefault(_key(region.fixed, free), []).append(region)
            self._closed[operator, free] = index
        same = self._closed[operator, free].get(_key(params, free), []) if regions else []
        return [*same, *(r for r in regions if not r.is_closed(free) and r.admits(params, free))]


def _key(params: Params, free: frozenset[str]) -> _Key:
    return tuple(sorted((name, value) for name, value in params.items() if name not in free))


def _regions(space: SearchSpace) -> Iterator[tuple[str, _Region]]:
    for slot in space.slots:
        elsewhere = math.prod(_size(other) for other in space.slots if other.name != slot.name)
        for alternative in slot.alternatives:
            for step in alternative.steps:
                others = elsewhere * math.prod(other.size() for other in alternative.steps if other is not step)
                operator = operators.find(step.operator)
                if operator is not None and (operator.late or isinstance(operator, Together | Fused | Batched)):
                    yield step.operator, _region(step, others)


def _region(step: StepChoice, others: float) -> _Region:
    complete = operators.get(step.operator).complete(dict(step.fixed))
    domains = {name: domain for name, domain in step.open if name in complete}
    return _Region({name: value for name, value in complete.items() if name not in domains}, domains, others)


def _size(slot: Slot) -> float:
    return sum(math.prod(step.size() for step in alternative.steps) for alternative in slot.alternatives)


def _most(values: Sequence[Value]) -> Value:
    """Return the largest of some values; None (without end, or of no order) is larger than any number."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return max(numbers) if len(numbers) == len(values) else None


def largest_value(domain: Domain) -> Value:
    """Return the largest value of a domain; None (without end, or of no order) is larger than any number.

    Examples
    --------
    >>> largest_value(IntRange(1, 50)), largest_value(OneOf((5, 3))), largest_value(OneOf(("uniform", "distance")))
    (50, 5, None)
    """
    if isinstance(domain, IntRange | FloatRange):
        return domain.high
    if isinstance(domain, AnyOf):
        return _most([largest_value(part) for part in domain.domains])
    return _most(list(domain.values)) if isinstance(domain, OneOf) else None
