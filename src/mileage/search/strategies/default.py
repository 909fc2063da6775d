"""What runs when the query does not say: list a small space, else portfolio, then TPE."""

from __future__ import annotations

from typing import Self

from mileage.search.strategies.exhaustive import EXHAUSTIVE
from mileage.search.strategies.portfolio import PORTFOLIO
from mileage.search.strategies.tpe import TPE
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration

SMALL_SPACE = 24


class Default(Strategy):
    """Chain strategies: each one is asked until it has nothing left, all are told everything."""

    name = "default"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh chain for this space."""
        fresh = type(self)()
        small = context.space.size() <= SMALL_SPACE
        fresh._chain = [s.begin(context) for s in ((EXHAUSTIVE,) if small else (PORTFOLIO, TPE))]
        fresh._proposed = set()
        return fresh

    def ask(self) -> Proposal | None:
        """Return the first proposal that is new."""
        while self._chain:
            proposal = self._chain[0].ask()
            if proposal is None:
                self._chain.pop(0)
            elif proposal.configuration.digest not in self._proposed:
                self._proposed.add(proposal.configuration.digest)
                return proposal
        return None

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Tell all strategies that are still to be asked."""
        for strategy in self._chain:
            strategy.tell(configuration, loss)

    _chain: list[Strategy]
    _proposed: set[str]


DEFAULT = Default()
