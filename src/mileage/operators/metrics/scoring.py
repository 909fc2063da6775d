"""Scores from kept predictions, by scikit-learn's own scorers."""

from __future__ import annotations

import ast
import math
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mileage.core.near import near_matches
from mileage.core.registry import Registry
from mileage.errors import OperatorError
from mileage.operators.metrics.metric import Metric, MetricCall

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from mileage.operators.running import Predictions

_ALIASES = {
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "medae": "neg_median_absolute_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "max_error": "neg_max_error",
    "auc": "roc_auc",
    "mcc": "matthews_corrcoef",
}
_PLAIN: dict[str, tuple[str, ...]] = {
    "accuracy": ("binary", "multiclass"),
    "average_precision": ("binary",),
    "balanced_accuracy": ("binary", "multiclass"),
    "f1_macro": ("binary", "multiclass"),
    "f1_weighted": ("binary", "multiclass"),
    "matthews_corrcoef": ("binary", "multiclass"),
    "neg_brier_score": ("binary",),
    "neg_log_loss": ("binary", "multiclass"),
    "neg_mean_absolute_error": ("regression",),
    "neg_mean_squared_error": ("regression",),
    "neg_median_absolute_error": ("regression",),
    "neg_root_mean_squared_error": ("regression",),
    "r2": ("regression",),
    "roc_auc": ("binary",),
    "roc_auc_ovr": ("multiclass",),
}  # every scikit-learn has these scorers, for these tasks; a driver that meets no other need not import it
_DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
_PER_CLASS = ("precision", "recall", "f1", "fbeta", "jaccard")
_OF_CLASS = ("roc_auc", "average_precision")
_THRESHOLDS = ("decision_function", "predict_proba")
_NEED_LABELS = ("neg_log_loss", "neg_brier_score", "d2_log_loss_score", "d2_brier_score")  # a fold may lack a class
_OF_CLUSTERS = {
    "adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score", "homogeneity_score",
    "mutual_info_score", "normalized_mutual_info_score", "rand_score", "v_measure_score",
}  # fmt: skip
_REGRESSION_WORDS = (
    "squared",
    "absolute",
    "r2",
    "explained_variance",
    "max_error",
    "poisson",
    "gamma",
    "d2_",
    "rmse",
    "mse",
    "mae",
)


def _known_names() -> frozenset[str]:
    """Names that mean a metric without being members of the registry: an outsider must not change their meaning."""
    from sklearn.metrics import get_scorer_names

    return frozenset({*get_scorer_names(), *_ALIASES, *_PER_CLASS})


metrics: Registry[Metric] = Registry(
    "metric",
    package="mileage.operators.metrics",
    base=Metric,  # type: ignore[type-abstract]  # for isinstance only
    group="mileage.metrics",
    taken=_known_names,
)


def default_metric(task: str) -> str:
    """Return the metric a task is ranked by unless the query says.

    Examples
    --------
    >>> default_metric("multiclass")
    'log_loss'
    """
    return _DEFAULTS[task]


def metric_names() -> tuple[str, ...]:
    """Return the names that queries know, the short ones for those that have one.

    Examples
    --------
    >>> "rmse" in metric_names(), "neg_root_mean_squared_error" in metric_names()
    (True, False)
    """
    from sklearn.metrics import get_scorer_names

    long = set(_ALIASES.values())
    known = {name for name in get_scorer_names() if name not in long | _OF_CLUSTERS and not name.endswith("_samples")}
    return tuple(sorted({*known, *_ALIASES, *_PER_CLASS, *metrics.names()}))


@lru_cache(maxsize=256)
def resolve_metric(call: str, task: str, classes: tuple[str, ...] = ()) -> MetricCall:
    """Return what a metric call means for a task.

    Parameters
    ----------
    call : str
        A name, or a call such as ``recall('lung')``.
    task : {'binary', 'multiclass', 'regression'}
    classes : tuple of str, optional
        If given, a class that the call names must be one of them.

    Raises
    ------
    OperatorError
        If there is no such metric, it does not serve the task, or it takes no such arguments.

    Examples
    --------
    >>> resolve_metric("rmse", "regression").greater_is_better
    False
    """
    found = _resolved(call, task)
    if classes and found.args:
        _class_code(str(found.args[0]), classes)
    return found


