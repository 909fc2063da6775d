"""One point of a search space: complete and hashable."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.core.fingerprint import Fingerprint, fingerprint
from mileage.operators.base import StepSpec


@dataclass(frozen=True, slots=True)
class Configuration:
    """For each slot, in order, the steps chosen for it with all parameters fixed.

    Examples
    --------
    >>> c = Configuration((("scale", (StepSpec("standard"),)), ("model", (StepSpec.of("logistic", C=1.0),))))
    >>> str(c)
    'standard >> logistic(C = 1.0)'
    """

    choices: tuple[tuple[str, tuple[StepSpec, ...]], ...]

    @property
    def steps(self) -> tuple[StepSpec, ...]:
        """All steps in order."""
        return tuple(spec for _, specs in self.choices for spec in specs)

    @property
    def model(self) -> StepSpec:
        """The last step: the model."""
        return self.steps[-1]

    @property
    def digest(self) -> Fingerprint:
        """Hash of the choices."""
        return fingerprint([[slot, [[s.operator, s.params] for s in specs]] for slot, specs in self.choices])

    def __str__(self) -> str:
        return " >> ".join(str(spec) for spec in self.steps if spec.operator != "none") or "none"
