"""``target``: the mean of the target in each category."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Rng, Stage, Traits


class TargetEncode(Operator):
    """Replace a category by the shrunken mean of the target in it, cross-fitted on the train rows (Micci-Barreca 2001)."""

    name = "target"
    family = Family.ENCODE
    aliases = ("target_mean",)
    params = (
        Param("cv", IntRange(2, 20), 5, "folds of the cross-fitting"),
        Param(
            "smooth",
            AnyOf((OneOf(("auto",)), FloatRange(0.0, 1e9))),
            "auto",
            "rows' worth of the overall mean mixed in",
            None,
            Stage.FINALIZE,
        ),
    )
    traits = Traits(
        row_wise=True,
        reads_y=True,
        cross_fitted=True,
        seeded=True,
        native_missing=True,
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    accepts = (Branch.CATEGORICAL,)
    emits = Branch.NUMERIC

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's TargetEncoder."""
        from sklearn.model_selection import KFold, StratifiedKFold
        from sklearn.preprocessing import TargetEncoder

        # The train rows of a fold may have two of three classes: scikit-learn then has to see that by itself.
        kind = "auto" if context.is_classification else "continuous"
        folds = StratifiedKFold if context.is_classification else KFold
        cv = folds(params["cv"], shuffle=True, random_state=context.seed)
        return TargetEncoder(target_type=kind, smooth=params["smooth"], cv=cv)


TARGET = TargetEncode()
