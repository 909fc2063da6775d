"""Every registered strategy keeps the laws of its contract, and the suite finds those that do not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mileage.errors import OperatorError
from mileage.search import SearchContext, Strategy, strategies
from mileage.search.strategies.random_search import RandomSearch
from mileage.space import Configuration
from mileage.testing import check_strategy
from mileage.testing.strategies import endless_space


@pytest.mark.parametrize("name", strategies.names())
def test_the_strategy_keeps_its_laws(name):
    check_strategy(strategies.get(name))


class Repeats(RandomSearch):
    """Propose the first point for ever."""

    def ask(self) -> Any:
        self._first = getattr(self, "_first", None) or super().ask()
        return self._first


class Restless(RandomSearch):
    """Take what the process draws."""

    def begin(self, context: SearchContext) -> Any:
        begun = super().begin(context)
        begun._rng = random.Random(random.random())
        return begun


class Fragile(RandomSearch):
    """Fall over what has failed."""

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        super().tell(configuration, loss + 0.0)


class Elsewhere(RandomSearch):
    """Leave the space."""

    def ask(self) -> Any:
        from dataclasses import replace

        from mileage.operators import StepSpec

        found = super().ask()
        if found is None:
            return None
        return replace(
            found, configuration=Configuration((*found.configuration.choices[:-1], ("model", (StepSpec("knn"),))))
        )


class Shared(RandomSearch):
    """Search in the template."""

    def begin(self, context: SearchContext) -> Any:
        self._context, self._rng, self._seen = context, random.Random(context.seed), set()
        return self


class Revived(RandomSearch):
    """Go on after the end."""

    def ask(self) -> Any:
        found = super().ask()
        if found is None:
            self._seen = set()
        return found


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Repeats, "proposed twice"),
        (Restless, "two searches with one seed differ"),
        (Elsewhere, "no point of the space"),
        (Shared, "the template itself"),
        (Revived, "after the end it proposes again"),
    ],
)
def test_a_broken_law_is_named(kind, why):
    with pytest.raises(AssertionError, match=why):
        check_strategy(kind())


def test_a_strategy_that_fails_on_failed_trials_is_found():
    with pytest.raises(TypeError):
        check_strategy(Fragile())


def test_exhaustive_refuses_a_space_without_an_end():
    with pytest.raises(OperatorError, match="lists a finite space"):
        strategies.get("exhaustive").begin(SearchContext(endless_space()))


def test_every_strategy_is_one():
    assert all(isinstance(strategy, Strategy) for strategy in strategies)
