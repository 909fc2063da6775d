"""``one_hot``: a 0/1 column for each category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import IntRange, whole_number
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.by_level import ByLevel
from mileage.operators.from_sums import FromSums, Linear, levels_table

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.sums import Seen


class OneHot(FromSums, Linear, ByLevel, Operator):
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

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the encoder, fitted on each level as often as it takes to be told from a rare one."""
        import numpy as np

        enough, most = whole_number(params["min_frequency"]), whole_number(params["max_categories"])
        counts = seen.level_counts
        if all(len(n) <= most and n.max() >= enough for n in counts):
            counts = [
                np.minimum(n, enough) for n in counts
            ]  # which levels are rare does not hang on how frequent others are
        return self.build(params, context).fit(levels_table(seen, counts))

    def widths(self, fitted: Any) -> list[int]:
        """A column for each level that is not rare, and one for all rare ones."""
        columns = zip(fitted.categories_, fitted.infrequent_categories_, strict=True)
        return [len(known) - (0 if rare is None else len(rare) - 1) for known, rare in columns]

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Each level becomes a row of 0 and 1: in its own column, or in that of rare ones if there is one."""
        columns = zip(fitted.categories_, fitted.infrequent_categories_, seen.levels, strict=True)
        return seen.encoded([_rows_of_levels(*column) for column in columns])


def _rows_of_levels(known: Any, rare: Any, levels: tuple[Any, ...]) -> np.ndarray:
    """Return what levels become, shape (n_levels, n_out); the column of rare and unknown ones is the last."""
    import numpy as np

    from mileage.operators.layout import level_key

    hidden = set() if rare is None else {level_key(level) for level in rare}
    place = {key: i for i, key in enumerate(key for key in map(level_key, known) if key not in hidden)}
    made = np.zeros((len(levels), len(place) + bool(hidden)))
    for row, level in enumerate(levels):
        at = place.get(level_key(level), len(place))
        if at < made.shape[1]:
            made[row, at] = 1.0
    return made


ONE_HOT = OneHot()
