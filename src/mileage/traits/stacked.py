"""Networks of scikit-learn trained on one stream of batches: their weights are stacked, and each step is made for all at once.

Whoever has the same shape, seed and batches draws the same first weights, the same rows to stop by and the same order of rows, so only
the arithmetic of a step is done here, and the count of hits by which classifiers stop early. All else is scikit-learn's own, net by
net: what ``fit`` checks and draws before the first step, the state of its optimizer, and when it stops. Each product is the one that
scikit-learn asks for, and each sum adds in its order, so the bits are the same, too.

References
----------
Wang et al. 2021, Horizontally Fused Training Array (arXiv 2102.02344): equal layers of several networks as one batched product.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from typing import Any

import numpy as np

_NEAR = 100_000  # numbers of weights and activations that stay near the processor: so many nets take a step at once
_FAR = 10 * _NEAR  # numbers that are too many to be made at once, and take longer than a call for each
_SCHEDULE = ("learning_rate_init", "learning_rate", "power_t", "max_iter", "tol", "n_iter_no_change")
_DIFFER = {
    "alpha",
    "momentum",
    "nesterovs_momentum",
    "beta_1",
    "beta_2",
    "epsilon",
    *_SCHEDULE,
}  # of nets of one stream


def stream_of(net: Any) -> tuple[str, ...] | None:
    """Return what a network has in common with all that may be trained on one stream of batches with it, None if it trains alone.

    Alone do networks train that have no batches (``lbfgs``), no seed, or a start elsewhere (``warm_start``), and those that report
    on each step.

    Examples
    --------
    >>> from sklearn.neural_network import MLPRegressor
    >>> nets = [MLPRegressor(alpha=alpha, random_state=0) for alpha in (0.1, 1.0)]
    >>> stream_of(nets[0]) == stream_of(nets[1]), stream_of(MLPRegressor())
    (True, None)
    """
    params = net.get_params(deep=False)
    is_seeded = isinstance(params["random_state"], int | np.integer)
    if not is_seeded or params["solver"] == "lbfgs" or params["warm_start"] or params["verbose"]:
        return None
    return (type(net).__name__, *(f"{name} = {value!r}" for name, value in params.items() if name not in _DIFFER))


def fit_stacked(nets: Sequence[Any], X: Any, y: Any) -> list[Any]:
    """Fit networks of scikit-learn on the same rows, each as its own ``fit`` would.

    Parameters
    ----------
    nets : sequence of MLPClassifier or MLPRegressor
        They are fitted in place. Those that have no stream of batches in common are fitted one by one, and so are all on rows of
        single precision, where a rounding goes further.
    X : array or sparse matrix of shape (n_rows, n_columns)
    y : array of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    list of the same networks

    Raises
    ------
    ValueError
        If scikit-learn refuses the rows, or what it would learn is not finite.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> nets = [MLPClassifier((4,), alpha=alpha, max_iter=99, tol=0.03, random_state=0) for alpha in (0.1, 99.0)]
    >>> [net.n_iter_ for net in fit_stacked(nets, X, X[:, 0] > 0)]
    [12, 12]
    """
    streams = {stream_of(net) for net in nets}
    begun = [_begun(net, X, y) for net in nets] if len(streams) == 1 and None not in streams else []
    if not begun or begun[0][0].dtype != np.float64:
        return [net.fit(X, y) for net in nets]
    rows, target = begun[0]
    _Stream(nets, rows, target.reshape(len(target), -1)).run()
    if not all(np.isfinite(weights).all() for net in nets for weights in net.coefs_ + net.intercepts_):
        message = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
        raise ValueError(message)
    return list(nets)


def _begun(net: Any, X: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Let scikit-learn do all that it does before the first step; return the rows and targets as it sees them."""
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    seen: list[tuple[Any, np.ndarray]] = []
    with _instead(net, "_fit_stochastic", lambda rows, target, *_: seen.append((rows, target))):
        net.fit(X, y)
    weights = net.coefs_ + net.intercepts_
    if net.solver == "adam":
        net._optimizer = AdamOptimizer(weights, net.learning_rate_init, net.beta_1, net.beta_2, net.epsilon)
    else:
        net._optimizer = SGDOptimizer(
            weights, net.learning_rate_init, net.learning_rate, net.momentum, net.nesterovs_momentum, net.power_t
        )
    return seen[0]


