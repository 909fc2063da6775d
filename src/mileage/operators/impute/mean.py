"""``mean``: missing numbers become the column's mean."""

from __future__ import annotations

from copy import copy
from functools import lru_cache
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
        """Return the imputer as it is when fitted on one row, with the means; a column without any is filled with zeros."""
        import numpy as np

        del params, context
        made = copy(_fitted_on_zeros(seen.width))
        made.statistics_ = np.nan_to_num(seen.known[1])
        return named(made, seen)

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Missing values are filled."""
        return seen.filled(fitted.statistics_)


@lru_cache(maxsize=64)
def _fitted_on_zeros(width: int) -> Any:
    """Return an imputer of so many columns: checking a row takes it longer than all else that is told from sums."""
    import numpy as np

    return MEAN.build({}, BuildContext()).fit(np.zeros((1, width)))


MEAN = Mean()
