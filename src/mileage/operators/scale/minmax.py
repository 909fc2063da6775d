"""``minmax``: range 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, Linear, named

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class MinMax(FromSums, Linear, Operator):
    """Shift and scale each column to 0..1; later values are clipped to it."""

    name = "minmax"
    family = Family.SCALE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, keeps_missing=True, mergeable=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's MinMaxScaler."""
        del params, context
        from sklearn.preprocessing import MinMaxScaler

        return MinMaxScaler(clip=True)

    extremes = True

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the scaler from the ends of each column."""
        import numpy as np

        made = self.build(params, context)
        made.data_min_, made.data_max_ = seen.low, seen.high
        made.data_range_ = seen.high - seen.low
        constant = made.data_range_ < 10 * np.finfo(np.float64).eps  # as scikit-learn has it
        made.scale_ = 1.0 / np.where(constant, 1.0, made.data_range_)
        made.min_ = -seen.low * made.scale_
        made.n_samples_seen_ = round(seen.sums.n)
        return named(made, seen)

    anywhere = False  # values beyond those of the train rows are clipped

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Columns are shifted and scaled; of the rows it was fitted on none is clipped."""
        return seen.scaled(-fitted.min_ / fitted.scale_, 1 / fitted.scale_)


MINMAX = MinMax()
