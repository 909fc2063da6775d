"""Fits of one model with other values of some parameters, trained on one stream of batches.

Next: :mod:`mileage.traits.stacked`, which makes a step for all of them at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mileage.operators.base import BuildContext, Params
from mileage.operators.together import Fits, Stacked


@dataclass(frozen=True)
class Nets(Fits):
    """Fitted estimators; each answers for itself.

    Attributes
    ----------
    each : tuple of estimator
    task : str
        What they are fitted for: a regression, or to tell classes apart.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> each = tuple(DummyRegressor(strategy="constant", constant=c).fit([[0.0]], [0.0]) for c in (2.0, 3.0))
    >>> Nets(each, "regression").answers(np.zeros((1, 1)), 0).values.tolist()
    [[2.0], [3.0]]
    """

    each: tuple[Any, ...]
    task: str

    def answers(self, X: Any, n_classes: int) -> Stacked:
        """Return what each says of rows ``X``."""
        import numpy as np

        from mileage.operators import running

        said = [running.predict(one, X, self.task, n_classes) for one in self.each]
        return Stacked(said[0].kind, np.stack([one.values for one in said]), np.stack([one.labels for one in said]))

    def one(self, place: int) -> Nets:
        """Return one of the estimators."""
        return Nets(self.each[place : place + 1], self.task)

    def __len__(self) -> int:
        return len(self.each)


class Batched(ABC):
    """An operator that fits with many values of its parameters ``batched`` on one stream of batches, in steps that are made for all at once.

    ``batched_classes`` are those of which the registry of traits claims that each of these parameters ``stacks``.

    Law (checked by ``mileage.testing.check_operator``): each of the fits is the one that was made alone, but for rounding.
    """

    batched: ClassVar[tuple[str, ...]]
    batched_classes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def times_sooner(self, params: Params, context: BuildContext, n_fits: int, product_s: float) -> float:
        """Return how many times sooner so many are fitted together than one by one.

        ``product_s`` is what the product of two columns of one row takes as part of a sum, on the machine of the priors.
        """

    @abstractmethod
    def fit_batched(self, params: Sequence[Params], context: BuildContext, X: Any, y: Any) -> Nets:
        """Return the fits with each of these parameters, in their order; they differ in ``batched`` only."""
