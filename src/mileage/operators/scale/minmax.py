"""``minmax``: range 0 to 1."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class MinMax(Operator):
    """Shift and scale each column to 0..1; later values are clipped to it."""

    name = "minmax"
    family = Family.SCALE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's MinMaxScaler."""
        del params, context
        from sklearn.preprocessing import MinMaxScaler

        return MinMaxScaler(clip=True)


MINMAX = MinMax()
