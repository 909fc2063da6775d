"""Forecasts of fit times: the operators' priors, corrected by what was observed on this data and machine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from mileage.core.domains import whole_number
from mileage.operators import operators
from mileage.workflow import Workflow


@dataclass
class Forecaster:
    """Forecasts the seconds that one fit of a workflow takes; learns from each finished trial."""

    n_rows: int
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def fit_s(self, workflow: Workflow) -> float:
        """Return the forecast of one fit on all rows, in seconds."""
        name = workflow.model.spec.operator if workflow.model.spec else ""
        own, others = self.ratios.get(name), [r for rs in self.ratios.values() for r in rs]
        ratio = median(own) if own else (max(1.0, median(others)) if others else 1.0)
        return self.prior_s(workflow) * ratio

    def prior_s(self, workflow: Workflow) -> float:
        """Return the sum of the operators' priors, scaled by what makes a model larger than its default."""
        total = 0.0
        for step in workflow.steps:
            if step.spec is not None:
                operator = operators.get(step.spec.operator)
                context = dict(step.context)
                width, n_classes = whole_number(context.get("n_columns", 10)), whole_number(context.get("n_classes", 2))
                fit_s = operator.cost.fit_s(self.n_rows, width, n_classes)
                total += fit_s * _size(step.spec.operator, dict(step.spec.params))
        return total

    def learn(self, workflow: Workflow, fit_s: float) -> None:
        """Remember how long a fit took."""
        name = workflow.model.spec.operator if workflow.model.spec else ""
        self.ratios[name].append(fit_s / max(1e-6, self.prior_s(workflow)))


def _size(name: str, params: dict[str, object]) -> float:
    """How much larger than its default a model is: trees and rounds cost in proportion."""
    factor = 1.0
    operator = operators.get(name)
    for key in ("n_estimators", "max_iter", "iterations"):
        known = operator.param(key)
        given = params.get(key)
        if (
            known is not None
            and isinstance(given, int | float)
            and isinstance(known.default, int | float)
            and known.default
        ):
            factor *= float(given) / float(known.default)
    return factor
