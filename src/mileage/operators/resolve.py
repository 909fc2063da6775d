"""Names of operators as queries write them."""

from __future__ import annotations

from mileage.operators.base import Family, Operator
from mileage.operators.family import operators


def resolve(name: str, family: Family | None = None) -> Operator | None:
    """Return the operator a query means by ``name``, an alias within its family included; None if there is none.

    Examples
    --------
    >>> resolve("native", Family.IMPUTE), resolve("linear_svm")
    (<operator impute_native>, <operator svm_linear>)
    """
    lower = name.lower()
    found = operators.find(lower)
    if found is not None and (family is None or found.family in {family, Family.OTHER}):
        return found
    matches = [op for op in operators if lower in op.aliases and family in {None, op.family}]
    return matches[0] if matches else None
