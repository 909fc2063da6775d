"""``robust``: median 0 and quartile range 1."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Robust(Operator):
    """Shift and scale each column by its median and quartile range."""

    name = "robust"
    family = Family.SCALE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=False, negative=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's RobustScaler."""
        del params, context
        from sklearn.preprocessing import RobustScaler

        return RobustScaler()


ROBUST = Robust()
