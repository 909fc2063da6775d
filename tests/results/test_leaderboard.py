"""The ranked list: order, ties, the reference row, and what was left out with its reasons."""

from __future__ import annotations

import json
import math
import random

import pytest

from mileage.core.reasons import Reason
from mileage.operators.base import StepSpec
from mileage.results import Leaderboard, Trial
from mileage.results.rendering import brief

AUC = (("roc_auc", True),)


def trial(number, model, scores, metric="roc_auc", **changes):
    given = {"describe": f"{model}(C = {number})", "reason": Reason(f"guess {number}", "strategy"), "fit_s": 0.2}
    return Trial(number, (("model", (StepSpec(model),)),), scores={metric: tuple(scores)}, **{**given, **changes})


def board():
    return Leaderboard(
        (
            trial(0, "dummy", [0.5] * 5),
            trial(1, "ridge", [0.80, 0.82, 0.81, 0.83, 0.80]),
            trial(2, "lightgbm", [0.90, 0.91, 0.92, 0.90, 0.91], size_bytes=2000, predict_s=0.01),
            trial(3, "hist_gbm", [0.91, 0.90, 0.92, 0.90, 0.90]),
            trial(4, "knn", [0.70, 0.71, 0.72, 0.70, 0.71]),
            Trial(5, describe="svm", state="timeout", error="stopped at its limit of 3 s"),
            Trial(6, describe="mlp", state="skipped", error="forecast 9.0 s, 1.0 s left"),
        ),
        objectives=AUC,
        n=3,
        restrictions=(("svm_rbf", "too many rows for a kernel"),),
    )


def test_the_best_mean_comes_first_whatever_the_order_of_the_trials():
    made = board()
    for seed in range(5):
        trials = list(made.trials)
        random.Random(seed).shuffle(trials)
        assert [t.number for t in Leaderboard(tuple(trials), objectives=AUC, n=3).ranked] == [2, 3, 1]


def test_equal_scores_stand_in_the_order_of_their_numbers():
    made = Leaderboard((trial(2, "knn", [0.7, 0.8]), trial(1, "ridge", [0.8, 0.7])), objectives=AUC)
    assert [t.number for t in made.ranked] == [1, 2]


def test_a_metric_to_lower_ranks_the_smallest_first():
    trials = (trial(1, "ridge", [2.0, 3.0], "rmse"), trial(2, "knn", [1.0, 2.0], "rmse"))
    assert [t.number for t in Leaderboard(trials, objectives=(("rmse", False),)).ranked] == [2, 1]


def test_what_cannot_be_told_apart_is_one_group_of_ties():
    made = board()
    assert [(row.ref, row.tie) for row in made.rows] == [("w1", 1), ("w2", 1), ("w3", 2), ("w0", 4)]
    assert [t.number for t in made.ties] == [2, 3]


def test_then_orders_what_is_tied_and_only_that():
    trials = (
        trial(1, "a", [0.90, 0.91, 0.92, 0.90, 0.91], fit_s=5.0),
        trial(2, "b", [0.91, 0.90, 0.92, 0.90, 0.90], fit_s=1.0),
        trial(3, "c", [0.80, 0.81, 0.82, 0.80, 0.80], fit_s=0.1),
    )
    trials = tuple(Trial(**{**vars(t), "scores": {**t.scores, "f1": (0.5 + t.number / 10,) * 5}}) for t in trials)
    assert [t.number for t in Leaderboard(trials, objectives=(*AUC, ("f1", True))).ranked] == [2, 1, 3]
    assert [t.number for t in Leaderboard(trials, objectives=(*AUC, ("f1", False))).ranked] == [1, 2, 3]
    assert [t.number for t in Leaderboard(trials, objectives=(*AUC, ("fit_time", False))).ranked] == [2, 1, 3]


def test_the_constant_predictor_is_always_in_the_list():
    made = board()
    assert made.reference.number == 0 and made.find("w0").number == 0 and len(made) == 3
    alone = Leaderboard((trial(0, "dummy", [0.5, 0.5]),), objectives=AUC)
    assert [(row.ref, row.reference) for row in alone.rows] == [("w1", True)]


def test_references_are_found_and_unknown_ones_are_none():
    made = board()
    assert made.find("@W1").number == 2 and made.find("w4") is None and made.ref_of(made.trials[1]) == "w3"
    assert (made.count("ok"), made.count("timeout")) == (5, 1)


def test_trials_without_a_score_are_listed_apart_with_their_reasons():
    made = board()
    assert [t.number for t in made.failed] == [5] and [t.number for t in made.skipped] == [6]
    undefined = Leaderboard((trial(1, "a", [math.nan, 0.5]),), objectives=AUC)
    assert undefined.ranked == () and len(undefined.failed) == 1
    assert "no workflow has a score" in undefined.text()


