"""``robust``: median 0 and quartile range 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import Linear

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Robust(Linear, Operator):
    """Shift and scale each column by its median and quartile range."""

    name = "robust"
    family = Family.SCALE
    traits = Traits(
        row_wise=True, columnwise=True, native_missing=True, keeps_missing=True, mergeable=False, negative=True
    )

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's RobustScaler."""
        del params, context
        from sklearn.preprocessing import RobustScaler

        return RobustScaler()

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Columns are shifted and scaled."""
        return seen.scaled(fitted.center_, fitted.scale_)


ROBUST = Robust()
