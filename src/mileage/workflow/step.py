"""Steps and workflows: an immutable chain of operators in place, over named branches of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mileage.core.domains import Value
from mileage.core.fingerprint import Fingerprint, fingerprint
from mileage.operators.base import Branch, StepSpec


@dataclass(frozen=True)
class Step:
    """An operator in place. ``inputs`` names the steps it reads; a leaf reads ``columns`` of the source.

    ``branch`` is the branch of its output. ``spec`` is None for a leaf (``take``), for the join of all branches, and for the
    blend of several models' predictions. In a blend the names of a member's steps begin with its number: ``2/model``.
    """

    name: str
    spec: StepSpec | None
    inputs: tuple[str, ...]
    branch: Branch
    columns: tuple[str, ...] = ()
    context: tuple[tuple[str, Value], ...] = ()

    @property
    def is_model(self) -> bool:
        """Whether it predicts."""
        return self.name.rpartition("/")[2] == "model"

    @property
    def is_blend(self) -> bool:
        """Whether it is the mean of what other models predict."""
        return self.is_model and self.spec is None

    @property
    def weights(self) -> tuple[float, ...]:
        """Of a blend, the weight of each model it reads."""
        weights: Any = dict(self.context)["weights"]
        return tuple(float(weight) for weight in weights)


@dataclass(frozen=True)
class Workflow:
    """Steps in topological order; the last one is the model, or the blend of several.

    ``slots`` keeps, for people and for exports, the configuration the workflow was made from.
    """

    steps: tuple[Step, ...]
    task: str
    slots: tuple[tuple[str, tuple[StepSpec, ...]], ...] = ()

    @property
    def model(self) -> Step:
        """The last step."""
        return self.steps[-1]

    def step(self, name: str) -> Step:
        """Return a step by name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def fingerprint(self) -> Fingerprint:
        """Hash of all steps, their columns and parameters."""
        return fingerprint(
            [
                [
                    s.name,
                    s.spec.operator if s.spec else "",
                    s.spec.params if s.spec else (),
                    s.inputs,
                    s.columns,
                    s.context,
                ]
                for s in self.steps
            ]
        )

    def describe(self) -> str:
        """Return the workflow in one line, as a reader would say it.

        Steps that stand in several branches are named once; leaves and joins are left out.
        """
        seen = dict.fromkeys(str(step.spec) for step in self.steps if step.spec is not None)
        return " >> ".join(seen)