def is_plain(call: str, task: str) -> bool:
    """Say whether a metric is one that every scikit-learn knows and can compute for the task, without arguments.

    Examples
    --------
    >>> is_plain("rmse", "regression"), is_plain("rmse", "binary"), is_plain("recall('yes')", "binary")
    (True, False, False)
    """
    scorer = _ALIASES.get(call, call)
    return metrics.find(call) is None and task in _PLAIN.get(scorer, ())


def _resolved(call: str, task: str) -> MetricCall:
    name, args, named = _parse(call)
    own = metrics.find(name)
    if own is not None:
        if task not in own.tasks:
            raise OperatorError(f"{name} does not serve {task}", code="O504", hint=f"it serves {', '.join(own.tasks)}")
        if args or named:
            raise OperatorError(f"{name} takes no arguments", code="O504", hint=f"write {name}")
        return MetricCall(name, args, named, own.greater_is_better)
    found = _scorer_call(name, args, named, task)
    _check_arguments(found, task)
    return found


def _scorer_call(name: str, args: tuple[object, ...], named: tuple[tuple[str, object], ...], task: str) -> MetricCall:
    scorer = _ALIASES.get(name, name)
    if task == "multiclass" and scorer == "roc_auc":
        scorer = "roc_auc_ovr"
    if task not in _PLAIN.get(scorer, ()):
        _refuse_stranger(name, scorer)
    if scorer.endswith("_samples"):
        raise OperatorError(
            f"{name} serves targets with several labels a row",
            code="O504",
            hint=f"use {name.removesuffix('_samples')}_macro",
        )
    is_regression = any(word in scorer for word in _REGRESSION_WORDS) and scorer not in _NEED_LABELS
    if is_regression != (task == "regression") or (task == "multiclass" and "likelihood_ratio" in scorer):
        hint = f"for example {default_metric(task)}"
        raise OperatorError(f"{name} does not serve {task}", code="O504", hint=hint)
    if name in _PER_CLASS and task == "multiclass" and not args and "average" not in dict(named):
        raise OperatorError(
            f"{name} of several classes needs one of them", code="O504", hint=f"{name}('class') or {name}_macro"
        )
    shown_positive = scorer.startswith("neg_") and name != scorer
    return MetricCall(name, args, named, not shown_positive, scorer, -1.0 if shown_positive else 1.0)


def _refuse_stranger(name: str, scorer: str) -> None:
    from sklearn.metrics import get_scorer_names

    known = set(get_scorer_names())
    if scorer not in known and name not in _PER_CLASS:
        near = near_matches(name, [*known, *_ALIASES, *metrics.names()])
        listed = f"did you mean {near[0]}?" if near else f"for example {', '.join(_DEFAULTS.values())}"
        raise OperatorError(f"no metric '{name}'", code="O504", hint=metrics.why_not(name) or listed)


def _check_arguments(found: MetricCall, task: str) -> None:
    """Refuse arguments that the metric would not read."""
    name, args = found.name, found.args
    of_class = name in _PER_CLASS or (task == "binary" and found.scorer in _OF_CLASS)
    if len(args) > of_class:
        hint = f"{name}('class')" if of_class else f"write {name}"
        raise OperatorError(
            f"{name} takes {'one class' if of_class else 'no class'}, not {len(args)}", code="O504", hint=hint
        )
    known = _keywords(found) if found.named else set()
    strangers = [key for key, _ in found.named if key not in known]
    if strangers:
        near = near_matches(strangers[0], known)
        hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(known)) or 'none'}"
        raise OperatorError(f"{name} has no argument '{strangers[0]}'", code="O504", hint=hint)
    if name == "fbeta" and "beta" not in dict(found.named):
        raise OperatorError("fbeta needs its beta", code="O504", hint="for example fbeta(beta = 2)")


def _keywords(found: MetricCall) -> set[str]:
    import inspect

    import sklearn.metrics as known

    if found.name in _PER_CLASS:
        function = getattr(known, f"{found.name}_score")
    else:
        function = known.get_scorer(found.scorer)._score_func
    names = inspect.signature(function).parameters
    return set(names) - {
        "y_true",
        "y_pred",
        "y_score",
        "y_prob",
        "y_proba",
        "labels_true",
        "labels_pred",
        "sample_weight",
    }


