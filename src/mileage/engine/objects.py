"""Values that live in this process, held to a budget: the oldest go to disk when they are too many."""

from __future__ import annotations

from mileage.engine.backend import Located, Place
from mileage.engine.scratch import Store
from mileage.workflow.task import Port


class Objects:
    """The sizes of the values of this process; ``located`` says where each value is, and is changed on a move."""

    def __init__(self, located: dict[Port, Located], scratch: Store, budget_bytes: int) -> None:
        self._located, self._scratch, self._budget_bytes = located, scratch, budget_bytes
        self._sizes: dict[Port, int] = {}
        self._total = 0

    def add(self, port: Port, located: Located) -> None:
        """Count a value, and move the oldest ones to disk while there are too many."""
        self._sizes[port] = located.size
        self._total += located.size
        while self._total > self._budget_bytes and len(self._sizes) > 1:
            oldest = next(iter(self._sizes))
            self.forget(oldest)
            size = self._scratch.put(oldest.key, self._located[oldest].value)
            self._located[oldest] = Located(oldest.key, Place.SCRATCH, None, size)

    def forget(self, port: Port) -> None:
        """Count a value no longer: it was written out."""
        self._total -= self._sizes.pop(port, 0)
