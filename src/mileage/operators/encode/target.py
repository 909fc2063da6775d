"""``target``: the mean of the target in each category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.by_level import ByLevel
from mileage.operators.from_codes import Coded, FromCodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


class TargetEncode(FromCodes, ByLevel, Operator):
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

    def fit_codes(
        self, params: Params, context: BuildContext, coded: Coded, y: Any, *, transforms: bool
    ) -> tuple[Any, np.ndarray | None]:
        """Let scikit-learn fit its encoder, and tell it which category each row has: comparing texts is most of what it would do."""
        made = self.build(params, context)
        encoder = type(made)
        made._fit = lambda _, **how: encoder._fit(made, coded.met(), **how)
        made._transform = lambda _, **__: _placed(coded, made.categories_)
        out = (made.fit_transform if transforms else made.fit)(coded.codes, y)
        del made._fit, made._transform
        return made, out if transforms else None


def _placed(coded: Coded, categories: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each category among those that an encoder knows, and that it knows all of them."""
    import numpy as np

    from mileage.operators.layout import level_key

    places = np.empty(coded.codes.shape, dtype=np.int64)
    for i, (levels, codes, known) in enumerate(zip(coded.levels.values(), coded.columns, categories, strict=True)):
        place = {level_key(category): at for at, category in enumerate(known)}
        places[:, i] = np.array([place.get(level_key(level), 0) for level in levels])[codes]
    return places, np.ones(places.shape, dtype=bool)


TARGET = TargetEncode()
