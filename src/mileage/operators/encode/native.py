"""``encode_native``: category codes for models that read categories."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits


class EncodeNative(Operator):
    """Number the categories for a model that treats codes as names; unknown and missing ones are missing."""

    name = "encode_native"
    family = Family.ENCODE
    aliases = ("native",)
    params = (Param("max_categories", IntRange(2, 254), 254, "most codes for one column", None, Stage.FINALIZE),)
    traits = Traits(row_wise=True, columnwise=True, mergeable=True, native_missing=True)
    accepts = (Branch.CATEGORICAL,)
    emits = Branch.CODES

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's OrdinalEncoder with NaN for what is unknown."""
        del context
        import numpy as np
        from sklearn.preprocessing import OrdinalEncoder

        return OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, **params
        )


ENCODE_NATIVE = EncodeNative()
