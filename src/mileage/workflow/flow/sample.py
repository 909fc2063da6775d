"""Which rows a run on a sample is about."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.errors import MileError

PRECISIONS = ("full", "f16", "u8")


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
    >>> Sample(0.1).share("test"), Sample(0.1).larger().fraction, Sample(0.5).larger().fraction
    (0.5, 0.25, 1.0)
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
        """Return the next larger sample that holds this one; all rows where it would be most of them."""
        fraction = round(self.fraction * times, 6)
        return Sample(fraction if fraction < 0.8 else 1.0, self.salt, self.key, self.test, self.precision)