@contextmanager
def _instead(net: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Let a network call a function in the place of a method of its own."""
    setattr(net, name, function)
    try:
        yield
    finally:
        delattr(net, name)


class _Stream:
    """Batches of rows, and the networks that still train on them."""

    def __init__(self, nets: Sequence[Any], X: Any, y: np.ndarray) -> None:
        one = self.one = nets[0]
        self.rng = one._random_state
        self.X, self.y, self.held_out = X, y, (None, None)
        self.is_right: np.ndarray | None = None  # of the rows held out, the outputs that stand for their class
        if one.early_stopping:
            self._hold_out()
        n = self.X.shape[0]
        self.size = min(200 if one.batch_size == "auto" else one.batch_size, n)
        numbers = sum(w.size for w in one.coefs_ + one.intercepts_) + self.size * sum(b.size for b in one.intercepts_)
        at_once = max(1, _NEAR // numbers)
        self.stacks = [_Stack(nets[i : i + at_once]) for i in range(0, len(nets), at_once)]

    def _hold_out(self) -> None:
        """Keep the rows apart that say when to stop, as scikit-learn does.

        Raises
        ------
        ValueError
            If these are too few.
        """
        from sklearn.base import is_classifier
        from sklearn.model_selection import train_test_split

        one, strata = self.one, self.y if is_classifier(self.one) and self.one.n_outputs_ == 1 else None
        self.X, X, self.y, y = train_test_split(
            self.X, self.y, random_state=self.rng, test_size=one.validation_fraction, stratify=strata
        )
        if X.shape[0] < 2:
            message = "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            raise ValueError(message)
        self.held_out = (X, one._label_binarizer.inverse_transform(y) if is_classifier(one) else y)
        if is_classifier(one) and one._label_binarizer.y_type_ in {"binary", "multiclass"} and len(one.classes_) > 1:
            self.is_right = y

    def run(self) -> None:
        """Train until every network has stopped."""
        while self.stacks:
            for X, y in self._batches():
                for stack in self.stacks:
                    stack.step(X, y)
            self.stacks = [stack for stack in map(self._after, self.stacks) if stack is not None]

    def _batches(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Yield the batches of a walk over the rows."""
        from sklearn.utils import gen_batches, shuffle

        n = self.X.shape[0]
        if self.one.shuffle:
            self.order = shuffle(getattr(self, "order", np.arange(n)), random_state=self.rng)
        for batch in gen_batches(n, self.size):
            some = self.order[batch] if self.one.shuffle else batch
            yield self.X[some], self.y[some]

    def _after(self, stack: _Stack) -> _Stack | None:
        """Return the stack of those that go on after a walk, None if nobody does."""
        told = zip(stack.nets, stack.losses / self.X.shape[0], self._shares_of_hits(stack), strict=True)
        on = [net for net, loss, hits in told if not self._stops(net, loss, hits)]
        if len(on) < len(stack.nets):
            return _Stack(on) if on else None
        stack.losses[:] = 0.0
        return stack

    def _shares_of_hits(self, stack: _Stack) -> Sequence[float | None]:
        """Return the share of the rows held out that each network tells right; None where scikit-learn had better ask each."""
        X, right = self.held_out[0], self.is_right
        widest = max(len(intercept) for intercept in self.one.intercepts_)
        if right is None or len(stack.nets) * len(right) * widest > _FAR:
            return [None] * len(stack.nets)
        out = stack.layers(X)[-1]
        hits = out.argmax(axis=2) == right.argmax(axis=1) if right.shape[1] > 1 else (out > 0.5)[..., 0] == right[:, 0]
        return [int(n) / len(right) for n in hits.sum(axis=1)]

    def _stops(self, net: Any, loss: float, hits: float | None) -> bool:
        """Note what scikit-learn notes after a walk over the rows, and say whether it would stop."""
        net.n_iter_ += 1
        net.t_ += self.X.shape[0]
        net.loss_ = loss
        net.loss_curve_.append(loss)
        with _instead(net, "_score", lambda *_, **__: hits) if hits is not None else nullcontext():
            net._update_no_improvement_count(net.early_stopping, *self.held_out, None)
        net._optimizer.iteration_ends(net.t_)
        stops = False
        if net._no_improvement_count > net.n_iter_no_change:
            stops = net._optimizer.trigger_stopping("", verbose=False)
            net._no_improvement_count = net._no_improvement_count if stops else 0
        if not stops and net.n_iter_ < net.max_iter:
            return False
        if not stops:
            _warn(net.max_iter)
        self._leave(net)
        return True

    def _leave(self, net: Any) -> None:
        """Give a network what is its own, so that nothing of the others stays with it."""
        if net.early_stopping:
            net.coefs_, net.intercepts_ = net._best_coefs, net._best_intercepts
        else:
            net.coefs_, net.intercepts_ = _copied(net.coefs_), _copied(net.intercepts_)
        for name in _MOMENTS[net.solver]:
            setattr(net._optimizer, name, _copied(getattr(net._optimizer, name)))
        net._random_state = copy.deepcopy(self.rng)


_MOMENTS = {"adam": ("ms", "vs"), "sgd": ("velocities",)}


def _copied(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [array.copy() for array in arrays]


def _warn(max_iter: int) -> None:
    from sklearn.exceptions import ConvergenceWarning

    message = (
        f"Stochastic Optimizer: Maximum iterations ({max_iter}) reached and the optimization hasn't converged yet."
    )
    warnings.warn(message, ConvergenceWarning, stacklevel=2)


class _Stack:
    """Networks that take a step at once.

    Weights, slopes and moments of all lie in arrays of shape (n_nets, n_weights); those of the networks and their optimizers are
    views of these.
    """

    def __init__(self, nets: Sequence[Any]) -> None:
        from sklearn.neural_network._base import ACTIVATIONS, DERIVATIVES

        one = nets[0]
        self.nets, self.n_layers, self.losses = nets, len(one.coefs_), np.zeros(len(nets))
        self.activate, self.derive = ACTIVATIONS[one.activation], DERIVATIVES[one.activation]
        self.ends = _softmax if one.out_activation_ == "softmax" else ACTIVATIONS[one.out_activation_]
        self.measure = _LOSSES[one.loss, one.out_activation_]
        self.shapes = [weights.shape for weights in one.coefs_ + one.intercepts_]
        self.weights, views = self._stacked([net.coefs_ + net.intercepts_ for net in nets])
        self.coefs, self.intercepts = views[: self.n_layers], views[self.n_layers :]
        for i, net in enumerate(nets):
            net.coefs_, net.intercepts_ = [w[i] for w in self.coefs], [b[i] for b in self.intercepts]
        self.slopes = np.empty_like(self.weights)
        views = self._views(self.slopes)
        self.of_coefs, self.of_intercepts = views[: self.n_layers], views[self.n_layers :]
        self.alpha = self._of_each("alpha")
        self.update = self._adam() if one.solver == "adam" else self._sgd()

    def _stacked(self, of_nets: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return arrays of each network side by side, one network after the other, and views of these by array."""
        made = np.stack([np.concatenate([array.ravel() for array in arrays]) for arrays in of_nets])
        return made, self._views(made)

    def _views(self, stacked: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([0, *map(math.prod, self.shapes)])
        return [
            stacked[:, first:last].reshape(len(stacked), *shape)
            for (first, last), shape in zip(pairwise(ends), self.shapes, strict=True)
        ]

    def _of_each(self, name: str) -> np.ndarray:
        """Return a parameter of each network, shape (n_nets, 1)."""
        return np.array([[getattr(net, name)] for net in self.nets])

    def _moments(self, name: str) -> np.ndarray:
        """Return a moment of the optimizers, of which theirs are views."""
        made, views = self._stacked([getattr(net._optimizer, name) for net in self.nets])
        for i, net in enumerate(self.nets):
            setattr(net._optimizer, name, [view[i] for view in views])
        return made

    # --- a step -------------------------------------------------------------------------------------------------------

    def step(self, X: Any, y: np.ndarray) -> None:
        """Let every network learn from a batch, and add its loss to that of the walk."""
        n, layers = X.shape[0], self.layers(X)
        squares = sum(_squares(coef.reshape(len(coef), -1)) for coef in self.coefs)
        self.losses += (self.measure(y, layers[-1]) + 0.5 * self.alpha[:, 0] * squares / n) * n
        off = layers[-1] - y
        for i in reversed(range(self.n_layers)):
            self._slope(i, layers[i], off)
            if i:
                before = np.matmul(off, self.coefs[i].swapaxes(1, 2))
                self.derive(layers[i], before)
                off = before
        self.update()

    def layers(self, X: Any) -> list[Any]:
        """Return the rows, and what each layer makes of them, shape (n_nets, n_rows, n_units)."""
        made = [X]
        for i, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            out = _product(made[-1], coef)
            out += intercept[:, None]
            (self.activate if i + 1 < self.n_layers else self.ends)(out)
            made.append(out)
        return made

    def _slope(self, i: int, layer: Any, off: np.ndarray) -> None:
        n, of_coef, of_intercept = off.shape[1], self.of_coefs[i], self.of_intercepts[i]
        _product(layer.T if layer.ndim == 2 else layer.swapaxes(1, 2), off, out=of_coef)
        of_coef += self.alpha[:, :, None] * self.coefs[i]
        of_coef /= n
        np.sum(off, axis=1, out=of_intercept)
        of_intercept /= n

    def _adam(self) -> Callable[[], None]:
        first, second = self._moments("ms"), self._moments("vs")
        beta_1, beta_2, epsilon = (self._of_each(name) for name in ("beta_1", "beta_2", "epsilon"))
        rest_1, rest_2 = 1 - beta_1, 1 - beta_2

        def update() -> None:
            slopes = self.slopes
            np.multiply(first, beta_1, out=first)
            np.add(first, rest_1 * slopes, out=first)
            np.multiply(second, beta_2, out=second)
            slopes *= slopes
            slopes *= rest_2
            np.add(second, slopes, out=second)
            np.sqrt(second, out=slopes)
            slopes += epsilon
            step = np.array([[-_adam_rate(net._optimizer)] for net in self.nets]) * first
            step /= slopes
            self.weights += step

        return update

    def _sgd(self) -> Callable[[], None]:
        velocities, momentum = self._moments("velocities"), self._of_each("momentum")
        looks_ahead = self._of_each("nesterovs_momentum")

        def update() -> None:
            slopes = np.array([[net._optimizer.learning_rate] for net in self.nets]) * self.slopes
            np.multiply(velocities, momentum, out=velocities)
            np.subtract(velocities, slopes, out=velocities)
            self.weights += np.where(looks_ahead, momentum * velocities - slopes, velocities)

        return update


def _adam_rate(optimizer: Any) -> float:
    optimizer.t += 1
    bias = math.sqrt(1 - optimizer.beta_2**optimizer.t)
    optimizer.learning_rate = optimizer.learning_rate_init * bias / (1 - optimizer.beta_1**optimizer.t)
    return float(optimizer.learning_rate)


def _product(left: Any, right: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the products of stacked matrices, shape (n_nets, n_rows, n_columns); the left one may be one for all, and sparse."""
    if isinstance(left, np.ndarray):
        return np.asarray(np.matmul(left, right, out=out))
    side_by_side = left @ right.transpose(1, 0, 2).reshape(right.shape[1], -1)
    made = side_by_side.reshape(left.shape[0], len(right), -1).transpose(1, 0, 2)
    if out is None:
        return np.ascontiguousarray(made)
    out[...] = made
    return out


def _squares(weights: np.ndarray) -> np.ndarray:
    """Return the sum of squares of each row."""
    return np.asarray(np.matmul(weights[:, None], weights[:, :, None])[:, 0, 0])


def _softmax(margins: np.ndarray) -> None:
    """Make shares of margins along the last axis, in place."""
    np.exp(margins - margins.max(axis=-1)[..., None], out=margins)
    margins /= margins.sum(axis=-1)[..., None]


def _squared_errors(y: np.ndarray, told: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * ((y - told) ** 2).mean(axis=1).mean(axis=1))


def _log_losses(y: np.ndarray, told: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    return np.asarray(-xlogy(y, _inside(told)).mean(axis=1).sum(axis=1))


def _binary_log_losses(y: np.ndarray, told: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    told = _inside(told)
    return np.asarray(-(xlogy(y, told) + xlogy(1 - y, 1 - told)).mean(axis=1).sum(axis=1))


def _poisson_losses(y: np.ndarray, told: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    return np.asarray((xlogy(y, y / told) - y + told).mean(axis=1).sum(axis=1))


def _inside(shares: np.ndarray) -> np.ndarray:
    least = np.finfo(shares.dtype).eps
    return np.asarray(np.clip(shares, least, 1 - least))


_LOSSES: dict[tuple[str, str], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ("squared_error", "identity"): _squared_errors,
    ("poisson", "exp"): _poisson_losses,
    ("log_loss", "softmax"): _log_losses,
    ("log_loss", "logistic"): _binary_log_losses,
}
