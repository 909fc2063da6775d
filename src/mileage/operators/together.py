"""Fits of one model with many values of a parameter, made together: what they learn is stacked, and so is what they answer.

An operator that is ``Together`` learns for all values at once, and answers for all of them with one product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from mileage.operators.base import BuildContext, Params

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions
    from mileage.operators.sums import Seen

_AT_ONCE, _FEWEST = 2**17, 64  # numbers that are answered at once, which stay near the processor: 1 MB; and rows
_LEAST_SHARE = 1e-5  # of the terms of a sum of squared errors: one that is smaller has lost too many of its digits


@dataclass(frozen=True)
class Stacked:
    """What several models say of the same rows.

    Attributes
    ----------
    kind : {'value', 'decision', 'proba'}
        As that of :class:`~mileage.operators.running.Predictions`.
    values : array of shape (n_models, n_rows) or (n_models, n_rows, n_classes)
    labels : array of shape (n_models, n_rows)
    """

    kind: str
    values: np.ndarray
    labels: np.ndarray

    def at(self, place: int) -> Predictions:
        """Return what one of the models says."""
        from mileage.operators.running import Predictions

        return Predictions(self.kind, self.values[place], self.labels[place])

    def log_shares(self, y: np.ndarray) -> np.ndarray:
        """Return, of probabilities, logarithms of those of the true classes, as :meth:`Odds.log_shares` does."""
        return _logs_of_true(self.values, y)


@dataclass(frozen=True)
class Odds:
    """What several models say of the same rows by logarithms of odds, which become probabilities where these are asked for.

    Attributes
    ----------
    margins : array of shape (n_models, n_rows, n_outputs)
    seen : array of shape (n_seen,)
        Codes of the classes that had rows; one output tells two apart.
    n_classes : int
    joint : bool
        Whether the margins are logarithms of joint probabilities, as of naive Bayes, whose sum is rounded as they are: where they are
        large, many rows are certain to the last bit, and rank as equal.

    Examples
    --------
    >>> import numpy as np
    >>> margins = np.array([[[-1e9, -1e9 + 20.0]]])
    >>> [bool(Odds(margins, np.arange(2), 2, joint).values[0, 0, 1] == 1) for joint in (False, True)]
    [False, True]
    """

    margins: np.ndarray
    seen: np.ndarray
    n_classes: int
    joint: bool = False
    kind: ClassVar[str] = "proba"

    @cached_property
    def values(self) -> np.ndarray:
        """Probabilities, shape (n_models, n_rows, n_classes)."""
        return self._shares_of(self.margins)

    @cached_property
    def labels(self) -> np.ndarray:
        """Codes of the most probable classes, shape (n_models, n_rows)."""
        import numpy as np

        if self.margins.shape[-1] == 1:
            return np.asarray(self.values.argmax(axis=-1))
        by_row = self.margins.transpose(1, 0, 2)  # as margins lie in memory, so that no copy is made
        return np.asarray(self.seen[by_row.argmax(axis=-1)].T)

    def at(self, place: int) -> Predictions:
        """Return what one of the models says."""
        from mileage.operators.running import Predictions

        values = self._shares_of(self.margins[place : place + 1])[0]
        return Predictions("proba", values, values.argmax(axis=1))

    def _shares_of(self, margins: np.ndarray) -> np.ndarray:
        return _aligned(
            (_joint_shares if self.joint else _shares)(margins, len(self.seen)), self.seen, self.n_classes, 0.0
        )

    def log_shares(self, y: np.ndarray) -> np.ndarray:
        """Return logarithms of the probabilities of the true classes, none of them taken for none or all, shape (n_models, n_rows).

        Examples
        --------
        >>> import numpy as np
        >>> Odds(np.zeros((1, 2, 4)), np.arange(4), 4).log_shares(np.array([0, 3])).round(3).tolist()
        [[-1.386, -1.386]]
        """
        import numpy as np

        if self.n_classes == 2 or len(self.seen) < self.n_classes:
            return _logs_of_true(self.values, y)
        least, rows = np.finfo(np.float64).eps, np.arange(len(y))
        if self.joint:
            logs = self.margins[:, rows, y] - _log_sums(self.margins)
            return np.asarray(np.clip(logs, np.log(least), np.log1p(-least)))
        off = self.margins - self.margins[:, rows, y][..., None]
        with np.errstate(over="ignore"):  # a class that is so much likelier leaves the true one the least share
            np.exp(off, out=off)
        return np.asarray(np.clip(-np.log(off.sum(axis=-1)), np.log(least), np.log1p(-least)))


class Fits(ABC):
    """What a model has learned with each of several values of a parameter."""

    @abstractmethod
    def answers(self, X: Any, n_classes: int) -> Stacked | Odds:
        """Return what each says of rows ``X``; columns stand for the codes ``0 .. n_classes - 1``."""

    @abstractmethod
    def one(self, place: int) -> Fits:
        """Return what is learned with one of the values."""

    @abstractmethod
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Asked:
    """Rows that several models are asked about, and answer when somebody reads it: a few rows at a time, or one of the models.

    Attributes
    ----------
    fits : Fits
    X : array or sparse matrix of shape (n_rows, n_columns)
    n_classes : int
        0 for a regression.

    Examples
    --------
    >>> import numpy as np
    >>> fits = LinearFits(np.array([[[1.0]], [[3.0]]]), np.array([[0.0], [1.0]]), "value", np.array([]))
    >>> asked = Asked(fits, np.array([[2.0], [5.0]]), 0)
    >>> asked.at(1).values.tolist(), [answers.values.tolist() for _, answers in asked.in_turn()]
    ([7.0, 16.0], [[[2.0, 5.0], [7.0, 16.0]]])
    """

    fits: Fits
    X: Any
    n_classes: int

    def in_turn(self) -> Iterator[tuple[slice, Stacked | Odds]]:
        """Yield what all say of some rows, and which these are, until each row had its turn."""
        step = max(_FEWEST, _AT_ONCE // (len(self.fits) * max(1, self.n_classes)))
        for start in range(0, self.X.shape[0], step):
            rows = slice(start, start + step)
            yield rows, self.fits.answers(self.X[rows], self.n_classes)

    @property
    def kind(self) -> str:
        """What the models say of rows."""
        return self.fits.answers(self.X[:1], self.n_classes).kind

    def at(self, place: int) -> Predictions:
        """Return what one of the models says."""
        return self.fits.one(place).answers(self.X, self.n_classes).at(0)

    def __len__(self) -> int:
        return len(self.fits)


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
class Trained:
    """The rows that a model is fitted on, and how it sees columns: ``X @ weights + offset``.

    Attributes
    ----------
    rows : array of bool, shape (n_rows,)
    weights : array of shape (n_columns, n_own)
    offset : array of shape (n_own,)
    """

    rows: np.ndarray
    weights: np.ndarray
    offset: np.ndarray


class Masked(Fused):
    """An operator that fits with many values of ``together``, each on rows of its own, in rounds that one product answers.

    Law (checked by ``mileage.testing.check_operator``): each of the fits answers as one that was fitted alone on its rows, up to the
    tolerance at which its solver stops.
    """

    @abstractmethod
    def fit_masked(
        self, params: Params, values: Sequence[float], context: BuildContext, X: Any, y: Any, trained: Sequence[Trained]
    ) -> list[Fits]:
        """Return the fits with these values of the parameter, each on its rows of ``X`` and ``y``; other parameters are as in ``params``."""


@dataclass(frozen=True)
class LinearFits(Fits):
    """Linear models: their margins for some rows are one product.

    Attributes
    ----------
    coef : array of shape (n_models, n_columns, n_outputs)
    intercept : array of shape (n_models, n_outputs)
    kind : {'value', 'decision', 'proba', 'joint'}
        What is made of margins: nothing, a class, or probabilities; of those of ``joint`` ones as :class:`Odds` says.
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

    def answers(self, X: Any, n_classes: int) -> Stacked | Odds:
        """Return what each says of rows ``X``."""
        import numpy as np

        n_models, n_columns, n_outputs = self.coef.shape
        flat = np.ascontiguousarray(self.coef.transpose(1, 0, 2)).reshape(n_columns, -1)
        margins = np.asarray(X @ flat).reshape(-1, n_models, n_outputs)
        margins += self.intercept
        margins = margins.transpose(1, 0, 2)
        if self.kind == "value":
            return Stacked("value", margins[..., 0], margins[..., 0])
        seen = np.asarray(self.classes, dtype=np.int64)
        if self.kind == "decision":
            return _decisions(margins, seen, n_classes)
        return Odds(margins, seen, n_classes, joint=self.kind == "joint")

    def one(self, place: int) -> LinearFits:
        """Return what is learned with one of the values."""
        own = slice(place, place + 1)
        return replace(self, coef=self.coef[own], intercept=self.intercept[own])

    def __len__(self) -> int:
        return len(self.coef)

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


