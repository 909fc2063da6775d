"""``impute_native``: missing numbers stay missing."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class ImputeNative(Operator):
    """Leave missing numbers to a model that reads them."""

    name = "impute_native"
    family = Family.IMPUTE
    aliases = ("native",)
    traits = Traits(row_wise=True, stateless=True, columnwise=True, native_missing=True, keeps_missing=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return a transformer that passes all columns on."""
        del params, context
        from sklearn.preprocessing import FunctionTransformer

        return FunctionTransformer()


IMPUTE_NATIVE = ImputeNative()
