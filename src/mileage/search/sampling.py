"""Random points of a search space, drawn model first so that the other slots can suit it."""

from __future__ import annotations

import math
import random

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.operators import Family, StepSpec, operators
from mileage.operators.parameters import LOSS
from mileage.space import Alternative, Configuration, SearchSpace, Slot, conflict


def sample_value(domain: Domain, rng: random.Random) -> Value:
    """Draw one value of a domain.

    Examples
    --------
    >>> sample_value(IntRange(3, 3), random.Random(0))
    3
    """
    if isinstance(domain, OneOf):
        return rng.choice(domain.values)
    if isinstance(domain, AnyOf):
        return sample_value(rng.choice(domain.domains), rng)
    if isinstance(domain, IntRange | FloatRange):
        return _number(domain, rng)
    message = f"cannot sample {domain.describe()}"
    raise TypeError(message)


def _number(domain: IntRange | FloatRange, rng: random.Random) -> Value:
    if domain.log:
        drawn = math.exp(rng.uniform(math.log(domain.low), math.log(domain.high)))
    elif isinstance(domain, IntRange):
        return rng.randint(domain.low, domain.high)
    else:
        drawn = rng.uniform(domain.low, domain.high)
    if isinstance(domain, IntRange):
        return min(domain.high, max(domain.low, round(drawn)))
    return float(f"{min(domain.high, max(domain.low, drawn)):.4g}")


def model_slot(space: SearchSpace) -> Slot:
    """Return the slot that holds the model: the last one."""
    return space.slots[-1]


def compatible(
    space: SearchSpace, slot: Slot, chosen: dict[str, tuple[StepSpec, ...]]
) -> list[tuple[Alternative, str | None]]:
    """Return the slot's alternatives with why each conflicts with what is chosen so far, or None."""
    others = [spec for name, specs in chosen.items() for spec in specs if name != slot.name]
    return [(a, conflict([*others, *[s.spec() for s in a.steps]], space.task)) for a in slot.alternatives]


def random_configuration(space: SearchSpace, rng: random.Random) -> Configuration | None:
    """Draw a configuration; None if the draw ran into a conflict."""
    chosen: dict[str, tuple[StepSpec, ...]] = {}
    for slot in (model_slot(space), *space.slots[:-1]):
        fitting = [a for a, why in compatible(space, slot, chosen) if why is None and a.weight > 0]
        if not fitting:
            return None
        alternative = rng.choices(fitting, [a.weight for a in fitting])[0]
        chosen[slot.name] = tuple(_draw_step(step, rng) for step in alternative.steps)
    return Configuration(tuple((slot.name, chosen[slot.name]) for slot in space.slots))


def _draw_step(step: object, rng: random.Random) -> StepSpec:
    from mileage.space import StepChoice

    assert isinstance(step, StepChoice)
    return step.spec({name: sample_value(domain, rng) for name, domain in step.open})


def nearest(space: SearchSpace, wish: dict[str, StepSpec]) -> Configuration | None:
    """Return the configuration of the space that holds as much of ``wish`` (slot → step) as it can.

    The model of the wish must be in the space; for another slot the first alternative that fits is taken instead.
    """
    chosen: dict[str, tuple[StepSpec, ...]] = {}
    for slot in (model_slot(space), *space.slots[:-1]):
        wanted = wish.get(slot.name) or wish.get("model" if slot is model_slot(space) else "")
        picked = _pick(space, slot, wanted, chosen)
        if picked is None or (
            slot is model_slot(space) and wanted is not None and picked[-1].operator != wanted.operator
        ):
            return None
        chosen[slot.name] = picked
    return Configuration(tuple((slot.name, chosen[slot.name]) for slot in space.slots))


def _pick(
    space: SearchSpace, slot: Slot, wanted: StepSpec | None, chosen: dict[str, tuple[StepSpec, ...]]
) -> tuple[StepSpec, ...] | None:
    fitting = [a for a, why in compatible(space, slot, chosen) if why is None and a.weight > 0]
    if wanted is not None:
        for alternative in fitting:
            if len(alternative.steps) == 1 and alternative.steps[0].operator == wanted.operator:
                return (_fit_to(alternative.steps[0], wanted),)
        if operators.get(wanted.operator).family is Family.MODEL:
            return None
    if not fitting:
        return None
    return tuple(_fit_to(step, StepSpec(step.operator)) for step in fitting[0].steps)


def _fit_to(step: object, wanted: StepSpec) -> StepSpec:
    """Return the point of ``step`` nearest to the wish: its values where legal, else defaults, else a middle value."""
    from mileage.space import StepChoice

    assert isinstance(step, StepChoice)
    given = dict(wanted.params)
    operator = operators.get(step.operator)
    values: dict[str, Value] = {}
    for name, domain in step.open:
        param = operator.param(name)
        if name not in given and param is not None and (domain == param.search or name == LOSS):
            continue  # nobody asked for another value: the operator's default stands
        wishes = [*([given[name]] if name in given else []), *([param.default] if param else []), _middle(domain)]
        legal = [value for value in wishes if domain.contains(value)]
        if legal:
            values[name] = legal[0]
    return step.spec(values)


def _middle(domain: Domain) -> Value:
    if isinstance(domain, OneOf):
        return domain.values[0]
    if isinstance(domain, AnyOf):
        return _middle(domain.domains[0])
    if isinstance(domain, IntRange | FloatRange):
        middle = math.sqrt(domain.low * domain.high) if domain.log else (domain.low + domain.high) / 2
        return int(middle) if isinstance(domain, IntRange) else middle
    return None
