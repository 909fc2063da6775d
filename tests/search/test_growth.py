"""More rounds are tried where the loss still falls, and nowhere else."""

from __future__ import annotations

import pytest

from mileage.core.domains import IntRange
from mileage.core.reasons import Reason
from mileage.operators import StepSpec
from mileage.search import Known, SearchContext, strategies
from mileage.search.growth import Growth
from mileage.space import Alternative, Configuration, SearchSpace, Slot, StepChoice

ROUNDS = IntRange(50, 2000, log=True)


def space() -> SearchSpace:
    """Return a space with one boosted model, which has a second parameter."""
    leaves = IntRange(4, 256, log=True)
    choice = StepChoice("lightgbm", (), (("n_estimators", ROUNDS), ("num_leaves", leaves)))
    return SearchSpace((Slot("model", (Alternative((choice,)),)),), "binary")


def point(rounds: int, leaves: int = 31) -> Configuration:
    """Return a configuration of the space."""
    return Configuration((("model", (StepSpec.of("lightgbm", n_estimators=rounds, num_leaves=leaves),)),))


def asked(losses: dict[int, float], *, best: float = 1.0) -> int | None:
    """Return the rounds that are proposed after these losses of some rounds."""
    growth = Growth(space())
    growth.tell(point(50, 4), best)
    for rounds, loss in losses.items():
        growth.tell(point(rounds), loss)
    proposal = growth.ask()
    return None if proposal is None else dict(proposal.configuration.model.params)["n_estimators"]  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("losses", "more"),
    [
        ({200: 0.30, 108: 0.34, 58: 0.40}, 684),
        ({200: 0.30, 108: 0.34}, None),  # two say little
        ({200: 0.36, 108: 0.34, 58: 0.40}, None),  # too many already
        ({200: 0.339, 108: 0.34, 58: 0.40}, None),  # nearly all is gained
        ({2000: 0.30, 1082: 0.34, 585: 0.40}, None),  # the space ends there
        ({1200: 0.30, 649: 0.34, 351: 0.40}, 2000),
    ],
)
def test_more_rounds_where_the_last_ones_helped(losses: dict[int, float], more: int | None) -> None:
    assert asked(losses) == more


def test_what_cannot_become_the_best_does_not_grow() -> None:
    losses = {200: 0.30, 108: 0.34, 58: 0.40}
    assert asked(losses, best=0.23) == 684  # it may reach 0.22
    assert asked(losses, best=0.21) is None


def test_each_grows_once() -> None:
    growth = Growth(space())
    for rounds, loss in {200: 0.30, 108: 0.34, 58: 0.40}.items():
        growth.tell(point(rounds), loss)
    assert growth.ask() is not None
    assert growth.ask() is None
    growth.tell(point(684), 0.27)
    growth.tell(point(370), 0.28)
    following = growth.ask()
    assert following is not None
    assert dict(following.configuration.model.params) == {"n_estimators": 2000, "num_leaves": 31}


def test_a_search_grows_before_it_goes_on() -> None:
    strategy = strategies.get("default").begin(SearchContext(space()))
    first = strategy.ask()
    assert first is not None
    for rounds, loss in {200: 0.30, 108: 0.34, 58: 0.40}.items():
        strategy.tell(point(rounds), loss)
    proposal = strategy.ask()
    assert proposal is not None
    assert "more rounds" in proposal.reason.text
    assert proposal.configuration == point(684)


@pytest.mark.parametrize("near", [True, False])
def test_of_what_is_known_only_what_an_answer_was_made_of_comes_before_more_rounds(near: bool) -> None:
    known = (
        Known({"model": point(200).model}, Reason("was the answer", "knowledge"), weight=float(near)),
        Known({"model": point(200, 15).model}, Reason("did well", "knowledge")),
    )
    strategy = strategies.get("default").begin(SearchContext(space(), known=known))
    first = strategy.ask()
    for rounds, loss in {200: 0.30, 108: 0.34, 58: 0.40}.items():
        strategy.tell(point(rounds), loss)
    told = [proposal.reason.text for proposal in (first, strategy.ask(), strategy.ask()) if proposal is not None]
    more = next(text for text in told if "more rounds" in text)
    assert told == (["was the answer", more, "did well"] if near else ["was the answer", "did well", more])


def test_where_a_table_nearly_the_same_was_searched_before_search_around_the_best_does_not_wait() -> None:
    known = (Known({"model": point(200).model}, Reason("was the answer", "knowledge"), weight=1.0),)
    strategy = strategies.get("default").begin(SearchContext(space(), known=known))
    assert strategy.ask() is not None
    strategy.tell(point(200), 0.3)
    reasons = [proposal.reason.text for _ in range(4) if (proposal := strategy.ask()) is not None]
    assert ["near the best" in text for text in reasons] == [True, False, True, False]
