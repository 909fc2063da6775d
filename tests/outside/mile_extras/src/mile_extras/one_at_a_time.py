"""``one_at_a_time``: from the best point so far, one slot is drawn anew."""

import random
from typing import Self

from mileage.core.reasons import Reason
from mileage.search import Proposal, SearchContext, Strategy
from mileage.search.sampling import random_configuration
from mileage.space import Configuration, conflict

_TRIES = 200


class OneAtATime(Strategy):
    """Change one slot of the best configuration so far; draw a whole one where that gives nothing new."""

    name = "one_at_a_time"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy; this one is only the pattern."""
        fresh = type(self)()
        fresh._context, fresh._rng = context, random.Random(context.seed)
        fresh._seen, fresh._best, fresh._ended = set(), None, False
        return fresh

    def ask(self) -> Proposal | None:
        """Return the next configuration, or None when 200 draws in a row gave nothing new."""
        for i in range(0 if self._ended else _TRIES):
            drawn = random_configuration(self._context.space, self._rng)
            near = self._near(drawn) if drawn is not None and i < _TRIES // 2 else drawn
            if near is not None and near.digest not in self._seen:
                self._seen.add(near.digest)
                return Proposal(near, Reason("one slot from the best so far", "strategy"))
        self._ended = True
        return None

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Remember the best; None is a trial that failed."""
        self._seen.add(configuration.digest)
        if loss is not None and (self._best is None or loss < self._best[0]):
            self._best = (loss, configuration)

    def _near(self, drawn: Configuration) -> Configuration | None:
        if self._best is None or [slot for slot, _ in self._best[1].choices] != [slot for slot, _ in drawn.choices]:
            return drawn
        choices = list(self._best[1].choices)
        changed = self._rng.randrange(len(choices))
        choices[changed] = drawn.choices[changed]
        made = Configuration(tuple(choices))
        fits = self._context.space.admits(made.choices) and conflict(made.steps, self._context.space.task) is None
        return made if fits else None


ONE_AT_A_TIME = OneAtATime()
