"""What operators are that can be fitted without their train rows: from sums over the rows of other folds.

Both are optional: an operator that is neither is fitted on its train rows. Next: :mod:`mileage.operators.sums`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from mileage.operators.base import BuildContext, Params

if TYPE_CHECKING:
    from mileage.operators.sums import Seen


class FromSums(ABC):
    """An operator whose fit reads rows, means, squares, with ``products`` products of columns, and with ``extremes`` their smallest and largest values only.

    Law (checked by ``mileage.testing.check_operator``): learned from the merged sums of all other folds it answers as fitted on
    their rows, up to rounding.
    """

    products: ClassVar[bool] = False
    extremes: ClassVar[bool] = False

    def can_learn(self, params: Params) -> bool:
        """Say whether this holds for these parameters."""
        del params
        return True

    @abstractmethod
    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the estimator as fitting it on the rows of ``seen`` would."""


class Linear(ABC):
    """A transformer that, once fitted, fills, shifts or scales each column by itself.

    Law (checked by ``mileage.testing.check_operator``): the sums of its output are told from those of its input, for the rows that
    it was fitted on; with ``anywhere`` also for others.
    """

    anywhere: ClassVar[bool] = True

    @abstractmethod
    def through(self, fitted: Any, seen: Seen) -> Seen:
        """Return the output columns of a fitted one as it sees its input columns."""


def named(made: Any, seen: Seen) -> Any:
    """Return an estimator that knows how many columns it has seen, and their names."""
    import numpy as np

    made.n_features_in_ = seen.width
    if seen.names:
        made.feature_names_in_ = np.array(seen.names, dtype=object)
    return made
