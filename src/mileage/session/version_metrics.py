"""Metrics of two versions: which is better, and whether the difference is more than chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_LOWER = frozenset(
    [
        "brier",
        "cost",
        "costs",
        "deviance",
        "error",
        "errors",
        "inertia",
        "logloss",
        "loss",
        "mae",
        "mape",
        "mse",
        "regret",
        "rmse",
        "rmsle",
        "smape",
        "wer",
    ]
)
_HIGHER = frozenset(
    [
        "accuracy",
        "acc",
        "ap",
        "auc",
        "auroc",
        "f1",
        "f2",
        "fscore",
        "gini",
        "jaccard",
        "kappa",
        "map",
        "mcc",
        "ndcg",
        "precision",
        "r2",
        "recall",
        "score",
        "sensitivity",
        "silhouette",
        "specificity",
    ]
)
_MOST_FOLDS, _MOST_ARRAYS = 100, 6
_DRAWS, _SLOW_DRAWS = 1000, 200  # of a metric that takes milliseconds, enough to tell the spread
UNTESTED = "a plain difference: show truth and predictions, or scores by fold, for an interval"


def greater_is_better(name: str) -> bool | None:
    """Return whether more is better of what is called so, as its words say; none where they do not.

    Examples
    --------
    >>> greater_is_better("test_accuracy"), greater_is_better("log loss"), greater_is_better("rows")
    (True, False, None)
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    if words & _LOWER:
        return "neg" in words
    return True if words & _HIGHER else None


def is_metric(value: object) -> bool:
    """Say whether an output is a number, and no yes or no."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One number of two versions; ``low`` and ``high`` bound the difference at 95 % where rows or folds tell it."""

    name: str
    old: float
    new: float
    difference: float
    low: float | None
    high: float | None
    verdict: str
    basis: str

    @property
    def interval(self) -> str:
        """The interval as text."""
        return f"{self.low:+.4g} to {self.high:+.4g}" if self.low is not None else ""

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def metric_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], rows: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> tuple[MetricChange, ...]:
    """Compare the numbers two versions share; ``rows`` holds the arrays that each has kept, by name.

    A number belongs to arrays if they give it in both versions: as their mean (scores by fold, losses by row), or as a
    known metric of true values, equal in both versions, and predictions. No name is guessed from.

    Examples
    --------
    >>> folds = {"folds": [0.90, 0.91, 0.92]}, {"folds": [0.95, 0.96, 0.975]}
    >>> [made] = metric_changes({"accuracy": 0.91}, {"accuracy": 2.885 / 3}, folds)
    >>> made.verdict, made.basis
    ('better', 'paired over 3 folds')
    """
    arrays = _paired_arrays(*rows)
    names = [name for name in old if is_metric(old[name]) and is_metric(new.get(name))]
    return tuple(_change(name, float(old[name]), float(new[name]), arrays) for name in names)


def _change(name: str, was: float, now: float, arrays: Mapping[str, tuple[Any, Any]]) -> MetricChange:
    for look in (_by_mean, _by_rows):
        found = look(was, now, arrays)
        if found is not None:
            low, high, basis = found
            return MetricChange(name, was, now, now - was, low, high, _verdict(name, now - was, low, high), basis)
    verdict = "equal" if now == was else "untested"
    return MetricChange(name, was, now, now - was, None, None, verdict, "" if now == was else UNTESTED)


def _verdict(name: str, difference: float, low: float, high: float) -> str:
    if difference == 0 == low == high:
        return "equal"
    if low <= 0 <= high:
        return "undecided"
    more = greater_is_better(name)
    if more is None:
        return "higher" if difference > 0 else "lower"
    return "better" if (difference > 0) == more else "worse"


