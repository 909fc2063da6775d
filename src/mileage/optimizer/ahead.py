"""What later plans of a search may ask for, as far as the space tells it beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mileage.operators import operators
from mileage.operators.cutting import can_be_cut
from mileage.space import SearchSpace, Slot, StepChoice, domain_size, domain_values

_FEW = 16  # combinations of all else: with more of them, hardly two trials share a fit


def largest_ahead(space: SearchSpace) -> Mapping[tuple[str, str], int]:
    """Return the largest number of members that an ensemble may have, where many trials will share one fit.

    A fit of the largest is dearer than that of the average one, so it pays where few fits differ in all else.

    Examples
    --------
    >>> from mileage.core.domains import IntRange
    >>> from mileage.core.reasons import Reason
    >>> from mileage.space import Alternative, Slot
    >>> forest = StepChoice("random_forest", (("max_depth", 4),), (("n_estimators", IntRange(10, 50)),))
    >>> dict(largest_ahead(SearchSpace((Slot("model", (Alternative((forest,)),)),), "binary")))
    {('random_forest', 'n_estimators'): 50}
    """
    found: dict[tuple[str, str], int] = {}
    for slot in space.slots:
        others = math.prod(_size(other) for other in space.slots if other.name != slot.name)
        for step in (step for alternative in slot.alternatives for step in alternative.steps):
            if (made := _largest(step, others)) is not None:
                name, value = made
                found[step.operator, name] = max(value, found.get((step.operator, name), 0))
    return found


def _size(slot: Slot) -> float:
    return sum(math.prod(step.size() for step in alternative.steps) for alternative in slot.alternatives)


def _largest(step: StepChoice, others: float) -> tuple[str, int] | None:
    operator, domains = operators.find(step.operator), dict(step.open)
    if operator is None or not can_be_cut(operator):
        return None
    name = operator.traits.prefix[0]
    domain = domains.get(name)
    if domain is None or domain_size(domain) in {1, math.inf}:
        return None
    if others * step.size() / domain_size(domain) > _FEW:
        return None
    return name, max(int(value) for value in domain_values(domain) if isinstance(value, int))
