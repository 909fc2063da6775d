"""``mean``: missing numbers become the column's mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, Linear, named

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Mean(FromSums, Linear, Operator):
    """Put the column's mean in the place of missing numbers."""

    name = "mean"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=True, subtractable=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer."""
        del context, params
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="mean", keep_empty_features=True)

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the imputer, fitted on one row: the means."""
        return named(self.build(params, context).fit(seen.known[1][None, :]), seen)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Missing values are filled."""
        return seen.filled(fitted.statistics_)


MEAN = Mean()
