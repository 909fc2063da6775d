"""Companions of a configuration: others that differ from it only in what its model reads last, so that they cost little beside it.

One fit of boosted trees holds those of fewer rounds, one search of neighbors answers for all numbers of them, and ridges of all
penalties are told from the same sums. So a search that asks for such values together learns where the best one is, which for
rounds is what early stopping is for, without a row that is scored having a say in the fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mileage.core.domains import Domain, FloatRange, IntRange, Value
from mileage.operators import Operator, operators
from mileage.operators.base import Rng
from mileage.operators.together import Fused, Together
from mileage.search.moves import place_of, value_at
from mileage.search.sampling import model_slot
from mileage.space import Configuration, SearchSpace

_STEP = 1 / 6  # of the width of a domain
_SMALLER, _AROUND = (-1, -2), (-1, 1)  # steps to companions


def companions(space: SearchSpace, configuration: Configuration) -> tuple[Configuration, ...]:
    """Return the companions of a configuration that the space has, of which each costs much less than the configuration does.

    Examples
    --------
    >>> from mileage.core.reasons import Reason
    >>> from mileage.operators import StepSpec
    >>> from mileage.space import Alternative, Slot, StepChoice
    >>> choice = StepChoice("ridge", (), (("alpha", FloatRange(1e-3, 1e3, log=True)),))
    >>> space = SearchSpace((Slot("model", (Alternative((choice,)),)),), "regression")
    >>> made = companions(space, Configuration((("model", (StepSpec.of("ridge", alpha=1.0),)),)))
    >>> [str(configuration) for configuration in made]
    ['ridge(alpha = 0.1)', 'ridge(alpha = 10.0)']
    """
    operator = operators.find(configuration.model.operator)
    name = _read_last(operator)
    if operator is None or name is None:
        return ()
    params = operator.complete(dict(configuration.model.params))
    domain, value = _domain(space, configuration, name), params[name]
    is_alone = isinstance(operator, Fused) and not operator.can_fuse(params)
    if is_alone or not isinstance(domain, IntRange | FloatRange) or not isinstance(value, int | float):
        return ()
    steps = _SMALLER if _grows(operator, name) else _AROUND
    return tuple(_with(configuration, name, other) for other in dict.fromkeys(_values(domain, value, steps)))


def kin(configuration: Configuration) -> Configuration:
    """Return what a configuration and its companions have in common.

    Examples
    --------
    >>> from mileage.operators import StepSpec
    >>> str(kin(Configuration((("model", (StepSpec.of("knn", n_neighbors=5, weights="uniform"),)),))))
    "knn(weights = 'uniform')"
    """
    name = _read_last(operators.find(configuration.model.operator))
    return configuration if name is None else _with(configuration, name)


def rounds_of(configuration: Configuration) -> float | None:
    """Return the rounds of a boosted model, None of another one.

    Examples
    --------
    >>> from mileage.operators import StepSpec
    >>> made = [StepSpec.of("lightgbm"), StepSpec.of("random_forest"), StepSpec.of("hist_gbm", max_iter=300)]
    >>> [rounds_of(Configuration((("model", (step,)),))) for step in made]
    [100, None, 300]
    """
    operator = operators.find(configuration.model.operator)
    name = _read_last(operator)
    if operator is None or name is None or not _grows(operator, name):
        return None
    value = operator.complete(dict(configuration.model.params))[name]
    return value if isinstance(value, int | float) else None


def grown(space: SearchSpace, configuration: Configuration) -> Configuration | None:
    """Return a boosted configuration with more rounds, two steps further than its companions go back; None if the space has none.

    Examples
    --------
    >>> from mileage.operators import StepSpec
    >>> from mileage.space import Alternative, Slot, StepChoice
    >>> choice = StepChoice("lightgbm", (), (("n_estimators", IntRange(50, 2000, log=True)),))
    >>> space = SearchSpace((Slot("model", (Alternative((choice,)),)),), "binary")
    >>> str(grown(space, Configuration((("model", (StepSpec.of("lightgbm", n_estimators=200),)),))))
    'lightgbm(n_estimators = 684)'
    """
    rounds, name = rounds_of(configuration), _read_last(operators.find(configuration.model.operator))
    domain = _domain(space, configuration, name) if name is not None else None
    if rounds is None or name is None or not isinstance(domain, IntRange | FloatRange):
        return None
    more = value_at(domain, min(1.0, place_of(domain, rounds) + 2 * _STEP))
    return _with(configuration, name, more) if isinstance(more, int | float) and more > rounds else None


def _read_last(operator: Operator | None) -> str | None:
    """Return the parameter of a model with many values of which it is fitted at once; None if there is none that is worth it."""
    if isinstance(operator, Together | Fused):
        return operator.together
    late = operator.late if operator is not None else ()
    return next((one.name for one in late if not (one.grows and _averages(operator))), None)


def _averages(operator: Operator | None) -> bool:
    """Say whether parts of a model err less the more of them there are, so that fewer are never better: trees of a forest."""
    return operator is not None and operator.traits.rng is Rng.PREFIX_STABLE


def _grows(operator: Operator, name: str) -> bool:
    return any(one.name == name and one.grows for one in operator.late)


def _domain(space: SearchSpace, configuration: Configuration, name: str) -> Domain | None:
    """Return the open values of a parameter of the model, None if the space has it fixed."""
    specs = configuration.choices[-1][1]
    alternative = next((a for a in model_slot(space).alternatives if a.weight > 0 and a.admits(specs)), None)
    return dict(alternative.steps[-1].open).get(name) if alternative is not None else None


def _values(domain: IntRange | FloatRange, value: float, steps: tuple[int, ...]) -> Iterator[Value]:
    place = place_of(domain, value)
    for step in steps:
        other = value_at(domain, min(1.0, max(0.0, place + step * _STEP)))
        if other != value and domain.contains(other):
            yield other


def _with(configuration: Configuration, name: str, *values: Value) -> Configuration:
    """Return a configuration whose model has another value of a parameter, or does not say which."""
    slot, specs = configuration.choices[-1]
    given = [(key, value) for key, value in specs[-1].params if key != name] + [(name, value) for value in values]
    model = replace(specs[-1], params=tuple(sorted(given)))
    return Configuration((*configuration.choices[:-1], (slot, (*specs[:-1], model))))
