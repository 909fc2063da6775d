"""The operator library: one file per operator, with its parameters and traits.

``operators`` is the registry; other distributions add to it through the entry-point group ``mileage.operators``.
"""

from mileage.core.registry import Registry
from mileage.operators.base import (
    Branch,
    BuildContext,
    Cost,
    Family,
    Operator,
    Param,
    Params,
    Rows,
    Stage,
    StepSpec,
    Traits,
)

operators: Registry[Operator] = Registry(
    "operator",
    package="mileage.operators",
    base=Operator,  # type: ignore[type-abstract]
    group="mileage.operators",
)

from mileage.operators.resolve import resolve  # noqa: E402  (it reads the registry above)

__all__ = [
    "Branch",
    "BuildContext",
    "Cost",
    "Family",
    "Operator",
    "Param",
    "Params",
    "Rows",
    "Stage",
    "StepSpec",
    "Traits",
    "operators",
    "resolve",
]