def _class_code(name: str, classes: tuple[str, ...]) -> int:
    if name not in classes:
        near = near_matches(name, classes)
        hint = f"did you mean '{near[0]}'?" if near else f"classes: {', '.join(classes[:8])}"
        raise OperatorError(f"the target has no class '{name}'", code="O505", hint=hint)
    return classes.index(name)


def _parse(call: str) -> tuple[str, tuple[object, ...], tuple[tuple[str, object], ...]]:
    if "(" not in call:
        return call.strip(), (), ()
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except SyntaxError as error:
        raise OperatorError(f"'{call}' is no metric call", code="O504") from error
    if not isinstance(node, ast.Call):
        raise OperatorError(f"'{call}' is no metric call", code="O504", hint="write for example recall('class')")
    try:
        args = tuple(_argument(arg) for arg in node.args)
        named = tuple((str(k.arg), _argument(k.value)) for k in node.keywords)
    except ValueError as error:
        hint = "arguments are numbers, texts and names"
        raise OperatorError(f"'{call}' is no metric call", code="O504", hint=hint) from error
    return ast.unparse(node.func), args, named


def _argument(node: ast.expr) -> object:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def score(
    call: str, y: np.ndarray, predictions: Predictions, *, classes: tuple[str, ...], task: str, positive: int = 1
) -> float:
    """Return the value of a metric on rows with the true codes or values ``y``.

    NaN where the metric is not defined on these rows, for example with one class only; :func:`score_or_reason` says why.
    """
    return score_or_reason(call, y, predictions, classes=classes, task=task, positive=positive)[0]


