"""``constant``: missing values become one constant."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits


class Constant(Operator):
    """Put a constant in the place of missing values: a number, or the word ``missing`` for categories."""

    name = "constant"
    family = Family.IMPUTE
    params = (Param("fill_value", FloatRange(-1e12, 1e12), 0.0, "what missing numbers become"),)
    traits = Traits(row_wise=True, stateless=True, columnwise=True, native_missing=True)
    accepts = (Branch.NUMERIC, Branch.CATEGORICAL)

    def build(self, params: Params, context: BuildContext) -> Any:  # noqa: ANN401
        """Return scikit-learn's SimpleImputer."""
        from sklearn.impute import SimpleImputer

        value = "missing" if context.branch is Branch.CATEGORICAL else params["fill_value"]
        return SimpleImputer(strategy="constant", fill_value=value, keep_empty_features=True)

CONSTANT = Constant()
