"""``encode_native``: category codes for models that read categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import IntRange, whole_number
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, levels_table

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class EncodeNative(FromSums, Operator):
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

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the encoder, fitted on each level once, or as often as it is met where there are too many of them."""
        most = whole_number(params["max_categories"])
        counts = [n.clip(max=1) if len(n) <= most else n for n in seen.level_counts]
        return self.build(params, context).fit(levels_table(seen, counts))


ENCODE_NATIVE = EncodeNative()
