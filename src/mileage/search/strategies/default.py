"""What runs when the query does not say: list a small space, else portfolio, then local search and TPE in turn.

What did well on tables like this comes before all of these, then models whose loss still falls with their rounds, with more rounds.
Where a table nearly the same was searched before, what its answer was made of comes first and then more rounds; and curated configurations, which
were tried there, and search around the best take turns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Self

from mileage.search.growth import Growth
from mileage.search.known import known_proposals
from mileage.search.strategies.exhaustive import EXHAUSTIVE
from mileage.search.strategies.local import LOCAL
from mileage.search.strategies.portfolio import PORTFOLIO
from mileage.search.strategies.tpe import TPE
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration

SMALL_SPACE = 24
_TURN = 4  # every so many-th guided proposal is TPE's, which also looks far from the best; the others are local


class Default(Strategy):
    """Take the curated configurations first, then search around the best; all parts are told everything."""

    name = "default"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh chain for this space."""
        fresh = type(self)()
        small = context.space.size() <= SMALL_SPACE
        near = tuple(known for known in context.known if known.weight)
        fresh._answer = deque(known_proposals(replace(context, known=near)))
        fresh._known = deque(known_proposals(context))
        fresh._first = EXHAUSTIVE.begin(context) if small else PORTFOLIO.begin(replace(context, known=()))
        fresh._guided = () if small else tuple(s.begin(context) for s in (LOCAL, TPE))
        fresh._growth = None if small else Growth(context.space)
        fresh._is_near = bool(near)
        fresh._proposed, fresh._turn, fresh._n_after = set(), 0, 0
        return fresh

    def ask(self) -> Proposal | None:
        """Return the first proposal that is new."""
        while (proposal := self._next()) is not None:
            if proposal.configuration.digest not in self._proposed:
                self._proposed.add(proposal.configuration.digest)
                return proposal
        return None

    def _next(self) -> Proposal | None:
        if self._answer:
            return self._answer.popleft()
        if not (self._known and not self._is_near) and (more := self._more()) is not None:
            return more
        if self._known:
            return self._known.popleft()
        self._n_after += 1
        around = self._in_turn() if self._is_near and self._n_after % 2 else None
        return around or self._first.ask() or self._in_turn()

    def _more(self) -> Proposal | None:
        return self._growth.ask() if self._growth is not None else None

    def _in_turn(self) -> Proposal | None:
        if not self._guided:
            return None
        self._turn += 1
        local, far = self._guided
        first, second = (far, local) if self._turn % _TURN == 0 else (local, far)
        return first.ask() or second.ask()

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Tell all parts."""
        for strategy in (self._first, *self._guided):
            strategy.tell(configuration, loss)
        if self._growth is not None:
            self._growth.tell(configuration, loss)

    _answer: deque[Proposal]  # of what the answer on a table nearly the same was made
    _known: deque[Proposal]
    _growth: Growth | None
    _first: Strategy
    _guided: tuple[Strategy, ...]
    _proposed: set[str]
    _is_near: bool
    _turn: int
    _n_after: int


DEFAULT = Default()
