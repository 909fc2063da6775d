"""What a search has saved by computing each piece of work once: what its trials would have taken alone, and what was computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mileage.core.fingerprint import Fingerprint
from mileage.core.units import format_seconds
from mileage.optimizer import Evaluation, Part

_WORTH_S, _WORTH = 1.0, 1.2  # seconds, and a ratio, below which nothing is said


@dataclass
class Reuse:
    """Seconds of computing, as they were measured.

    ``alone_s`` is what the trials would have taken one by one: of a fit that was cut from another one, or made with others, its share.

    Examples
    --------
    >>> Reuse(alone_s=40.0, computed_s=5.0).text
    'one by one the workflows would have taken 40.0 s of computing; it was 5.00 s, 8.0 times less'
    """

    alone_s: float = 0.0
    computed_s: float = 0.0
    _known: dict[Fingerprint, float] = field(default_factory=dict)

    def add(
        self,
        evaluation: Evaluation,
        seconds: Mapping[Fingerprint, float],
        shares: Mapping[Fingerprint, tuple[Part, ...]],
    ) -> dict[Fingerprint, float]:
        """Take in a trial: what was computed for it, and the shares that its tasks have in others; return the seconds of these."""
        self.computed_s += sum(s for name, s in seconds.items() if name not in self._known)
        self._known |= seconds
        parts = {
            name: sum(share * self._known.get(whole, 0.0) for whole, share in given) for name, given in shares.items()
        }
        names = [task.fingerprint for task in evaluation.tasks]
        self.alone_s += sum(self._known.get(name, 0.0) + parts.get(name, 0.0) for name in names)
        return parts

    @property
    def text(self) -> str:
        """What is said at the end of a run; nothing where little was saved."""
        if self.alone_s - self.computed_s < _WORTH_S or self.alone_s < _WORTH * self.computed_s:
            return ""
        alone, computed = format_seconds(self.alone_s), format_seconds(self.computed_s)
        times = self.alone_s / max(self.computed_s, 1e-9)
        return (
            f"one by one the workflows would have taken {alone} of computing; it was {computed}, {times:.1f} times less"
        )

    @property
    def summary(self) -> dict[str, float]:
        """What a run keeps of it."""
        return {"alone_s": round(self.alone_s, 3), "computed_s": round(self.computed_s, 3)}
