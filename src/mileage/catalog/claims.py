"""Single flight: of many processes that need the same task at once, one computes it and the others take its result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mileage.catalog.locks import Lease, is_silent

_POLL_S = 0.005
_LONGEST_POLL_S = 0.1


@dataclass
class Claim:
    """The claim to a task; ``waited`` says that another process had it before, so that the results may be there.

    Without a lease it is none: its owner is stuck, or nothing can be written here. Whoever has it computes as if alone.
    """

    lease: Lease | None
    waited: bool = False

    def release(self) -> None:
        """Let others look for the results; more than once is no error."""
        if self.lease is not None:
            self.lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def claim(folder: Path, task: str) -> Claim:
    """Return the claim to a task, after waiting for whoever has it: until it is done, dead, or silent."""
    path = folder / f"{task}.claim"
    pause, waited = _POLL_S, False
    try:
        while (lease := Lease.take(path)) is None:
            waited = True
            if is_silent(path):  # alive, but stopped or stuck: nobody should wait for it
                return Claim(None, waited)
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_POLL_S)
    except OSError:  # a full or read-only disk: compute without it
        return Claim(None, waited)
    return Claim(lease, waited)
