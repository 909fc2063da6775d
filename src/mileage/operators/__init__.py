"""The operator library: one file per operator, with its parameters and traits.

``operators`` is the registry; other distributions add to it through the entry-point group ``mileage.operators``.
"""

from mileage.operators.base import (
    Branch,
    BuildContext,
    Cost,
    Family,
    Operator,
    Param,
    Params,
    Rng,
    Rows,
    Stage,
    StepSpec,
    Traits,
)
from mileage.operators.family import operators
from mileage.operators.resolve import resolve

__all__ = [
    "Branch",
    "BuildContext",
    "Cost",
    "Family",
    "Operator",
    "Param",
    "Params",
    "Rng",
    "Rows",
    "Stage",
    "StepSpec",
    "Traits",
    "operators",
    "resolve",
]
