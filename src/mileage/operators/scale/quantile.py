"""``quantile``: a normal distribution by ranks."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Quantile(Operator):
    """Map each column to a normal distribution by its quantiles."""

    name = "quantile"
    family = Family.SCALE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, keeps_missing=True, seeded=True, negative=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's QuantileTransformer."""
        del params
        from sklearn.preprocessing import QuantileTransformer

        return QuantileTransformer(
            n_quantiles=max(2, min(1000, context.n_rows // 2)), output_distribution="normal", random_state=context.seed
        )


QUANTILE = Quantile()
