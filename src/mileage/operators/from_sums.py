"""What operators are that can be fitted without their train rows: from sums over the rows of other folds.

Both are optional: an operator that is neither is fitted on its train rows. Next: :mod:`mileage.operators.sums`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from mileage.operators.base import BuildContext, Params

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.sums import Seen


class FromSums(ABC):
    """An operator whose fit reads rows, means, squares, with ``products`` products of columns, with ``by_class`` squares within each class, and with ``extremes`` smallest and largest values only.

    The last two are not told of columns that a step before it has mixed (:attr:`Linear.mixes`): it is then fitted on rows.

    Law (checked by ``mileage.testing.check_operator``): learned from the merged sums of all other folds it answers as fitted on
    their rows, up to rounding.
    """

    products: ClassVar[bool] = False
    by_class: ClassVar[bool] = False
    extremes: ClassVar[bool] = False

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """Say whether this holds for these parameters, there."""
        del params, context
        return True

    @abstractmethod
    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the estimator as fitting it on the rows of ``seen`` would."""


class Linear(ABC):
    """A transformer that, once fitted, fills, shifts or scales each column by itself, or ``mixes`` them.

    Law (checked by ``mileage.testing.check_operator``): the sums of its output are told from those of its input, for the rows that
    it was fitted on; with ``anywhere`` also for others.
    """

    anywhere: ClassVar[bool] = True
    mixes: ClassVar[bool] = False

    @abstractmethod
    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Return the output columns of a fitted one as it sees its input columns."""


def levels_table(seen: Seen, counts: Sequence[np.ndarray]) -> Any:
    """Return a table of categories that have each level so many times, and the most frequent one more often, as columns are of one length."""
    import numpy as np
    import pandas as pd

    n_rows, columns = max(int(n.sum()) for n in counts), {}
    for name, levels, n in zip(seen.names, seen.levels, counts, strict=True):
        often = n.copy()
        often[n.argmax()] += n_rows - n.sum()
        columns[name] = np.repeat(np.array(levels, dtype=object), often)
    return pd.DataFrame(columns)


def told_by_level(fitted: Any, seen: Seen) -> list[np.ndarray]:
    """Return for each column of categories what a fitted encoder makes of its levels, shape (n_levels, 1)."""
    import numpy as np

    made = np.asarray(fitted.transform(_table_of(seen)), dtype=np.float64)
    return [made[: len(levels), i : i + 1] for i, levels in enumerate(seen.levels)]


def relabelled(fitted: Any, seen: Seen) -> Seen:
    """Return categories as a fitted transformer gives them, which makes another category of each."""
    made = fitted.transform(_table_of(seen))
    columns = zip(made.columns, seen.levels, strict=True)
    return replace(seen, levels=tuple(tuple(made[name].tolist()[: len(levels)]) for name, levels in columns))


def _table_of(seen: Seen) -> Any:
    from mileage.operators.layout import level_table

    return level_table(dict(zip(seen.names, seen.levels, strict=True)))


def named(made: Any, seen: Seen) -> Any:
    """Return an estimator that knows how many columns it has seen, and their names."""
    import numpy as np

    made.n_features_in_ = seen.width
    if seen.names:
        made.feature_names_in_ = np.array(seen.names, dtype=object)
    return made
