"""The budget of one run as a clock: everything up to the printed answer is inside."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_ANSWER_SHARE, _ANSWER_MIN_S = 0.02, 0.25


@dataclass
class Clock:
    """Seconds since the run began, and what is left; ``seconds`` None is no limit."""

    seconds: float | None = None
    started_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started_s

    @property
    def left_s(self) -> float | None:
        """Seconds until the answer must be there, a margin for printing it taken off; None without a limit."""
        if self.seconds is None:
            return None
        return self.seconds - max(_ANSWER_MIN_S, _ANSWER_SHARE * self.seconds) - self.elapsed_s

    def left_after(self, reserve_s: float) -> float | None:
        """Seconds left if ``reserve_s`` are kept for what must come later."""
        left = self.left_s
        return None if left is None else left - reserve_s
