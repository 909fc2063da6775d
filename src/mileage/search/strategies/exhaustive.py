"""Every point of a finite space, in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Self

from mileage.core.reasons import Reason
from mileage.errors import OperatorError
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration, conflict


class Exhaustive(Strategy):
    """List a finite space: right for a fully fixed workflow and for small grids."""

    name = "exhaustive"
    _points: Iterator[Configuration]

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy.

        Raises
        ------
        OperatorError
            If the space has no end.
        """
        if context.space.size() == math.inf:
            message = "the strategy 'exhaustive' lists a finite space, and this one has a parameter without steps"
            raise OperatorError(message, hint="give each open parameter a set, such as C IN {0.1, 1, 10}")
        fresh = type(self)()
        fresh._points = _all(context)
        return fresh

    def ask(self) -> Proposal | None:
        """Return the next point."""
        point = next(self._points, None)
        return None if point is None else Proposal(point, Reason("a point of the space you wrote", "user"), share=1.0)

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn nothing: the order is fixed."""


def _all(context: SearchContext) -> Iterator[Configuration]:
    space = context.space
    for point in space.points():
        configuration = Configuration(tuple(zip((slot.name for slot in space.slots), point, strict=True)))
        if conflict(configuration.steps, space.task) is None:
            yield configuration


EXHAUSTIVE = Exhaustive()
