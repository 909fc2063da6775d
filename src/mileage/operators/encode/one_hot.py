"""``one_hot``: a 0/1 column for each category."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import IntRange
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits


class OneHot(Operator):
    """Make a 0/1 column of each category; rare ones share a column, unknown ones count as rare."""

    name = "one_hot"
    family = Family.ENCODE
    params = (
        Param("min_frequency", IntRange(1, 10_000), 5, "categories with fewer rows are rare", None, Stage.FINALIZE),
        Param("max_categories", IntRange(2, 10_000), 200, "most columns for one source column", None, Stage.FINALIZE),
    )
    traits = Traits(row_wise=True, mergeable=True, subtractable=True, native_missing=True)
    accepts = (Branch.CATEGORICAL,)
    emits = Branch.INDICATOR
    column_per_level = True

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's OneHotEncoder."""
        del context
        from sklearn.preprocessing import OneHotEncoder

        return OneHotEncoder(handle_unknown="infrequent_if_exist", **params)


ONE_HOT = OneHot()