def score_or_reason(
    call: str, y: np.ndarray, predictions: Predictions, *, classes: tuple[str, ...], task: str, positive: int = 1
) -> tuple[float, str]:
    """Return the value of a metric and ``""``, or NaN and why it is not defined on these rows.

    Parameters
    ----------
    call : str
        A metric call such as ``"recall('lung')"``.
    y : array of shape (n_rows,)
        True class codes, or values.
    predictions : Predictions
        As kept, for the same rows.
    classes : tuple of str
        Names of the codes; empty for a regression.
    task : {'binary', 'multiclass', 'regression'}
    positive : int, default 1
        Code of the class that binary metrics are about.

    Raises
    ------
    OperatorError
        If there is no such metric or class.
    """
    found = resolve_metric(call, task)
    if not len(y):
        return math.nan, "there are no rows"
    if not found.scorer:
        value = float(metrics.get(found.name).measure(y, predictions, classes))
        return value, _undefined(call, y, task) if math.isnan(value) else ""
    if (
        found.scorer == "accuracy" and not found.args and not found.named
    ):  # the checks of a scorer take longer than its sum
        return found.sign * float((predictions.labels == y).mean()), ""
    scorer = _scorer(found, classes, positive)
    kept = _kept_model(predictions, task, len(classes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = found.sign * float(scorer(kept, y, y))
        except ValueError as error:  # scikit-learn's word for "not defined on these rows"
            return math.nan, str(error).partition("\n")[0]
    return value, _undefined(call, y, task) if math.isnan(value) else ""


def _undefined(call: str, y: np.ndarray, task: str) -> str:
    only_one = task != "regression" and len(set(y.tolist())) == 1
    return f"{call} is not defined on rows of one class" if only_one else f"{call} is not defined on these rows"


def _scorer(found: MetricCall, classes: tuple[str, ...], positive: int) -> Any:
    from sklearn.metrics import get_scorer, make_scorer

    if found.name in _PER_CLASS:
        import sklearn.metrics as known

        function = getattr(known, f"{found.name}_score")
        return make_scorer(function, **_class_arguments(found, classes, positive))
    if found.args:
        return _of_class(found, classes)
    scorer = get_scorer(found.scorer)
    if found.scorer in _NEED_LABELS:
        labels = {"labels": list(range(len(classes))), **dict(found.named)}
        greater = scorer._sign > 0
        return make_scorer(scorer._score_func, greater_is_better=greater, response_method="predict_proba", **labels)
    if found.named:
        return make_scorer(
            scorer._score_func,
            greater_is_better=scorer._sign > 0,
            response_method=scorer._response_method,
            **{**scorer._kwargs, **dict(found.named)},
        )
    return scorer


def _of_class(found: MetricCall, classes: tuple[str, ...]) -> Any:
    """A ranking metric about one of two classes; the area under the ROC curve is the same for both."""
    from sklearn.metrics import average_precision_score, get_scorer, make_scorer

    code = _class_code(str(found.args[0]), classes)
    if found.scorer == "roc_auc":
        return get_scorer("roc_auc")
    return make_scorer(average_precision_score, response_method=_THRESHOLDS, pos_label=code, **dict(found.named))


def _class_arguments(found: MetricCall, classes: tuple[str, ...], positive: int) -> dict[str, Any]:
    if "average" in dict(found.named):
        return {"zero_division": 0.0, **dict(found.named)}
    wanted = str(found.args[0]) if found.args else classes[positive]
    return {
        "labels": [_class_code(wanted, classes)],
        "average": "macro",
        "zero_division": 0.0 if found.name in {"precision", "jaccard"} else math.nan,
        **dict(found.named),
    }


def _kept_model(predictions: Predictions, task: str, n_classes: int) -> Any:
    """Return an estimator that answers with the kept predictions, whatever it is asked for."""
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class KeptRegressor(RegressorMixin, BaseEstimator):
        def predict(self, X: Any) -> Any:
            del X
            return predictions.values

    class KeptClassifier(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(n_classes)

        def predict(self, X: Any) -> Any:
            del X
            return predictions.labels

        def predict_proba(self, X: Any) -> Any:
            del X
            return predictions.proba()

        def decision_function(self, X: Any) -> Any:
            del X
            if predictions.kind == "decision":
                return predictions.values
            return predictions.values[:, 1] if n_classes == 2 else predictions.values

    return KeptRegressor() if task == "regression" else KeptClassifier()


def _code(value: Any) -> str:
    return "float('nan')" if value != value else repr(value)  # noqa: PLR0124  (NaN alone differs from itself)


def scorer_code(
    call: str, task: str, classes: tuple[str, ...], *, margins: bool = False
) -> tuple[str, tuple[str, ...], float, tuple[Callable[..., Any], ...]]:
    """Return an expression for ``scoring=`` in a plain script, its imports, its sign, and functions of ours it uses.

    Parameters
    ----------
    call, task, classes
        As for :func:`score`.
    margins : bool, default False
        Whether the model has no ``predict_proba``: its margins are then taken for probabilities as they are here.

    Examples
    --------
    >>> scorer_code("auc", "binary", ("no", "yes"))
    ("'roc_auc'", (), 1.0, ())
    >>> scorer_code("recall('yes')", "binary", ("no", "yes"))[1]
    ('from sklearn.metrics import make_scorer, recall_score',)
    """
    from mileage.operators.glue import of_margins

    found = resolve_metric(call, task)
    if not found.scorer:
        raise OperatorError(
            f"{call} is a metric of its own: a plain script cannot compute it",
            code="O506",
            hint="OPTIMIZE one of scikit-learn's metrics",
        )
    scorer = _scorer(found, classes, 1)
    turned = margins and scorer._response_method == "predict_proba"
    if (
        not turned
        and found.name not in _PER_CLASS
        and found.scorer not in _NEED_LABELS
        and not (found.named or found.args)
    ):
        return repr(found.scorer), (), found.sign, ()
    name = scorer._score_func.__name__
    response = "decision_function" if turned else scorer._response_method
    arguments = [of_margins.__name__, f"metric={name}"] if turned else [name]
    arguments += ["greater_is_better=False"] if scorer._sign < 0 else []
    arguments += [f"response_method={response!r}"] if response != "predict" else []
    arguments += [f"{key}={_code(value)}" for key, value in scorer._kwargs.items()]
    imports = (f"from sklearn.metrics import make_scorer, {name}",)
    return f"make_scorer({', '.join(arguments)})", imports, found.sign, (of_margins,) if turned else ()
