"""Comparisons: only what differs, and a verdict that noise cannot make."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mileage.operators.base import StepSpec
from mileage.results import Trial, compare, paired_difference


def trial(number, model, scores, **params):
    configuration = (("impute", (StepSpec("median"),)), ("model", (StepSpec.of(model, **params),)))
    return Trial(number, configuration, scores={"roc_auc": tuple(scores)})


def test_only_differing_parameters_are_shown():
    made = compare(
        [trial(1, "logistic", [0.8, 0.9], C=1.0, penalty="l2"), trial(2, "logistic", [0.8, 0.9], C=2.0, penalty="l2")],
        ["roc_auc"],
    )
    assert made.differences == (("model C", ("1.0", "2.0")),)


def test_different_operators_are_shown_as_a_chain():
    made = compare(
        [trial(1, "ridge", [0.8, 0.9], alpha=1.0), trial(2, "knn", [0.8, 0.9])], ["roc_auc"], names=["w1", "w2"]
    )
    assert made.differences == (("model", ("ridge(alpha = 1.0)", "knn")),)
    assert "impute" not in made.text()


def test_the_interval_is_the_corrected_resampled_t():
    a, b = [0.90, 0.91, 0.93, 0.90, 0.92], [0.88, 0.90, 0.89, 0.89, 0.90]
    d = paired_difference(trial(1, "a", a), trial(2, "b", b), "roc_auc")
    deltas = np.subtract(a, b)
    half = 2.7764451051977934 * np.sqrt((1 / 5 + 1 / 4) * deltas.var(ddof=1))
    assert (d.low, d.high) == (pytest.approx(deltas.mean() - half), pytest.approx(deltas.mean() + half))


@pytest.mark.parametrize(
    ("other", "greater", "verdict"),
    [
        ([0.9, 0.9, 0.91], True, "better"),
        ([0.9, 0.9, 0.91], False, "worse"),
        ([0.5, 0.9, 0.7], True, "undecided"),
        ([0.7, 0.7, 0.71], True, "undecided"),
    ],
)
def test_a_verdict_needs_an_interval_without_zero(other, greater, verdict):
    base = trial(1, "a", [0.7, 0.7, 0.71])
    assert compare([base, trial(2, "b", other)], ["roc_auc"], greater_is_better={"roc_auc": greater}).scores[
        0
    ].verdicts == (verdict,)


def test_three_trials_are_each_compared_with_the_first():
    made = compare(
        [trial(i, "knn", [0.7 + i / 10, 0.7 + i / 10, 0.71 + i / 10], k=i) for i in range(3)],
        ["roc_auc"],
        names=["w1", "w2", "w3"],
    )
    assert [s.title for s in made.sections()] == [
        "what differs",
        "w2 against w1, over the same splits",
        "w3 against w1, over the same splits",
    ]
    json.dumps(made.to_json(), allow_nan=False)


def test_one_split_is_undecided():
    made = compare([trial(1, "a", [0.5]), trial(2, "b", [0.9])], ["roc_auc"])
    assert made.scores[0].verdicts == ("undecided",) and "not known" in made.text()


def test_an_interval_without_pairs_is_wider_and_says_so():
    a, b = trial(1, "a", [0.90, 0.80, 0.85]), trial(2, "b", [0.88, 0.78, 0.83])
    apart = compare([a, b], ["roc_auc"], paired=False)
    assert paired_difference(a, b, "roc_auc", paired=False).within_noise
    assert not paired_difference(a, b, "roc_auc").within_noise
    assert apart.to_json()["paired"] is False and "not paired" in apart.text()
