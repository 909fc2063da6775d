"""More rounds where the most that were tried did best: early stopping looks ahead, this looks back.

A model that is boosted for too few rounds is told by its companions: the loss still falls from fewer rounds to more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mileage.core.fingerprint import Fingerprint
from mileage.core.reasons import Reason
from mileage.search.companions import grown, kin, rounds_of
from mileage.search.strategy import Proposal
from mileage.space import Configuration, SearchSpace

_STILL = 0.3  # of what the rounds before have gained: the last ones gained no less
_SHARE = 0.3  # of a budget of time is what they are worth
_REST = 2.0  # times the last gain is what still more rounds may gain


@dataclass
class _Curve:
    """The losses of a model by its rounds."""

    points: dict[float, tuple[float, Configuration]] = field(default_factory=dict)

    def most(self) -> Configuration:
        """Return the configuration with the most rounds."""
        return self.points[max(self.points)][1]

    def reaches(self) -> float | None:
        """Return the loss that more rounds may reach; None where the loss does not fall any more, or nobody can tell."""
        losses = [self.points[rounds][0] for rounds in sorted(self.points)][-3:]
        if len(losses) < 3:
            return None
        before, last = losses[0] - losses[1], losses[1] - losses[2]
        return losses[2] - _REST * last if last > 0 and last >= _STILL * before else None


class Growth:
    """Proposes more rounds, each number of them once.

    Parameters
    ----------
    space : SearchSpace
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._curves: dict[Fingerprint, _Curve] = {}
        self._best = float("inf")
        self._grown: set[Fingerprint] = set()

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn a loss."""
        rounds = rounds_of(configuration)
        if loss is None:
            return
        self._best = min(self._best, loss)
        if rounds is not None:
            curve = self._curves.setdefault(kin(configuration).digest, _Curve())
            curve.points[rounds] = (loss, configuration)

    def ask(self) -> Proposal | None:
        """Return a model that may be the best one with more rounds, with these; the one that may become best first."""
        found = [(reach, curve) for curve in self._curves.values() if (reach := curve.reaches()) is not None]
        for reach, curve in sorted(found, key=lambda pair: pair[0]):
            if reach >= self._best:
                return None
            more = grown(self._space, curve.most())
            if more is not None and more.digest not in self._grown:
                self._grown.add(more.digest)
                return Proposal(more, Reason("more rounds, since the last ones still helped", "strategy"), _SHARE)
        return None
