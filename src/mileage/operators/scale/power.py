"""``power``: a more normal distribution."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Power(Operator):
    """Make each column more normal by a Yeo-Johnson power (Yeo & Johnson 2000)."""

    name = "power"
    family = Family.SCALE
    traits = Traits(
        row_wise=True, columnwise=True, native_missing=True, keeps_missing=True, mergeable=False, negative=True
    )

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's PowerTransformer."""
        del params, context
        from sklearn.preprocessing import PowerTransformer

        return PowerTransformer()


POWER = Power()
