"""Local search: moves stay in the space, go out from the best, and shrink while nothing is gained."""

from __future__ import annotations

import math
import random

import pytest

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators import StepSpec
from mileage.search import SearchContext, strategies
from mileage.search.moves import direction_of, exchanged, moved, numbers_of, place_of, value_at
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice

C = FloatRange(1e-3, 1e3, log=True)


def space() -> SearchSpace:
    """Return a space with one model of one number, and a scale."""
    scale = tuple(Alternative((StepChoice(name),)) for name in ("none", "standard"))
    return SearchSpace(
        (Slot("scale", scale), Slot("model", (Alternative((StepChoice("logistic", (), (("C", C),)),)),))), "binary"
    )


def point(c: float) -> Configuration:
    """Return a configuration of the space."""
    return Configuration((("scale", (StepSpec("none"),)), ("model", (StepSpec.of("logistic", C=c),))))


@pytest.mark.parametrize("domain", [C, FloatRange(-2.0, 5.0), IntRange(1, 9), IntRange(50, 2000, log=True)])
def test_places_and_values_are_inverse(domain: FloatRange | IntRange) -> None:
    for place in (0.0, 0.25, 0.5, 1.0):
        value = value_at(domain, place)
        assert domain.contains(value)
        assert place_of(domain, value) == pytest.approx(place, abs=0.1 if isinstance(domain, IntRange) else 1e-3)


def test_a_move_goes_along_its_direction() -> None:
    rng = random.Random(0)
    names = numbers_of(space(), point(1.0))
    assert names == ["model.0.C"]
    up = moved(space(), point(1.0), {"model.0.C": 1.0}, 0.25, rng)
    down = moved(space(), point(1.0), {"model.0.C": -1.0}, 0.25, rng)
    assert up is not None
    assert down is not None
    assert dict(up.model.params)["C"] == pytest.approx(10**1.5, rel=1e-3)
    assert dict(down.model.params)["C"] == pytest.approx(10**-1.5, rel=1e-3)
    assert moved(space(), point(1e3), {"model.0.C": 1.0}, 0.5, rng) == point(1e3), "the border holds"


def test_an_exchange_keeps_the_model() -> None:
    other = exchanged(space(), point(3.0), random.Random(0))
    assert other is not None
    assert (other.steps[0].operator, other.model) == ("standard", point(3.0).model)
    alone = SearchSpace(space().slots[1:], "binary")
    assert exchanged(alone, Configuration(point(3.0).choices[1:]), random.Random(0)) is None


def test_a_direction_has_length_one_and_none_has_no_direction() -> None:
    assert math.hypot(*direction_of(list("abc"), random.Random(1)).values()) == pytest.approx(1)
    assert direction_of([], random.Random(1)) == {}


def test_it_finds_the_bottom_of_a_valley() -> None:
    loss = lambda c: abs(math.log10(float(dict(c.model.params)["C"])) - 1.2)  # noqa: E731
    local = strategies.get("local").begin(SearchContext(space(), seed=1))
    local.tell(point(0.01), loss(point(0.01)))
    best = loss(point(0.01))
    for _ in range(40):
        proposal = local.ask()
        assert proposal is not None
        local.tell(proposal.configuration, loss(proposal.configuration))
        best = min(best, loss(proposal.configuration))
    assert best < 0.1
    rng = random.Random(1)
    drawn = min(abs(rng.uniform(-3, 3) - 1.2) for _ in range(10))
    assert best < max(drawn, 0.1)


def test_a_failed_start_is_no_start() -> None:
    local = strategies.get("local").begin(SearchContext(space(), seed=1))
    local.tell(point(0.01), None)
    proposal = local.ask()
    assert proposal is not None
    assert str(proposal.reason) == "drawn at random from the space"


def test_words_are_kept_or_exchanged() -> None:
    choice = StepChoice("logistic", (), (("C", C), ("penalty", OneOf(("l1", "l2")))))
    one = SearchSpace((Slot("model", (Alternative((choice,)),)),), "binary")
    start = Configuration((("model", (StepSpec.of("logistic", C=1.0, penalty="l1"),)),))
    rng = random.Random(0)
    seen = {
        dict(m.model.params)["penalty"] for _ in range(40) if (m := moved(one, start, {"model.0.C": 1.0}, 0.1, rng))
    }
    assert seen == {"l1", "l2"}
