"""``most_frequent``: missing values become the column's most frequent value."""

from __future__ import annotations

from typing import Any

from mileage.operators.base import Branch, BuildContext, Family, Operator, Params, Traits


class MostFrequent(Operator):
    """Put the column's most frequent value in the place of missing values."""

    name = "most_frequent"
    family = Family.IMPUTE
    traits = Traits(row_wise=True, columnwise=True, native_missing=True, mergeable=True, subtractable=True)
    accepts = (Branch.NUMERIC, Branch.CATEGORICAL)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SimpleImputer."""
        del params
        from sklearn.impute import SimpleImputer

        if context.branch != Branch.CATEGORICAL:
            return SimpleImputer(strategy="most_frequent", keep_empty_features=True)
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from mileage.operators.glue import as_categories, as_objects

        fill = SimpleImputer(strategy="most_frequent", missing_values=None, keep_empty_features=True)
        return make_pipeline(FunctionTransformer(as_objects), fill, FunctionTransformer(as_categories))


MOST_FREQUENT = MostFrequent()
