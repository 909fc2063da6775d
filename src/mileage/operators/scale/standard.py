"""``standard``: mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Standard(Operator):
    """Shift and scale each column to mean 0 and variance 1."""

    name = "standard"
    family = Family.SCALE
    traits = Traits(
        row_wise=True, columnwise=True, native_missing=True, mergeable=True, subtractable=True, negative=True
    )

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's StandardScaler."""
        del params, context
        from sklearn.preprocessing import StandardScaler

        return StandardScaler()


STANDARD = Standard()