def _logs_of_true(shares: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return logarithms of the probabilities of the true classes, none of them taken for none or all, shape (n_models, n_rows)."""
    import numpy as np

    least = np.finfo(np.float64).eps
    if shares.shape[-1] == 2:  # scikit-learn reads the share of the second class only
        true = np.where(y == 1, shares[..., 1], 1 - shares[..., 1])
    else:
        true = shares[:, np.arange(len(y)), y]
    return np.asarray(np.log(np.clip(true, least, 1 - least)))


def _shares(margins: np.ndarray, n_seen: int) -> np.ndarray:
    """Return probabilities of the classes that had rows from logarithms of their odds, shape (n_models, n_rows, n_seen)."""
    import numpy as np
    from scipy.special import expit

    if margins.shape[-1] == 1 and n_seen == 2:
        one = expit(margins)
        return np.concatenate([1 - one, one], axis=-1)
    shares = margins - margins.max(axis=-1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=-1, keepdims=True)
    return np.asarray(shares)


def _joint_shares(margins: np.ndarray, n_seen: int) -> np.ndarray:
    """Return probabilities of the classes from logarithms of joint ones, rounded as scikit-learn has them, shape (n_models, n_rows, n_seen)."""
    import numpy as np

    assert margins.shape[-1] == n_seen
    return np.asarray(np.exp(margins - _log_sums(margins)[..., None]))


def _log_sums(logs: np.ndarray) -> np.ndarray:
    """Return logarithms of sums over the last axis; that of two, by far the most frequent case, takes a pass."""
    import numpy as np
    from scipy.special import logsumexp

    if logs.shape[-1] == 2:
        return np.asarray(np.logaddexp(logs[..., 0], logs[..., 1]))
    return np.asarray(logsumexp(logs, axis=-1))


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
