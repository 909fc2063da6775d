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
    import numpy as np

    from mileage.operators.running import Predictions

metrics: Registry[Metric] = Registry(
    "metric",
    package="mileage.operators.metrics",
    base=Metric,  # type: ignore[type-abstract]
    group="mileage.metrics",
)

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
_DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
_PER_CLASS = ("precision", "recall", "f1", "fbeta", "jaccard")
_NEED_LABELS = ("neg_log_loss", "neg_brier_score", "d2_log_loss_score", "d2_brier_score")  # a fold may lack a class
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


def default_metric(task: str) -> str:
    """Return the metric a task is ranked by unless the query says.

    Examples
    --------
    >>> default_metric("multiclass")
    'log_loss'
    """
    return _DEFAULTS[task]


@lru_cache(maxsize=256)
def resolve_metric(call: str, task: str, classes: tuple[str, ...] | None = None) -> MetricCall:
    """Return what a metric call means for a task.

    Parameters
    ----------
    call : str
        A name, or a call such as ``recall('lung')``.
    task : {'binary', 'multiclass', 'regression'}
    classes : tuple of str, optional
        The classes of the target, one of which the call may name; not checked if left out.

    Raises
    ------
    OperatorError
        If there is no such metric, it does not serve the task, or the target lacks the class it names.

    Examples
    --------
    >>> resolve_metric("rmse", "regression").greater_is_better
    False
    """
    name, args, named = _parse(call)
    own = metrics.find(name)
    if own is not None:
        if task not in own.tasks:
            raise OperatorError(f"{name} does not serve {task}", code="O504", hint=f"it serves {', '.join(own.tasks)}")
        return MetricCall(name, args, named, own.greater_is_better)
    found = _scorer_call(name, args, named, task)
    if classes is not None and name in _PER_CLASS and args:
        _class_arguments(found, classes, 0)
    return found


def _scorer_call(name: str, args: tuple[object, ...], named: tuple[tuple[str, object], ...], task: str) -> MetricCall:
    from sklearn.metrics import get_scorer_names

    scorer = _ALIASES.get(name, name)
    if task == "multiclass" and scorer == "roc_auc":
        scorer = "roc_auc_ovr"
    known = set(get_scorer_names())
    if scorer not in known and name not in _PER_CLASS:
        near = near_matches(name, [*known, *_ALIASES, *metrics.names()])
        hint = f"did you mean {near[0]}?" if near else f"for example {', '.join(_DEFAULTS.values())}"
        raise OperatorError(f"no metric '{name}'", code="O504", hint=hint)
    if scorer.endswith("_samples"):
        raise OperatorError(
            f"{name} serves targets with several labels a row",
            code="O504",
            hint=f"use {name.removesuffix('_samples')}_macro",
        )
    is_regression = any(word in scorer for word in _REGRESSION_WORDS) and scorer not in _NEED_LABELS
    if is_regression != (task == "regression"):
        hint = f"for example {default_metric(task)}"
        raise OperatorError(f"{name} does not serve {task}", code="O504", hint=hint)
    if name in _PER_CLASS and task == "multiclass" and not args and "average" not in dict(named):
        raise OperatorError(
            f"{name} of several classes needs one of them", code="O504", hint=f"{name}('class') or {name}_macro"
        )
    shown_positive = scorer.startswith("neg_") and name != scorer
    return MetricCall(name, args, named, not shown_positive, scorer, -1.0 if shown_positive else 1.0)


def _parse(call: str) -> tuple[str, tuple[object, ...], tuple[tuple[str, object], ...]]:
    if "(" not in call:
        return call.strip(), (), ()
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except SyntaxError as error:
        raise OperatorError(f"'{call}' is no metric call", code="O504") from error
    assert isinstance(node, ast.Call)
    args = tuple(_argument(arg) for arg in node.args)
    named = tuple((str(k.arg), _argument(k.value)) for k in node.keywords)
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


def _class_arguments(found: MetricCall, classes: tuple[str, ...], positive: int) -> dict[str, Any]:
    if "average" in dict(found.named):
        return {"zero_division": 0.0, **dict(found.named)}
    wanted = str(found.args[0]) if found.args else classes[positive]
    if wanted not in classes:
        near = near_matches(wanted, classes)
        hint = f"did you mean '{near[0]}'?" if near else f"classes: {', '.join(classes[:8])}"
        raise OperatorError(f"the target has no class '{wanted}'", code="O505", hint=hint)
    return {
        "labels": [classes.index(wanted)],
        "average": "macro",
        "zero_division": 0.0 if found.name == "precision" else math.nan,
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


def scorer_code(call: str, task: str, classes: tuple[str, ...]) -> tuple[str, tuple[str, ...], float]:
    """Return an expression for the scorer in a plain script, its imports, and the sign that shows it as here."""
    found = resolve_metric(call, task)
    if not found.scorer:
        raise OperatorError(
            f"{call} is a metric of its own: a plain script cannot compute it",
            code="O506",
            hint="OPTIMIZE one of scikit-learn's metrics",
        )
    if found.name in _PER_CLASS:
        name = f"{found.name}_score"
        args = ", ".join(f"{k}={_code(v)}" for k, v in _class_arguments(found, classes, 1).items())
        return f"make_scorer({name}, {args})", (f"from sklearn.metrics import {name}, make_scorer",), 1.0
    if found.scorer == "neg_log_loss" and not found.named:
        code = f"make_scorer(log_loss, greater_is_better=False, response_method='predict_proba', labels={list(range(len(classes)))})"
        return code, ("from sklearn.metrics import log_loss, make_scorer",), found.sign
    return f"get_scorer({found.scorer!r})", ("from sklearn.metrics import get_scorer",), found.sign
