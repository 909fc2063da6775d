"""``indicator``: the median, and a column that says what was missing."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import BuildContext, Family, Operator, Params, Traits


class Indicator(Operator):
    """Fill with the median and add a 0/1 column for each column that had missing values."""

    name = "indicator"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, native_missing=True)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer with its indicator."""
        del params, context
        from sklearn.impute import SimpleImputer

        return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


INDICATOR = Indicator()
