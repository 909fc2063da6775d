"""Cut a fitted one back: what a fit with a larger value of a late-bound parameter says about a smaller one.

Each function takes a fitted estimator and a value, and returns one that answers as if it had been fitted with that value. The
given one is not changed; what is large in it is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary


def set_parameter(name: str) -> Callable[[Any, Any], Any]:
    """Return the cut of a parameter that is read when answering only."""

    def cut(fitted: Any, value: Any) -> Any:
        made = copy(fitted)
        setattr(made, name, value)
        return made

    return cut


def first_members(fitted: Any, n: int) -> Any:
    """The first ``n`` members of an ensemble: random numbers are drawn for one member after the other."""
    made = copy(fitted)
    made.estimators_ = fitted.estimators_[:n]
    if hasattr(fitted, "estimators_features_"):
        made.estimators_features_ = fitted.estimators_features_[:n]
    if hasattr(fitted, "estimator_weights_"):
        made.estimator_weights_, made.estimator_errors_ = fitted.estimator_weights_[:n], fitted.estimator_errors_[:n]
    made.n_estimators = n
    return made


def first_rounds(fitted: Any, n: int) -> Any:
    """The first ``n`` rounds of gradient boosting on histograms."""
    made = copy(fitted)
    made._predictors = fitted._predictors[:n]  # there is no public way that gives a fitted one
    made.max_iter = n
    return made


def first_trees(fitted: Any, n: int) -> Any:
    """The first ``n`` rounds of a LightGBM model, in a booster of their own."""
    made = copy(fitted)
    made._Booster = _FirstRounds(fitted.booster_, n)
    made.n_estimators = n
    return made


class _FirstRounds:
    """A booster of the first rounds of another one, which answers for it. It is made when something else is asked of it.

    Where it is written, it is written as a booster.
    """

    def __init__(self, whole: Any, n: int) -> None:
        self._whole, self._n = whole, n

    def current_iteration(self) -> int:
        """Return the number of rounds."""
        return min(self._n, int(self._whole.current_iteration()))

    def predict(self, data: Any, start_iteration: int = 0, num_iteration: int | None = None, **given: Any) -> Any:
        """Return what the rounds say, as :meth:`lightgbm.Booster.predict` does."""
        rest = self.current_iteration() - start_iteration
        if rest <= 0:
            return self._made.predict(data, start_iteration=start_iteration, num_iteration=num_iteration, **given)
        most = rest if num_iteration is None or num_iteration <= 0 else min(num_iteration, rest)
        return self._whole.predict(data, start_iteration=start_iteration, num_iteration=most, **given)

    @property
    def nbytes(self) -> int:
        """About the bytes that it takes: its share of the whole."""
        share = self.current_iteration() / max(1, int(self._whole.current_iteration()))
        return round(_written_bytes(self._whole) * share)

    @cached_property
    def _made(self) -> Any:
        return _booster(self._whole.model_to_string(num_iteration=self._n))

    def __getattr__(self, name: str) -> Any:
        from lightgbm import Booster

        if name.startswith("__") or not hasattr(Booster, name):
            raise AttributeError(name)
        return getattr(self._made, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _booster, (self._whole.model_to_string(num_iteration=self._n),)


_WRITTEN: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def _written_bytes(booster: Any) -> int:
    if isinstance(booster, _FirstRounds):
        return int(booster.nbytes)
    if booster not in _WRITTEN:
        _WRITTEN[booster] = len(booster.model_to_string())
    return int(_WRITTEN[booster])


def _booster(written: str) -> Any:
    from lightgbm import Booster

    return Booster(model_str=written)


def pruned(fitted: Any, ccp_alpha: float) -> Any:
    """A decision tree, its weakest links cut (Breiman et al. 1984, section 3.3)."""
    made = copy(fitted)
    made.ccp_alpha = ccp_alpha
    made._prune_tree()  # it is what ``fit`` calls last
    return made


def first_components(fitted: Any, n: float) -> Any:
    """The first principal components of a full decomposition: ``n`` of them, or as many as explain more than that share."""
    made = copy(fitted)
    made.n_components, made.n_components_ = n, _n_explaining(fitted, n) if isinstance(n, float) else n
    for name in ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
        setattr(made, name, getattr(fitted, name)[: made.n_components_])
    return made


def _n_explaining(fitted: Any, share: float) -> int:
    import numpy as np

    return int(np.searchsorted(np.cumsum(fitted.explained_variance_ratio_), share, side="right")) + 1


def smoothed(fitted: Any, var_smoothing: float) -> Any:
    """Gaussian naive Bayes with another share of the largest variance added."""
    made = copy(fitted)
    raw = fitted.epsilon_ / fitted.var_smoothing if fitted.var_smoothing else 0.0
    made.epsilon_ = var_smoothing * raw
    made.var_ = fitted.var_ - fitted.epsilon_ + made.epsilon_
    made.var_smoothing = var_smoothing
    return made


def recounted(fitted: Any, alpha: float) -> Any:
    """Naive Bayes on counts with another smoothing: its counts are kept, and its logarithms are made again."""
    made = copy(fitted)
    made.alpha = alpha
    made._update_feature_log_prob(alpha)
    return made


# The order of a class's parameters is the one in which a fit reads them.
CUTS: Mapping[tuple[str, str], Callable[[Any, Any], Any]] = {
    **{
        (name, "n_estimators"): first_members
        for name in (
            "RandomForestClassifier",
            "RandomForestRegressor",
            "ExtraTreesClassifier",
            "ExtraTreesRegressor",
            "GradientBoostingClassifier",
            "GradientBoostingRegressor",
            "AdaBoostClassifier",
            "BaggingClassifier",
        )
    },
    ("HistGradientBoostingClassifier", "max_iter"): first_rounds,
    ("HistGradientBoostingRegressor", "max_iter"): first_rounds,
    ("LGBMClassifier", "n_estimators"): first_trees,
    ("LGBMRegressor", "n_estimators"): first_trees,
    **{(name, "ccp_alpha"): pruned for name in ("DecisionTreeClassifier", "DecisionTreeRegressor")},
    ("PCA", "n_components"): first_components,
    ("FunctionTransformer", "kw_args"): set_parameter("kw_args"),
    **{
        (name, parameter): set_parameter(parameter)
        for name, parameters in {
            "SelectKBest": ("k",),
            "SelectPercentile": ("percentile",),
            "SelectFpr": ("alpha",),
            "SelectFdr": ("alpha",),
            "VarianceThreshold": ("threshold",),
            "KNeighborsClassifier": ("n_neighbors", "weights"),
            "KNeighborsRegressor": ("n_neighbors", "weights"),
            "KNNImputer": ("n_neighbors", "weights"),
        }.items()
        for parameter in parameters
    },
    ("GaussianNB", "var_smoothing"): smoothed,
    **{(name, "alpha"): recounted for name in ("MultinomialNB", "BernoulliNB", "CategoricalNB")},
}


def cut_parameters(name: str) -> tuple[str, ...]:
    """Return the late-bound parameters of a class, in the order in which they are cut.

    Examples
    --------
    >>> cut_parameters("KNeighborsRegressor")
    ('n_neighbors', 'weights')
    """
    return tuple(parameter for of, parameter in CUTS if of == name)


def cut_back(name: str, parameter: str, fitted: Any, value: Any) -> Any:
    """Return a fitted one of a class as it would be with another value of a late-bound parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.feature_selection import SelectKBest
    >>> X, y = np.array([[0.0, 1.0, 0.0], [1.0, 1.1, 0.0], [2.0, 0.9, 1.0], [3.0, 1.0, 0.0]]), [0, 0, 1, 1]
    >>> all_of_them = SelectKBest(k=3).fit(X, y)
    >>> cut_back("SelectKBest", "k", all_of_them, 1).get_support().tolist(), all_of_them.k
    ([True, False, False], 3)
    """
    return CUTS[name, parameter](fitted, value)
