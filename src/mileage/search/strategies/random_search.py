"""Independent random points (Bergstra & Bengio 2012)."""

from __future__ import annotations

import random
from typing import Self

from mileage.core.reasons import Reason
from mileage.search.sampling import random_configuration
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration

_TRIES = 200


class RandomSearch(Strategy):
    """Draw points at random; weights of alternatives are their odds."""

    name = "random"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy."""
        fresh = type(self)()
        fresh._context = context
        fresh._rng = random.Random(context.seed)
        fresh._seen = set()
        return fresh

    def ask(self) -> Proposal | None:
        """Return a point not seen before, or None if 200 draws found none."""
        for _ in range(_TRIES):
            drawn = random_configuration(self._context.space, self._rng)
            if drawn is not None and drawn.digest not in self._seen:
                self._seen.add(drawn.digest)
                return Proposal(drawn, Reason("drawn at random from the space", "strategy"))
        return None

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn only that the point is known."""
        del loss
        self._seen.add(configuration.digest)

    _context: SearchContext
    _rng: random.Random
    _seen: set[str]


RANDOM = RandomSearch()
