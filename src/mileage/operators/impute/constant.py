"""``constant``: missing values become one constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import Linear, relabelled

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Constant(Linear, Operator):
    """Put a constant in the place of missing values: a number, or the word ``missing`` for categories."""

    name = "constant"
    family = Family.IMPUTE
    params = (Param("fill_value", FloatRange(-1e12, 1e12), 0.0, "what missing numbers become", None, Stage.PREDICT),)
    traits = Traits(row_wise=True, stateless=True, columnwise=True, native_missing=True)
    accepts = (Branch.NUMERIC, Branch.CATEGORICAL)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer, or for categories a function."""
        if context.branch == Branch.CATEGORICAL:
            from sklearn.preprocessing import FunctionTransformer

            from mileage.operators.glue import missing_as_level

            return FunctionTransformer(missing_as_level)
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="constant", fill_value=params["fill_value"], keep_empty_features=True)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Missing numbers are filled; of categories each level becomes what the function makes of it."""
        if not seen.levels:
            return seen.filled(fitted.statistics_)
        return relabelled(fitted, seen)


CONSTANT = Constant()
