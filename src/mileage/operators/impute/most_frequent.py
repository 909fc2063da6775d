"""``most_frequent``: missing values become the column's most frequent value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Family, Operator, Params, Traits
from mileage.operators.from_sums import FromSums, Linear, levels_table, relabelled

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class MostFrequent(FromSums, Linear, Operator):
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

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """Of numbers there is no count of each value."""
        del params
        return context.branch == Branch.CATEGORICAL

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the imputer, fitted on each level once, and on the most frequent ones twice."""
        import numpy as np

        counts = []
        for levels, n in zip(seen.levels, seen.level_counts, strict=True):
            known = np.where([level == level for level in levels], n, 0)  # noqa: PLR0124  (NaN differs from itself)
            counts.append(np.minimum(n, 1) + (known == known.max()) * (known > 0))
        return self.build(params, context).fit(levels_table(seen, counts))

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Missing values are filled; of categories the level of what is missing becomes another one."""
        return relabelled(fitted, seen) if seen.levels else seen.filled(fitted.statistics_)


MOST_FREQUENT = MostFrequent()
