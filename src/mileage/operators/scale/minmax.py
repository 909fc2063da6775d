"""``minmax``: range 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import Linear

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class MinMax(Linear, Operator):
    """Shift and scale each column to 0..1; later values are clipped to it."""

    name = "minmax"
    family = Family.SCALE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, keeps_missing=True, mergeable=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's MinMaxScaler."""
        del params, context
        from sklearn.preprocessing import MinMaxScaler

        return MinMaxScaler(clip=True)

    anywhere = False  # values beyond those of the train rows are clipped

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Columns are shifted and scaled; of the rows it was fitted on none is clipped."""
        return seen.scaled(-fitted.min_ / fitted.scale_, 1 / fitted.scale_)


MINMAX = MinMax()
