"""What later plans of a search may ask for, as far as the space tells it beforehand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.operators import operators
from mileage.operators.late import Late
from mileage.operators.together import Fused, Together
from mileage.space import SearchSpace, Slot, StepChoice, domain_size, domain_values

_ONE = OneOf((None,))
_FEW = 16  # combinations of all else: with more of them, hardly two trials share a fit


def largest_ahead(space: SearchSpace) -> Mapping[tuple[str, str], Value]:
    """Return the late parameters that trials may differ in, by operator and name, each with its largest value.

    A fit that grows with the value is dearer than the average one, so such a parameter is one of them only where few fits differ
    in all else.

    Examples
    --------
    >>> from mileage.core.domains import IntRange
    >>> from mileage.core.reasons import Reason
    >>> from mileage.space import Alternative, Slot
    >>> forest = StepChoice("random_forest", (("max_depth", 4),), (("n_estimators", IntRange(10, 50)),))
    >>> dict(largest_ahead(SearchSpace((Slot("model", (Alternative((forest,)),)),), "binary")))
    {('random_forest', 'n_estimators'): 50}
    """
    found: dict[tuple[str, str], Value] = {}
    for slot in space.slots:
        others = math.prod(_size(other) for other in space.slots if other.name != slot.name)
        for step in (step for alternative in slot.alternatives for step in alternative.steps):
            for late, value in _open(step, others):
                key = step.operator, late.name
                found[key] = late.whole_of([value, found[key]]) if key in found and late.grows else value
    return found


def listed_ahead(space: SearchSpace, *, n_trials: int | None = None) -> Mapping[tuple[str, str], tuple[Value, ...]]:
    """Return the values that trials may ask for of parameters with which a model is made together, by operator and name.

    What is fitted on rows takes its time for each value, so such are listed only if all of the space is tried, with ``n_trials``
    trials (None for an unknown number).

    Examples
    --------
    >>> from mileage.space import Alternative, Slot
    >>> ridge = StepChoice("ridge", (), (("alpha", OneOf((0.1, 1.0))),))
    >>> dict(listed_ahead(SearchSpace((Slot("model", (Alternative((ridge,)),)),), "regression")))
    {('ridge', 'alpha'): (0.1, 1.0)}
    """
    is_whole = n_trials is not None and space.size() <= n_trials
    found: dict[tuple[str, str], tuple[Value, ...]] = {}
    for slot in space.slots:
        for step in (step for alternative in slot.alternatives for step in alternative.steps):
            operator = operators.find(step.operator)
            if isinstance(operator, Together) or (isinstance(operator, Fused) and is_whole):
                key = step.operator, operator.together
                found[key] = (*found.get(key, ()), *_listed(step, operator.together))
    return {key: values for key, values in found.items() if values}


def _listed(step: StepChoice, name: str) -> Iterator[Value]:
    domain = dict(step.open).get(name, _ONE)
    if domain is not _ONE and domain_size(domain) < math.inf:
        for value in domain_values(domain):
            yield operators.get(step.operator).complete({name: value})[name]


def _size(slot: Slot) -> float:
    return sum(math.prod(step.size() for step in alternative.steps) for alternative in slot.alternatives)


def _open(step: StepChoice, others: float) -> list[tuple[Late, Value]]:
    """Return the late parameters that a step leaves open, with their largest values."""
    operator, domains = operators.find(step.operator), dict(step.open)
    late = [
        one for one in (operator.late if operator is not None else ()) if domain_size(domains.get(one.name, _ONE)) > 1
    ]
    names = {one.name for one in late}
    rest = others * math.prod(domain_size(domain) for name, domain in step.open if name not in names)
    return [(one, largest_value(domains[one.name])) for one in late if not one.grows or rest <= _FEW]


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
        values = [largest_value(part) for part in domain.domains]
    else:
        values = list(domain.values) if isinstance(domain, OneOf) else [None]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return max(numbers) if len(numbers) == len(values) else None
