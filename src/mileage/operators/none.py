"""``none``: nothing is done in a slot."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Cost, Family, Operator, Params, Traits


class Nothing(Operator):
    """Leave the columns as they are."""

    name = "none"
    family = Family.OTHER
    traits = Traits(row_wise=True, stateless=True, columnwise=True, native_missing=True, sparse=True)
    cost = Cost(0.0, 0.0)
    accepts = ()

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return a transformer that passes all columns on."""
        del params, context
        from sklearn.preprocessing import FunctionTransformer

        return FunctionTransformer()


NONE = Nothing()
