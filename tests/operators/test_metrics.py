"""Metrics: every scorer of scikit-learn by name, aliases, classes as arguments, undefined scores."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, get_scorer_names, log_loss, recall_score, roc_auc_score

from mileage.errors import OperatorError
from mileage.operators.metrics import default_metric, metrics, resolve_metric, score, score_or_reason
from mileage.operators.running import Predictions
from mileage.testing import check_metric
from mileage.testing.metrics import _example

TASKS = ("binary", "multiclass", "regression")


@pytest.mark.parametrize("metric", list(metrics), ids=lambda m: m.name)
def test_own_metrics_keep_their_laws(metric):
    check_metric(metric)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", get_scorer_names())
def test_any_scorer_name_works_or_says_why_not(name, task):
    y, predictions, _, classes = _example(task)
    try:
        resolve_metric(name, task)
    except OperatorError as error:
        assert error.hint  # noqa: PT017
        return
    value, reason = score_or_reason(name, y, predictions, classes=classes, task=task)
    assert math.isfinite(value) or reason


def test_friendly_aliases_are_shown_positive():
    y, predictions, _, classes = _example("multiclass")
    assert score("log_loss", y, predictions, classes=classes, task="multiclass") == pytest.approx(
        log_loss(y, predictions.values)
    )
    assert not resolve_metric("log_loss", "multiclass").greater_is_better
    assert resolve_metric("neg_log_loss", "multiclass").greater_is_better


def test_a_metric_of_one_class_takes_its_name():
    y, predictions, _, classes = _example("multiclass")
    wanted = recall_score(y, predictions.labels, labels=[2], average="macro")
    assert score("recall('c')", y, predictions, classes=classes, task="multiclass") == wanted
    with pytest.raises(OperatorError, match="no class 'cc'"):
        score("recall('cc')", y, predictions, classes=classes, task="multiclass")


def test_arguments_reach_scikit_learn():
    y, predictions, _, classes = _example("binary")
    one, two = (score(f"fbeta(beta={b})", y, predictions, classes=classes, task="binary") for b in (0.5, 2))
    assert one != two


def test_roc_auc_of_several_classes_is_one_versus_rest():
    y, predictions, _, classes = _example("multiclass")
    wanted = roc_auc_score(y, predictions.values, multi_class="ovr")
    assert score("roc_auc", y, predictions, classes=classes, task="multiclass") == pytest.approx(wanted)


def test_an_undefined_score_is_missing_with_a_reason():
    _, predictions, _, classes = _example("binary")
    value, reason = score_or_reason("roc_auc", np.zeros(60, dtype=int), predictions, classes=classes, task="binary")
    assert math.isnan(value)
    assert "one class" in reason
    assert math.isnan(score("recall", np.zeros(60, dtype=int), predictions, classes=classes, task="binary"))


def test_a_fold_may_lack_a_class():
    y, predictions, _, classes = _example("multiclass")
    rows = y < 2
    part = Predictions("proba", predictions.values[rows], predictions.labels[rows])
    for name in ("log_loss", "brier"):
        assert math.isfinite(score(name, y[rows], part, classes=classes, task="multiclass"))


def test_margins_serve_ranking_metrics():
    y, predictions, _, classes = _example("binary")
    margins = Predictions("decision", predictions.values[:, 1] - 0.5, predictions.labels)
    values = [score("roc_auc", y, p, classes=classes, task="binary") for p in (predictions, margins)]
    assert values[0] == pytest.approx(values[1])


@pytest.mark.parametrize(
    ("call", "task", "hint"),
    [("rocauc", "binary", "roc_auc"), ("rmse", "binary", "roc_auc"), ("f1", "multiclass", "f1_macro")],
)
def test_mistakes_have_a_way_out(call, task, hint):
    with pytest.raises(OperatorError) as caught:
        resolve_metric(call, task)
    assert hint in str(caught.value.hint)


def test_defaults_serve_their_task():
    for task in TASKS:
        assert resolve_metric(default_metric(task), task)


@pytest.mark.parametrize(
    ("call", "task", "message"),
    [
        ("accuracy('a')", "binary", "takes no class"),
        ("rmse('a')", "regression", "takes no class"),
        ("recall('a', 'b')", "multiclass", "takes one class, not 2"),
        ("fbeta('a')", "binary", "needs its beta"),
        ("log_loss(nope = 1)", "binary", "has no argument 'nope'"),
        ("recall(x for x in y)", "binary", "is no metric call"),
        ("gini('a')", "binary", "takes no arguments"),
        ("positive_likelihood_ratio", "multiclass", "does not serve multiclass"),
    ],
)
def test_arguments_that_would_not_be_read_are_refused(call, task, message):
    with pytest.raises(OperatorError, match=message) as caught:
        resolve_metric(call, task)
    assert caught.value.hint


def test_a_class_is_checked_before_anything_runs():
    assert resolve_metric("recall('a')", "binary", ("a", "b"))
    with pytest.raises(OperatorError, match="no class 'aa'"):
        resolve_metric("recall('aa')", "binary", ("a", "b"))


def test_a_ranking_metric_may_name_its_class():
    y, predictions, _, classes = _example("binary")
    found = {c: score(f"average_precision('{c}')", y, predictions, classes=classes, task="binary") for c in classes}
    assert found["a"] == pytest.approx(average_precision_score(1 - y, predictions.values[:, 0]))
    assert found["b"] == score("average_precision", y, predictions, classes=classes, task="binary") != found["a"]
    areas = {score(c, y, predictions, classes=classes, task="binary") for c in ("roc_auc", "roc_auc('a')")}
    assert len(areas) == 1


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "jaccard", "accuracy", "roc_auc", "mcc"])
def test_metrics_of_two_classes_are_defined(name):
    y, predictions, _, classes = _example("binary")
    assert math.isfinite(score(name, y, predictions, classes=classes, task="binary"))


def test_plain_metrics_are_scikit_learns_own_and_defined():
    from mileage.operators.metrics.scoring import _PLAIN, is_plain
    from mileage.planner.objectives import best_value

    known = set(get_scorer_names())
    for scorer, tasks in _PLAIN.items():
        assert scorer in known
        for task in tasks:
            classes = {"binary": ("a", "b"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
            assert is_plain(scorer, task)
            assert math.isfinite(best_value(scorer, task, classes)), (scorer, task)
        for task in set(TASKS) - set(tasks):
            assert not is_plain(scorer, task)
