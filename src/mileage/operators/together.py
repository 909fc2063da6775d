"""Fits of one model with many values of a parameter, made together: what they learn is stacked, and so is what they answer.

An operator that is ``Together`` learns for all values at once, and answers for all of them with one product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mileage.operators.base import BuildContext, Params

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions
    from mileage.operators.sums import Seen

_LEAST_SHARE = 1e-5  # of the terms of a sum of squared errors: one that is smaller has lost too many of its digits


@dataclass(frozen=True)
class Stacked:
    """What several models say of the same rows.

    Attributes
    ----------
    kind : {'value', 'decision', 'proba'}
        As that of :class:`~mileage.operators.running.Predictions`.
    values : array of shape (n_models, n_rows) or (n_models, n_rows, n_classes)
    classes : array of shape (n_models, n_rows), optional
        What each says of a row, where it is not the most probable class.
    """

    kind: str
    values: np.ndarray
    classes: np.ndarray | None = None

    @cached_property
    def labels(self) -> np.ndarray:
        """Class codes, or values of a regression, shape (n_models, n_rows)."""
        if self.classes is not None:
            return self.classes
        return self.values.argmax(axis=-1) if self.kind == "proba" else self.values

    def at(self, place: int) -> Predictions:
        """Return what one of the models says."""
        from mileage.operators.running import Predictions

        return Predictions(self.kind, self.values[place], self.labels[place])

    def __len__(self) -> int:
        return len(self.values)


class Fits(ABC):
    """What a model has learned with each of several values of a parameter."""

    @abstractmethod
    def answers(self, X: Any, n_classes: int) -> Stacked:
        """Return what each says of rows ``X``; columns stand for the codes ``0 .. n_classes - 1``."""


class Together(ABC):
    """An operator that learns with many values of its parameter ``together`` from the sums that one fit needs.

    Law (checked by ``mileage.testing.check_operator``): each of the fits answers as one that was learned alone, up to rounding.
    """

    together: ClassVar[str]

    @abstractmethod
    def learn_together(self, params: Params, values: Sequence[float], context: BuildContext, seen: Seen) -> Fits:
        """Return the fits with these values of the parameter, in their order; the others are as in ``params``."""


class Fused(ABC):
    """An operator that fits with many values of its parameter ``together`` on the same rows, in rounds that one product answers.

    Law (checked by ``mileage.testing.check_operator``): each of the fits answers as one that was fitted alone, up to the tolerance
    at which its solver stops.
    """

    together: ClassVar[str]

    def can_fuse(self, params: Params) -> bool:
        """Say whether this holds for these parameters."""
        del params
        return True

    @abstractmethod
    def fit_together(self, params: Params, values: Sequence[float], context: BuildContext, X: Any, y: Any) -> Fits:
        """Return the fits with these values of the parameter, in their order; the others are as in ``params``."""

    @abstractmethod
    def alone(self, params: Params, context: BuildContext, fits: Any, place: int) -> Any:
        """Return the estimator of one of the fits."""


@dataclass(frozen=True)
class LinearFits(Fits):
    """Linear models: their margins for some rows are one product.

    Attributes
    ----------
    coef : array of shape (n_models, n_columns, n_outputs)
    intercept : array of shape (n_models, n_outputs)
    kind : {'value', 'decision', 'proba'}
        What is made of margins: nothing, a class, or probabilities.
    classes : array of shape (n_seen,)
        Codes of the classes that had rows; one output tells two apart. Empty for a regression.

    Examples
    --------
    >>> import numpy as np
    >>> fits = LinearFits(np.array([[[1.0]], [[3.0]]]), np.array([[0.0], [1.0]]), "value", np.array([]))
    >>> fits.answers(np.array([[2.0], [5.0]]), 0).values.tolist()
    [[2.0, 5.0], [7.0, 16.0]]
    """

    coef: np.ndarray
    intercept: np.ndarray
    kind: str
    classes: np.ndarray

    def answers(self, X: Any, n_classes: int) -> Stacked:
        """Return what each says of rows ``X``."""
        import numpy as np

        n_models, n_columns, n_outputs = self.coef.shape
        flat = np.ascontiguousarray(self.coef.transpose(1, 0, 2)).reshape(n_columns, -1)
        margins = np.asarray(X @ flat).reshape(-1, n_models, n_outputs).transpose(1, 0, 2) + self.intercept[:, None]
        if self.kind == "value":
            return Stacked("value", margins[..., 0])
        told = shares_of if self.kind == "proba" else _decisions
        return told(margins, np.asarray(self.classes, dtype=np.int64), n_classes)

    def squared_errors(self, seen: Seen) -> tuple[np.ndarray, bool]:
        """Return the means of squared errors of a regression from the sums of some rows, and whether they are more than rounding.

        Examples
        --------
        >>> import numpy as np
        >>> from mileage.operators.sums import Seen
        >>> seen = Seen.of(np.array([[1.0], [3.0]]), np.array([2.0, 7.0]), 0, products=True)
        >>> fits = LinearFits(np.array([[[1.0]], [[2.0]]]), np.zeros((2, 1)), "value", np.array([]))
        >>> fits.squared_errors(seen)[0].tolist()
        [8.5, 0.5]
        """
        import numpy as np

        coef, products, cross = self.coef[..., 0], seen.products, seen.target_products
        off = coef @ seen.mean + self.intercept[:, 0] - seen.target_mean
        errors = ((coef @ products) * coef).sum(axis=1) - 2 * coef @ cross + seen.target_squares
        size = np.abs(coef)
        terms = ((size @ np.abs(products)) * size).sum(axis=1) + 2 * size @ np.abs(cross) + seen.target_squares
        sure = bool((errors >= terms * _LEAST_SHARE).all())
        return np.maximum(errors, 0.0) / max(seen.sums.n, 1.0) + off**2, sure


def shares_of(margins: np.ndarray, classes: np.ndarray, n_classes: int) -> Stacked:
    """Return probabilities of classes from logarithms of their odds, shape (n_models, n_rows, n_outputs)."""
    import numpy as np
    from scipy.special import expit

    if margins.shape[-1] == 1 and len(classes) == 2:
        one = expit(margins)
        shares = np.concatenate([1 - one, one], axis=-1)
    else:
        shares = margins - margins.max(axis=-1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=-1, keepdims=True)
    return Stacked("proba", _aligned(shares, classes, n_classes, 0.0))


def _decisions(margins: np.ndarray, classes: np.ndarray, n_classes: int) -> Stacked:
    import numpy as np

    if margins.shape[-1] > 1:
        labels = classes[margins.argmax(axis=-1)]
    else:
        labels = classes[(margins[..., 0] > 0).astype(np.int64)]
        if n_classes <= 2:
            return Stacked("decision", margins[..., 0], labels)
        margins = np.concatenate([-margins, margins], axis=-1)[..., -len(classes) :]
    lowest = margins.min(axis=(1, 2), initial=0.0)[:, None, None] - 1.0
    return Stacked("decision", _aligned(margins, classes, n_classes, lowest), labels)


def _aligned(values: np.ndarray, classes: np.ndarray, n_classes: int, fill: Any) -> np.ndarray:
    """Put a column of each class in its place; those without rows get ``fill``."""
    import numpy as np

    if len(classes) == n_classes:
        return values
    full = np.broadcast_to(fill, (*values.shape[:-1], n_classes)).copy()
    full[..., classes] = values
    return full
