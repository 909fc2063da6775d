"""``ordinal``: a number for each category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.operators.base import Branch, BuildContext, Family, Operator, Params, Traits
from mileage.operators.by_level import ByLevel
from mileage.operators.from_sums import FromSums, Linear, levels_table, told_by_level

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class Ordinal(FromSums, Linear, ByLevel, Operator):
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

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the encoder, fitted on each level once."""
        counts = [n.clip(max=1) for n in seen.level_counts]
        return self.build(params, context).fit(levels_table(seen, counts))

    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Each level becomes its number."""
        return seen.encoded(told_by_level(fitted, seen))


ORDINAL = Ordinal()
