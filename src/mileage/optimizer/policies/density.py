"""Keep what saves most seconds per byte, given what else is kept: the default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known
from mileage.optimizer.policies.policy import Policy

_REUSE = 0.7  # reads over the next versions, where nothing is known
_AGING = 0.6  # of the chance to go back, with every version further back
_SURE = 1e12  # small results leave after all others


@dataclass(frozen=True)
class Density(Policy):
    """Expected seconds saved per byte: P(reuse) x (marginal recompute - load) / bytes.

    A superseded result is read again if its change is undone: the chance of that counts 0.6 as much with every version. Where
    ``learned``, how often a result will be read again comes from what was changed before; else it is the same for all; ``trust`` is the weight of what was
    learned against that. The figures were chosen on the ladder of ``benchmarks/policies.py``.
    """

    name: ClassVar[str] = "density"
    aging: float = _AGING
    learned: bool = True
    trust: float = 0.75

    def wants(self, known: Known, task: str) -> bool:
        """Yes, if it will save more than it costs to write, or is small."""
        item = known.items[task]
        return known.is_small(task) or self._reuse(known, task) * self._saved_s(known, task) > item.write_s

    def score(self, known: Known, task: str) -> float:
        """Return the expected seconds saved per byte."""
        item = known.items[task]
        worth = self._reuse(known, task) * max(0.0, self._saved_s(known, task)) / max(1, item.room_bytes)
        return float(worth + (_SURE * self.aging**item.age if known.is_small(task) else 0.0))

    def _reuse(self, known: Known, task: str) -> float:
        item = known.items[task]
        if item.age:
            return float(known.undo * self.aging ** (item.age - 1))
        learned = self.trust if self.learned else 0.0
        return (learned * item.reuse + (1 - learned) * _REUSE) * float((1 + item.hits + item.misses) ** 0.25)

    def _saved_s(self, known: Known, task: str) -> float:
        return known.again_s(task) - known.items[task].load_s


density = Density()
