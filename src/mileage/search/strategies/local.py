"""Local search around the best so far: a small move of all numbers of a workflow, or another step in one place of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Self

from mileage.core.reasons import Reason
from mileage.search.moves import direction_of, exchanged, moved, numbers_of
from mileage.search.strategies.random_search import RANDOM, RandomSearch
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration

_TRIES = 30
_WORTH = (4.0, 2.0, 1.0)  # how often a move starts from the best model, the second best, the third
_STEP, _SHRINK, _GROW, _LEAST = 0.3, 0.7, 1.3, 0.03  # of the width of a domain
_EXCHANGE = 0.3  # how often a step is exchanged, and the numbers stay


@dataclass
class _Start:
    """The best configuration of one model, and how the next move from it goes."""

    configuration: Configuration
    loss: float
    step: float = _STEP
    back: dict[str, float] = field(default_factory=dict)  # opposite of a direction that was no gain


@dataclass(frozen=True)
class _Move:
    model: str
    direction: dict[str, float]
    is_back: bool


class Local(Strategy):
    """Randomised direct search from the best configurations of the best models (Wu, Wang and Huang 2021, FLOW2).

    A random direction is tried, then the opposite one if it was no gain; steps shrink while nothing is gained. Several models are
    starting points, since mixed they make a better answer than one family does.
    """

    name = "local"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy."""
        fresh = type(self)()
        fresh._context, fresh._rng = context, random.Random(context.seed)
        fresh._random = RANDOM.begin(context)
        fresh._starts, fresh._moves, fresh._seen = {}, {}, set()
        return fresh

    def ask(self) -> Proposal | None:
        """Return a neighbour of one of the best; a random point where there is none or all are known."""
        for _ in range(_TRIES if self._starts else 0):
            start = self._pick()
            drawn, move = self._neighbour(start)
            if drawn is not None and drawn.digest not in self._seen:
                self._seen.add(drawn.digest)
                self._random.tell(drawn, None)
                self._moves[drawn.digest] = move
                return Proposal(drawn, Reason(f"near the best {move.model} so far", "strategy"))
        anywhere = self._random.ask()
        if anywhere is not None:
            self._seen.add(anywhere.configuration.digest)
        return anywhere

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn a loss: a gain is the new start, after two opposite moves without one the steps get smaller."""
        self._seen.add(configuration.digest)
        self._random.tell(configuration, loss)
        move = self._moves.pop(configuration.digest, None)
        model = configuration.model.operator
        start = self._starts.get(model)
        if loss is not None and (start is None or loss < start.loss):
            step = start.step * _GROW if start is not None and move is not None else _STEP
            self._starts[model] = _Start(configuration, loss, min(_STEP, step))
        elif start is not None and move is not None and move.direction:
            if move.is_back:
                start.step = max(_LEAST, start.step * _SHRINK)
            else:
                start.back = {name: -part for name, part in move.direction.items()}

    def _pick(self) -> _Start:
        best = sorted(self._starts.values(), key=lambda start: (start.loss, start.configuration.digest))[: len(_WORTH)]
        return self._rng.choices(best, _WORTH[: len(best)])[0]

    def _neighbour(self, start: _Start) -> tuple[Configuration | None, _Move]:
        space, rng, model = self._context.space, self._rng, start.configuration.model.operator
        names = numbers_of(space, start.configuration)
        if not names or rng.random() < _EXCHANGE:
            return exchanged(space, start.configuration, rng), _Move(model, {}, is_back=False)
        direction, is_back = start.back or direction_of(names, rng), bool(start.back)
        start.back = {}
        return moved(space, start.configuration, direction, start.step, rng), _Move(model, direction, is_back)

    _context: SearchContext
    _rng: random.Random
    _random: RandomSearch
    _starts: dict[str, _Start]
    _moves: dict[str, _Move]
    _seen: set[str]


LOCAL = Local()
