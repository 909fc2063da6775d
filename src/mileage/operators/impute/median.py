"""``median``: missing numbers become the column's median."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import Linear

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Median(Linear, Operator):
    """Put the column's median in the place of missing numbers."""

    name = "median"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=False)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer."""
        del context, params
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="median", keep_empty_features=True)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Missing values are filled."""
        return seen.filled(fitted.statistics_)


MEDIAN = Median()
