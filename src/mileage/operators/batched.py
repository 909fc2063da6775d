"""Fits of one model with other values of some parameters, trained on one stream of batches.

Next: :mod:`mileage.traits.stacked`, which makes a step for all of them at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from mileage.operators.base import BuildContext, Operator, Params
from mileage.operators.together import Fits, Stacked

_STEP_S = 3.4e-4  # of a step of one network, besides products: calls of scikit-learn and numpy
_BATCH = 200  # rows, of scikit-learn's networks
_WEIGHT_S = 3e-10  # of a row and a weight in a step: products forward and backward, and what goes over all weights


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

    def can_batch(self, params: Params) -> bool:
        """Say whether this holds for these parameters."""
        del params
        return True

    @abstractmethod
    def times_sooner(self, params: Params, context: BuildContext, n_fits: int) -> float:
        """Return how many times sooner so many are fitted together than one by one, by priors."""

    @abstractmethod
    def fit_batched(self, params: Sequence[Params], context: BuildContext, X: Any, y: Any) -> Nets:
        """Return the fits with each of these parameters, in their order; they differ in ``batched`` only."""


class Networks(Batched, Operator):
    """Builds a network of scikit-learn, or a regression that scales the target for one."""

    batched_classes = ("MLPClassifier", "MLPRegressor")

    @abstractmethod
    def hidden(self, params: Params) -> tuple[int, ...]:
        """Return the units of each hidden layer."""

    def rows_of_batch(self, params: Params) -> int:
        """Return the rows of a batch, where there are so many."""
        del params
        return _BATCH

    def times_sooner(self, params: Params, context: BuildContext, n_fits: int) -> float:
        """Products take each network its time, all else of a step is done once for all of them."""
        widths = (context.n_columns, *self.hidden(params), context.n_classes if context.n_classes > 2 else 1)
        n_weights = sum(a * b for a, b in pairwise(widths))
        products_s = _WEIGHT_S * min(self.rows_of_batch(params), context.n_rows) * n_weights
        return (products_s + _STEP_S) / (products_s + _STEP_S / n_fits)

    def fit_batched(self, params: Sequence[Params], context: BuildContext, X: Any, y: Any) -> Nets:
        """Train on one stream of batches; a target that each would scale is scaled as each would."""
        import numpy as np
        from sklearn.base import clone

        from mileage.traits.stacked import fit_stacked

        made = [self.build(one, context) for one in params]
        if not hasattr(made[0], "regressor"):
            return Nets(tuple(fit_stacked(made, X, y)), context.task)
        column = np.asarray(y).reshape(-1, 1)
        scaler = clone(made[0].transformer).fit(column)
        nets = fit_stacked([clone(one.regressor) for one in made], X, scaler.transform(column)[:, 0])
        for one, net in zip(made, nets, strict=True):
            one.transformer_, one.regressor_, one._training_dim = clone(scaler).fit(column), net, 1
        return Nets(tuple(made), context.task)