def _paired_arrays(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    import numpy as np

    both = {name: (np.asarray(old[name]), np.asarray(new[name])) for name in old if name in new}
    return {name: pair for name, pair in both.items() if pair[0].shape == pair[1].shape and len(pair[0]) > 1}


def _by_mean(was: float, now: float, arrays: Mapping[str, tuple[Any, Any]]) -> tuple[float, float, str] | None:
    for one, other in arrays.values():
        if one.dtype.kind not in "fiu" or not (_same(one.mean(), was) and _same(other.mean(), now)):
            continue
        if len(one) <= _MOST_FOLDS:
            return *_over_folds(one, other), f"paired over {len(one)} folds"
        low, high = _interval(len(one), _mean_of(other - one))
        return low, high, f"paired bootstrap over {len(one)} rows"
    return None


def _mean_of(deltas: np.ndarray) -> Callable[[Any], float]:
    return lambda i: float(deltas[i].mean())


def _over_folds(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the interval of a mean over folds, whose training sets overlap."""
    from mileage.results.comparison import paired_difference
    from mileage.results.trial import Trial

    new, old = (Trial(i, scores={"score": tuple(map(float, scores))}) for i, scores in enumerate((other, one)))
    made = paired_difference(new, old, "score")
    return made.low, made.high


def _by_rows(was: float, now: float, arrays: Mapping[str, tuple[Any, Any]]) -> tuple[float, float, str] | None:
    """Find true values and predictions of which a known metric gives the numbers, and draw rows again and again."""
    listed = dict(list(arrays.items())[:_MOST_ARRAYS])
    for truth, predicted in permutations(listed, 2):
        (t, t_now), (p, p_now) = listed[truth], listed[predicted]
        if t.shape != p.shape or not (t == t_now).all():
            continue
        for metric, measure, draws in _measures(t, p):
            if _same(_of(measure, t, p), was) and _same(_of(measure, t, p_now), now):
                low, high = _interval(len(t), _difference(measure, t, p, p_now), draws)
                return low, high, f"paired bootstrap over {len(t)} rows ({metric} of {truth} and {predicted})"
    return None


def _difference(measure: Measure, t: Any, p: Any, p_now: Any) -> Callable[[Any], float]:
    return lambda i: _of(measure, t[i], p_now[i]) - _of(measure, t[i], p[i])


def _interval(n: int, statistic: Callable[[Any], float], draws: int = _DRAWS) -> tuple[float, float]:
    """Return the middle 95 % of a statistic over rows drawn with replacement; the draws are the same every time.

    Of few draws the ends are those of a normal distribution of the same spread.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    drawn = [statistic(rng.integers(0, n, n)) for _ in range(draws)]
    if draws < _DRAWS:
        half = 1.96 * float(np.nanstd(drawn, ddof=1))
        whole = statistic(np.arange(n))
        return whole - half, whole + half
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return float(low), float(high)


Measure = Callable[[Any, Any], float]


def _of(measure: Measure, t: Any, p: Any) -> float:
    try:
        return float(measure(t, p))
    except ValueError:  # not defined on these rows, for example with one class only
        return float("nan")


def _measures(t: Any, p: Any) -> Iterator[tuple[str, Measure, int]]:
    """Yield the metrics that are defined on values of these kinds, the quick ones first, and how often to draw rows."""
    yield from ((name, measure, _DRAWS) for name, measure in _own_measures(t, p))
    numbers = t.dtype.kind in "fiub" and p.dtype.kind in "fiub"
    classes = t.dtype.kind == p.dtype.kind and t.dtype.kind in "USib"
    yield from ((name, m, _SLOW_DRAWS) for name, m in _library_measures(numbers=numbers, classes=classes))


def _own_measures(t: Any, p: Any) -> Iterator[tuple[str, Measure]]:
    numbers = t.dtype.kind in "fiub" and p.dtype.kind in "fiub"
    if t.dtype.kind == p.dtype.kind:
        yield "accuracy", lambda t, p: (t == p).mean()
        yield "error rate", lambda t, p: (t != p).mean()
    if numbers:
        yield "mae", lambda t, p: abs(t - 1.0 * p).mean()
        yield "mse", lambda t, p: ((t - 1.0 * p) ** 2).mean()
        yield "rmse", lambda t, p: ((t - 1.0 * p) ** 2).mean() ** 0.5
        yield "r2", lambda t, p: 1 - ((t - 1.0 * p) ** 2).sum() / ((t - t.mean()) ** 2).sum()


def _library_measures(*, numbers: bool, classes: bool) -> Iterator[tuple[str, Measure]]:
    if numbers:
        for name in ("roc_auc_score", "average_precision_score", "log_loss", "mean_absolute_percentage_error"):
            yield name, _quiet(name)
    if classes:
        yield "balanced_accuracy_score", _quiet("balanced_accuracy_score")
        for name in ("f1_score", "precision_score", "recall_score"):
            for average in ("binary", "macro", "weighted", "micro"):
                yield f"{average} {name}", _quiet(name, average=average)


@cache
def _quiet(name: str, **options: str) -> Measure:
    """Return a metric of scikit-learn's that is not a number where it would only warn or refuse."""

    def measure(t: Any, p: Any) -> float:
        import warnings

        from sklearn import metrics

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(getattr(metrics, name)(t, p, **options))

    return measure


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
