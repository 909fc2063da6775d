"""Moves in a search space: from one configuration to a neighbour, in its numbers or in one of its steps."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, Value
from mileage.operators import StepSpec, operators
from mileage.search.sampling import compatible, model_slot, sample_value
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice, conflict

Direction = Mapping[str, float]
_OTHER_WORD = 0.15  # how often a parameter without order gets another value


def numbers_of(space: SearchSpace, configuration: Configuration) -> list[str]:
    """Return the open numeric parameters of a configuration, each as ``slot.place.name``."""
    return [
        f"{slot.name}.{place}.{name}"
        for slot, alternative, _ in _filled(space, configuration)
        for place, step in enumerate(alternative.steps)
        for name, domain in step.open
        if any(isinstance(part, IntRange | FloatRange) for part in _parts(domain))
    ]


def direction_of(names: list[str], rng: random.Random) -> dict[str, float]:
    """Return a random direction of length 1 over the named parameters; empty if there are none.

    Examples
    --------
    >>> direction = direction_of(["a", "b"], random.Random(0))
    >>> round(sum(part**2 for part in direction.values()), 6)
    1.0
    """
    drawn = [rng.gauss(0.0, 1.0) for _ in names]
    length = math.hypot(*drawn)
    return {name: part / length for name, part in zip(names, drawn, strict=True)} if length else {}


def moved(
    space: SearchSpace, configuration: Configuration, direction: Direction, step: float, rng: random.Random
) -> Configuration | None:
    """Return the configuration with its numbers moved by ``step`` widths of their domains along a direction.

    Parameters without order get another value now and then. None if the place is not in the space.
    """
    filled = _filled(space, configuration)
    if len(filled) < len(space.slots):
        return None
    chosen = []
    for slot, alternative, specs in filled:
        pairs = enumerate(zip(alternative.steps, specs, strict=True))
        chosen.append(
            (slot.name, tuple(_moved_step(f"{slot.name}.{i}", c, s, direction, step, rng) for i, (c, s) in pairs))
        )
    return _without_conflict(space, Configuration(tuple(chosen)))


def exchanged(space: SearchSpace, configuration: Configuration, rng: random.Random) -> Configuration | None:
    """Return the configuration with another alternative in one slot, not the model's; None if there is no other."""
    chosen = dict(configuration.choices)
    slots = [slot for slot in space.slots if slot is not model_slot(space) and len(slot.alternatives) > 1]
    if not slots:
        return None
    slot = rng.choice(slots)
    others = [
        a
        for a, why in compatible(space, slot, chosen)
        if why is None and a.weight > 0 and not a.admits(chosen[slot.name])
    ]
    if not others:
        return None
    alternative = rng.choices(others, [a.weight for a in others])[0]
    chosen[slot.name] = tuple(
        step.spec({name: sample_value(domain, rng) for name, domain in step.open}) for step in alternative.steps
    )
    return _without_conflict(space, Configuration(tuple((s.name, chosen[s.name]) for s in space.slots)))


def _without_conflict(space: SearchSpace, configuration: Configuration) -> Configuration | None:
    return configuration if conflict(configuration.steps, space.task) is None else None


def _filled(space: SearchSpace, configuration: Configuration) -> list[tuple[Slot, Alternative, tuple[StepSpec, ...]]]:
    """Return each slot with the alternative that a configuration has there; slots whose steps the space lacks are left out."""
    chosen = dict(configuration.choices)
    found = []
    for slot in space.slots:
        specs = chosen.get(slot.name, ())
        alternative = next((a for a in slot.alternatives if a.weight > 0 and a.admits(specs)), None)
        if alternative is not None:
            found.append((slot, alternative, specs))
    return found


def _moved_step(
    place: str, choice: StepChoice, spec: StepSpec, direction: Direction, step: float, rng: random.Random
) -> StepSpec:
    given, operator = dict(spec.params), operators.find(spec.operator)
    values: dict[str, Value] = {}
    for name, domain in choice.open:
        param = operator.param(name) if operator is not None else None
        value = given.get(name, param.default if param is not None else None)
        key = f"{place}.{name}"
        if key not in direction:
            values[name] = sample_value(domain, rng) if rng.random() < _OTHER_WORD else value
        else:
            values[name] = _moved_value(domain, value, step * direction[key], rng)
    legal = {name: value for name, value in values.items() if dict(choice.open)[name].contains(value)}
    return choice.spec(legal)


def _parts(domain: Domain) -> tuple[Domain, ...]:
    return domain.domains if isinstance(domain, AnyOf) else (domain,)


def _moved_value(domain: Domain, value: Value, by: float, rng: random.Random) -> Value:
    """Return a value moved by a share of its domain's width; one that is not in a range now and then enters it."""
    ranges = [part for part in _parts(domain) if isinstance(part, IntRange | FloatRange)]
    inside = next((part for part in ranges if part.contains(value)), None)
    if inside is None and any(part.contains(value) for part in _parts(domain)):
        return sample_value(domain, rng) if rng.random() < _OTHER_WORD else value
    around = inside or ranges[0]
    return value_at(around, min(1.0, max(0.0, place_of(around, value) + by)))


def place_of(domain: IntRange | FloatRange, value: Value) -> float:
    """Return where in a range a number is, from 0 to 1; the middle for what is no number.

    Examples
    --------
    >>> place_of(FloatRange(0.01, 1.0, log=True), 0.1)
    0.5
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or domain.low == domain.high:
        return 0.5
    number = min(float(domain.high), max(float(domain.low), float(value)))
    if domain.log:
        return math.log(number / domain.low) / math.log(domain.high / domain.low)
    return (number - domain.low) / (domain.high - domain.low)


def value_at(domain: IntRange | FloatRange, place: float) -> Value:
    """Return the number at a place of a range, from 0 to 1.

    Examples
    --------
    >>> value_at(IntRange(50, 600, log=True), 1.0), value_at(FloatRange(0.0, 2.0), 0.25)
    (600, 0.5)
    """
    if domain.log:
        number = domain.low * math.exp(place * math.log(domain.high / domain.low))
    else:
        number = domain.low + place * (domain.high - domain.low)
    if isinstance(domain, IntRange):
        return min(domain.high, max(domain.low, round(number)))
    return float(f"{min(float(domain.high), max(float(domain.low), number)):.4g}")
