"""Which rows a run on a sample is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mileage.errors import MileError

PRECISIONS = ("full", "f16", "u8")
_MOST_TEST = 10.0


class SampleError(MileError, ValueError):
    """A sample that cannot be taken."""

    code = "F714"


@dataclass(frozen=True, slots=True)
class Sample:
    """Which rows: a share of the train rows, ``test`` times that of the test rows; nested for one ``salt``.

    Raises
    ------
    SampleError
        If a share or the precision is out of range.

    Examples
    --------
    >>> first = Sample(0.1)
    >>> [(one.share("train"), one.share("test")) for one in (first, first.larger(), first.larger().larger())]
    [(0.1, 0.5), (0.1, 1.0), (0.25, 1.0)]
    """

    fraction: float
    salt: int = 0
    key: str | None = None
    test: float = 5.0
    precision: str = "f16"

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise SampleError(
                f"a sample of {self.fraction:g} of the rows", code="F716", hint="give a share above 0 and up to 1"
            )
        if self.test <= 0:
            raise SampleError(
                f"test={self.test:g} times the share", code="F716", hint="give a number above 0; 5 by default"
            )
        if self.precision not in PRECISIONS:
            raise SampleError(
                f"no precision '{self.precision}'", code="F716", hint=f"there are {', '.join(PRECISIONS)}"
            )

    def share(self, side: str) -> float:
        """Return the share of the rows of a side, ``train`` or ``test``."""
        return self.fraction if side == "train" else min(1.0, self.fraction * self.test)

    def larger(self, times: float = 2.5) -> Sample:
        """Return the next larger sample that holds this one; all rows where it would be most of them.

        First of test rows, which need no model to be fitted again, as long as they are not ten times the share of the train
        rows: beyond, it is the models that are uncertain.
        """
        if self.test < _MOST_TEST and self.share("test") < 1:
            return replace(self, test=min(_MOST_TEST, self.test * times))
        fraction = round(self.fraction * times, 6)
        return replace(self, fraction=fraction if fraction < 0.8 else 1.0)
