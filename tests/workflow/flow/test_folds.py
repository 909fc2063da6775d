"""Cross-validation in a flow gives scikit-learn's scores, and shares what its folds have in common."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from flow_values import value_of
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold
from sklearn.model_selection import cross_validate as plain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mileage.workflow.flow import cross_validate, flow_tasks, node_of, step
from mileage.workflow.flow.deferred import FlowError

N = 90


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=N) for name in "abcde"})
    return frame.assign(s=rng.choice(["x", "y"], N), g=rng.integers(0, 9, N), y=(frame["a"] + rng.normal(size=N) > 0))


def model(last):
    given = [("num", StandardScaler(), list("abcde")), ("cat", OneHotEncoder(), ["s"])]
    return make_pipeline(ColumnTransformer(given), last)


@pytest.mark.parametrize(
    "cv", [3, KFold(4, shuffle=True, random_state=1), ShuffleSplit(1, random_state=0), GroupKFold(3)]
)
def test_scores_are_those_of_scikit_learn(rows, cv):
    for estimator, scoring in ((model(LogisticRegression()), "roc_auc"), (model(Ridge()), None)):
        groups = rows["g"] if isinstance(cv, GroupKFold) else None
        expected = plain(estimator, rows, rows["y"], cv=cv, groups=groups, scoring=scoring, return_train_score=True)
        frame = step(lambda: rows)()
        ours = cross_validate(
            estimator, frame, frame["y"], cv=cv, groups=groups, scoring=scoring, return_train_score=True
        )  # fmt: skip
        assert ours.keys() == {"test_score", "train_score"}
        for name, scores in zip(ours, value_of(*ours.values()), strict=True):
            np.testing.assert_array_equal(scores, expected[name])


def test_several_metrics_and_the_estimators(rows):
    def share(estimator, X, y):
        return float((estimator.predict(X) == y).mean())

    estimator, metrics = model(LogisticRegression()), {"auc": "roc_auc", "own": share}
    expected = plain(estimator, rows, rows["y"], cv=3, scoring=metrics)
    ours = cross_validate(estimator, rows, rows["y"], cv=3, scoring=metrics, return_estimator=True)
    for name in ("test_auc", "test_own"):
        np.testing.assert_array_equal(value_of(ours[name]), expected[name])
    assert value_of(ours["estimator"][0]).predict(rows).shape == (N,)


def test_estimators_share_the_preprocessing_of_a_fold(rows):
    frame, cv = step(lambda: rows)(), StratifiedKFold(3)
    one, two = (cross_validate(model(LogisticRegression(C=c)), frame, frame["y"], cv=cv)["test_score"] for c in (1, 2))
    tasks = flow_tasks([node_of(one), node_of(two)])
    fits = {made.task.fingerprint: node.label for node, made in tasks.items() if ".fit" in node.label}
    assert sorted(fits.values()).count("LogisticRegression.fit") == 2 * 3
    assert sorted(fits.values()).count("StandardScaler.fit_transform") == 3


def test_a_number_of_folds_that_rows_decide_is_refused(rows):
    with pytest.raises(FlowError, match="not known before there are rows"):
        cross_validate(Ridge(), rows[["a"]], rows["b"], cv=LeaveOneOut())