def test_different_families_of_models_come_first_when_asked():
    made = Leaderboard(board().trials, objectives=AUC, n=3, diverse=True)
    assert [t.model for t in made.ranked] == ["lightgbm", "ridge", "knn"]


def test_the_text_is_aligned_and_says_all():
    assert board().text().splitlines() == [
        "    roc_auc               fit  predict    size  workflow         why",
        "w1  0.9080 ± 0.0037 ≈  0.20 s  10.0 ms  2.0 KB  lightgbm(C = 2)  guess 2",
        "w2  0.9060 ± 0.0040 ≈  0.20 s                   hist_gbm(C = 3)  guess 3",
        "w3  0.8120 ± 0.0058    0.20 s                   ridge(C = 1)     guess 1",
        "w0  0.5000 ± 0.0000    0.20 s                   dummy(C = 0)     constant, the reference",
        "≈ within noise of w1 by roc_auc (95 % interval of the paired difference)",
        "timeout: svm: stopped at its limit of 3 s",
        "not run: 1 (forecast longer than the time left)",
        "cut: svm_rbf: too many rows for a kernel",
    ]


LONG = Leaderboard(
    (
        trial(
            1,
            "a",
            [0.5, 0.6],
            describe="x >> " * 60 + "end",
            reason=Reason("because " * 30 + "so", "strategy"),
            fit_s=1,
        ),
        trial(
            2, "b", [0.5, 0.6], describe="lightgbm(learning_rate = 0.0123456789, n_estimators = 300, num_leaves = 15)"
        ),
    ),
    objectives=AUC,
)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_text_keeps_its_width_and_loses_nothing(width):
    text = LONG.text(width=width)
    assert max(map(len, text.splitlines())) <= width
    words = text.replace("(", " ").replace(")", " ").split()
    assert words.count("x") == 60 and words.count("because") == 30 and "end" in words and "so" in words
    assert "…" not in text


def test_a_narrow_terminal_has_the_rows_one_above_the_other():
    lines = board().text(width=50).splitlines()
    assert lines[:3] == [
        "w1  roc_auc 0.9080 ± 0.0037 ≈",
        "    lightgbm(C = 2)",
        "    fit 0.20 s · predict 10.0 ms · size 2.0 KB",
    ]


def test_numbers_are_short_for_people_and_whole_in_the_json():
    assert "learning_rate = 0.01235" in LONG.text(width=200)
    assert "0.0123456789" in json.dumps(LONG.to_json())


def test_parameters_at_their_defaults_are_left_out():
    specs = (StepSpec.of("median"), StepSpec.of("lightgbm", num_leaves=31, n_estimators=300))
    made = Trial(1, (("impute", specs[:1]), ("model", specs[1:])), describe=" >> ".join(map(str, specs)))
    assert brief(made) == "median >> lightgbm(n_estimators = 300)"


def test_the_json_is_strict_and_holds_the_ranked_list():
    made = board().to_json()
    assert [(row["ref"], row["rank"], row["tie"]) for row in made["leaderboard"]] == [
        ("w1", 1, 1),
        ("w2", 2, 1),
        ("w3", 3, 2),
        ("w0", 5, 4),
    ]
    first = made["leaderboard"][0]
    assert (
        first["score"] == pytest.approx(0.908)
        and first["reason"] == "guess 2"
        and len(first["metrics"]["roc_auc"]["splits"]) == 5
    )
    assert [c["why"] for c in made["cut"]] == ["forecast 9.0 s, 1.0 s left", "too many rows for a kernel"]
    one_split = Leaderboard((trial(1, "a", [0.5]),), objectives=AUC).to_json()
    json.dumps([made, one_split], allow_nan=False)
    assert one_split["leaderboard"][0]["se"] is None


def test_one_split_has_the_error_of_a_bootstrap_where_there_is_one():
    a = trial(1, "a", [0.90], score_se={"roc_auc": 0.02})
    b = trial(2, "b", [0.89], score_se={"roc_auc": 0.02})
    c = trial(3, "c", [0.60], score_se={"roc_auc": 0.02})
    made = Leaderboard((a, b, c), objectives=AUC)
    assert [row.tie for row in made.rows] == [1, 1, 2]
    assert a.se("roc_auc") == 0.02 and math.isnan(trial(1, "a", [0.9]).se("roc_auc"))


def test_the_html_is_escaped_and_takes_the_pages_colors():
    html = Leaderboard((trial(1, "a", [0.5, 0.6], describe="<b>"),), objectives=AUC)._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html
    assert "#" not in html.replace("&#", "") and "background:transparent" in html


def test_styles_mark_the_best_and_the_reference():
    styles = {text.split()[0]: style for text, style in board().styled(width=120) if text.startswith("w")}
    assert styles == {"w1": "bold", "w2": "", "w3": "", "w0": "dim"}
