"""Which input columns of a fitted step its output columns come from, and which a fitted model reads at all.

Each kind of step that is known has one function here, by the name of its class; what is not known is not claimed: the
answer is None, and all columns stay. What a step reads is not all it asks of its input: scikit-learn refuses missing and
infinite values, and zero times infinity is no number. So each answer also says what the columns it leaves out must be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Parts = tuple[tuple[int, ...], ...]
_FAR = 1e9  # beyond any part of a date
_LIBRARIES = frozenset({"sklearn", "mileage", "lightgbm"})


class Asks(IntEnum):
    """What a step asks of a column although no wanted output comes from it."""

    NOTHING = 0
    NOT_INFINITE = 1
    FINITE = 2  # neither infinite nor missing


@dataclass(frozen=True)
class Law:
    """How the outputs of a fitted transformer come from its inputs.

    ``parts`` holds for each input the outputs it has a part in. ``ends`` takes an array of three rows, the lowest and the
    highest value of each input and what a missing one is, and returns the same of the outputs.
    """

    parts: Parts
    ends: Callable[[np.ndarray], np.ndarray]
    asks: Asks = Asks.NOTHING

    def inputs_of(self, wanted: Collection[int]) -> frozenset[int]:
        """Return the inputs that have a part in any of the wanted outputs."""
        return frozenset(i for i, outputs in enumerate(self.parts) if not wanted.isdisjoint(outputs))  # type: ignore[attr-defined]

    def outputs_of(self, kept: Collection[int]) -> tuple[int, ...]:
        """Return the outputs that come from the kept inputs alone."""
        made = {output for i in kept for output in self.parts[i]}
        lost = {output for i, outputs in enumerate(self.parts) if i not in kept for output in outputs}
        return tuple(sorted(made - lost))


@dataclass(frozen=True)
class Reads:
    """The columns of the matrix that a fitted model reads, of ``n_columns``, and what it asks of the others."""

    columns: frozenset[int]
    n_columns: int
    asks: Asks = Asks.FINITE


def law_of(state: Any) -> Law | None:
    """Return how the outputs of a fitted transformer come from its inputs; None if that is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> made = OneHotEncoder().fit(np.array([["a", "x"], ["b", "x"]], dtype=object))
    >>> law_of(made).parts
    ((0, 1), (2,))
    """
    known = _LAWS.get(type(state).__name__) if _is_known(state) else None
    return known(state) if known is not None else None


def reads_of(state: Any) -> Reads | None:
    """Return the columns that a fitted model reads; None if that is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> sorted(reads_of(LinearRegression().fit(X, X[:, 0])).columns)
    [0]
    """
    known = _READS.get(type(state).__name__) if _is_known(state) else None
    return known(state) if known is not None else None


def _is_known(state: Any) -> bool:
    return type(state).__module__.split(".")[0] in _LIBRARIES


def without_names(state: Any) -> Any:
    """Return a copy of a fitted step that does not look at the names of columns."""
    made = copy(state)
    vars(made).pop("feature_names_in_", None)
    return made


def _one_to_one(n: int) -> Parts:
    return tuple((i,) for i in range(n))


# --- transformers -----------------------------------------------------------------------------------------------------


def _monotone(state: Any) -> Law:
    """Each output rises with its input: what lies between the ends comes to lie between their images."""
    return Law(_one_to_one(int(state.n_features_in_)), _applied(state), Asks.NOT_INFINITE)


def _applied(state: Any) -> Callable[[np.ndarray], np.ndarray]:
    import numpy as np

    step = without_names(state)

    def ends_of(given: np.ndarray) -> np.ndarray:
        endless = np.isinf(given).any(axis=0)
        try:
            made = np.asarray(step.transform(np.where(endless, 0.0, given)), dtype=np.float64)
        except ValueError:  # numbers that it refuses: nothing can be said of what it makes of them
            made, endless = step.transform(np.zeros_like(given)), np.ones_like(endless)
        made[:, : len(endless)][:, endless] = np.inf
        return made

    return ends_of


def _imputer(state: Any) -> Law | None:
    n = int(state.n_features_in_)
    if not state.keep_empty_features:  # columns without any value are dropped
        return None
    if state.statistics_.dtype.kind != "f":
        return Law(_one_to_one(n), lambda ends: ends)
    extra = list(state.indicator_.features_) if state.indicator_ is not None else []
    parts = tuple((i, n + extra.index(i)) if i in extra else (i,) for i in range(n))
    return Law(parts, _applied(state), Asks.NOT_INFINITE)


def _one_hot(state: Any) -> Law:
    first, parts = 0, []
    for width in state._n_features_outs:
        parts.append(tuple(range(first, first + int(width))))
        first += int(width)
    return Law(tuple(parts), _between(0.0, 1.0, first))


def _ordinal(state: Any) -> Law:
    n, most = int(state.n_features_in_), max((len(levels) for levels in state.categories_), default=0)
    codes = [code for code in (state.unknown_value, state.encoded_missing_value) if code is not None]
    low = min([0.0, *(float(code) for code in codes if not math.isnan(code))])
    return Law(_one_to_one(n), _between(low, float(most), n, may_miss=True))


def _target(state: Any) -> Law:
    import numpy as np

    n = int(state.n_features_in_)
    each = len(state.encodings_) // n
    means = np.concatenate([np.ravel(v) for v in (*state.encodings_, state.target_mean_)])
    parts = tuple(tuple(range(i * each, (i + 1) * each)) for i in range(n))
    return Law(parts, _between(float(means.min()), float(means.max()), n * each))


def _words(state: Any) -> Law:
    n = len(state.vocabulary_)
    return Law((tuple(range(n)),), _between(0.0, 1.0, n))


def _between(low: float, high: float, n: int, *, may_miss: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    import numpy as np

    return lambda _ends: np.repeat([[low], [high], [np.nan if may_miss else low]], n, axis=1)


def _function(state: Any) -> Law | None:
    n = int(getattr(state, "n_features_in_", 1))
    name = getattr(state.func, "__name__", "") if state.func is not None else "as_they_are"
    if state.func is not None and state.func.__module__ != "mileage.operators.glue":
        return None
    if name == "date_parts":
        parts = tuple(tuple(range(7 * i, 7 * i + 7)) for i in range(n))
        return Law(parts, _between(-_FAR, _FAR, 7 * n, may_miss=True))
    return Law(_one_to_one(n), lambda ends: ends) if name in _COLUMN_BY_COLUMN else None


_COLUMN_BY_COLUMN = frozenset(
    {"as_they_are", "as_texts", "as_objects", "as_categories", "missing_as_level", "as_matrix", "as_dense"}
)


def _selector(state: Any) -> Law:
    support = state.get_support()
    place = iter(range(int(support.sum())))
    parts = tuple((next(place),) if kept else () for kept in support)
    return Law(parts, lambda ends: ends[:, support], Asks.FINITE)


def _chain(state: Any) -> Law | None:
    """Return the law of a scikit-learn pipeline of transformers."""
    laws = [law_of(step) for _, step in state.steps]
    known = [law for law in laws if law is not None]
    if not known or len(known) < len(laws) or any(law.asks for law in known[1:]):
        return None
    parts = known[0].parts
    for law in known[1:]:
        parts = tuple(tuple(sorted({o for i in outputs for o in law.parts[i]})) for outputs in parts)

    def ends(given: np.ndarray) -> np.ndarray:
        for law in known:
            given = law.ends(given)
        return given

    return Law(parts, ends, known[0].asks)


_LAWS: dict[str, Callable[[Any], Law | None]] = {
    **dict.fromkeys(("StandardScaler", "MinMaxScaler", "RobustScaler", "QuantileTransformer"), _monotone),
    **dict.fromkeys(("SelectKBest", "SelectPercentile", "VarianceThreshold", "SelectFromModel"), _selector),
    "PowerTransformer": _monotone,
    "SimpleImputer": _imputer,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _target,
    "TfidfVectorizer": _words,
    "FunctionTransformer": _function,
    "Pipeline": _chain,
}


# --- models -----------------------------------------------------------------------------------------------------------


def _weights(state: Any) -> Reads:
    """A column of weight zero in all classes adds zero to each sum, if it is finite."""
    import numpy as np

    weights = np.atleast_2d(state.coef_)
    return Reads(frozenset(np.flatnonzero((weights != 0).any(axis=0)).tolist()), weights.shape[1])


def _inner(state: Any) -> Reads | None:
    return reads_of(state.regressor_)


def _tree(state: Any) -> Reads:
    """A tree reads the columns it splits on."""
    features = state.tree_.feature
    return Reads(frozenset(features[features >= 0].tolist()), int(state.n_features_in_))


def _forest(state: Any) -> Reads:
    read = frozenset[int]().union(*(_tree(tree).columns for tree in state.estimators_))
    return Reads(read, int(state.n_features_in_))


def _boosted(state: Any) -> Reads | None:
    """Trees on binned columns; scikit-learn puts columns of category codes first, and so does MILE."""
    codes = state.categorical_features
    if codes is not None and (isinstance(codes, str) or list(codes) != list(range(len(codes)))):
        return None
    nodes = [tree.nodes for round_ in state._predictors for tree in round_]
    read = frozenset(int(i) for n in nodes for i in n["feature_idx"][n["is_leaf"] == 0])
    return Reads(read, int(state.n_features_in_), Asks.NOTHING)


def _lightgbm(state: Any) -> Reads:
    import numpy as np

    counts = state.booster_.feature_importance("split")
    return Reads(frozenset(np.flatnonzero(counts).tolist()), len(counts), Asks.NOTHING)


def _last(state: Any) -> Reads | None:
    """Return what a scikit-learn pipeline of one-to-one steps and a model reads."""
    before = [type(step).__name__ for _, step in state.steps[:-1]]
    return reads_of(state.steps[-1][1]) if set(before) <= {"EmptyAsZero"} else None


_LINEAR = ("LogisticRegression", "LinearRegression", "Ridge", "RidgeClassifier", "Lasso", "ElasticNet", "LinearSVC",
           "LinearSVR")  # fmt: skip
_READS: dict[str, Callable[[Any], Reads | None]] = {
    **dict.fromkeys(_LINEAR, _weights),
    **{f"{kind}{task}": _forest for kind in ("RandomForest", "ExtraTrees") for task in ("Classifier", "Regressor")},
    **{f"DecisionTree{task}": _tree for task in ("Classifier", "Regressor")},
    **{f"HistGradientBoosting{task}": _boosted for task in ("Classifier", "Regressor")},
    **{f"LGBM{task}": _lightgbm for task in ("Classifier", "Regressor")},
    "TransformedTargetRegressor": _inner,
    "Pipeline": _last,
}
