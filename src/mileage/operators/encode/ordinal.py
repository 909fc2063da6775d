"""``ordinal``: a number for each category."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Family, Operator, Params, Traits


class Ordinal(Operator):
    """Number the categories in sorted order; unknown ones are -1, missing ones -2."""

    name = "ordinal"
    family = Family.ENCODE
    traits = Traits(row_wise=True, columnwise=True, mergeable=True, native_missing=True, negative=True)
    accepts = (Branch.CATEGORICAL,)
    emits = Branch.INDICATOR

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's OrdinalEncoder."""
        del params, context
        from sklearn.preprocessing import OrdinalEncoder

        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)


ORDINAL = Ordinal()
