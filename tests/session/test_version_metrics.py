"""Numbers of two versions are compared by what was kept of them, and no more is claimed than that tells."""

from __future__ import annotations

import numpy as np
import pytest

from mileage.session.version_metrics import UNTESTED, greater_is_better, metric_changes

RNG = np.random.default_rng(1)
TRUTH = RNG.integers(0, 2, 300)


def noisy(share, seed):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(300) < share, 1 - TRUTH, TRUTH)


def changes(old, new, rows_old, rows_new):
    return {m.name: m for m in metric_changes(old, new, (rows_old, rows_new))}


def scored(p):
    from sklearn.metrics import f1_score, roc_auc_score

    numbers = {"accuracy": float((p == TRUTH).mean()), "f1": f1_score(TRUTH, p), "auc": roc_auc_score(TRUTH, p)}
    return numbers, {"labels": TRUTH, "guess": p}


@pytest.mark.parametrize("name", ["accuracy", "f1", "auc"])
def test_a_clear_difference_is_decided_by_rows(name):
    (old, rows_old), (new, rows_new) = scored(noisy(0.4, 2)), scored(noisy(0.05, 3))
    made = changes(old, new, rows_old, rows_new)[name]
    assert made.verdict == "better" and 0 < made.low < made.difference < made.high
    assert "300 rows" in made.basis


def test_a_small_difference_is_undecided():
    other = noisy(0.20, 2)
    wrong, right = np.flatnonzero(other != TRUTH), np.flatnonzero(other == TRUTH)
    flipped = [*wrong[:10], *right[:8]]
    new_guess = other.copy()
    new_guess[flipped] = 1 - new_guess[flipped]
    (old, rows_old), (new, rows_new) = scored(other), scored(new_guess)
    assert new["accuracy"] > old["accuracy"]
    assert changes(old, new, rows_old, rows_new)["accuracy"].verdict == "undecided"


def test_other_rows_are_not_paired():
    (old, rows_old), (new, rows_new) = scored(noisy(0.4, 2)), scored(noisy(0.05, 3))
    made = changes(old, new, rows_old, rows_new | {"labels": TRUTH[::-1]})["accuracy"]
    assert (made.verdict, made.low, made.basis) == ("untested", None, UNTESTED)


def test_a_number_that_no_array_gives_is_not_tested():
    (old, rows_old), (new, rows_new) = scored(noisy(0.4, 2)), scored(noisy(0.05, 3))
    assert changes({"score": 0.1}, {"score": 0.2}, rows_old, rows_new)["score"].verdict == "untested"


def test_errors_are_better_when_they_are_less():
    truth = RNG.normal(size=200)
    rows = [{"t": truth, "p": truth + RNG.normal(size=200) * scale} for scale in (1.0, 0.1)]
    old, new = ({"rmse": float(np.sqrt(((r["t"] - r["p"]) ** 2).mean()))} for r in rows)
    assert changes(old, new, *rows)["rmse"].verdict == "better"


def test_scores_by_fold_are_paired():
    old, new = [0.80, 0.82, 0.79, 0.81, 0.80], [0.70, 0.83, 0.85, 0.78, 0.82]
    made = changes({"cv score": np.mean(old)}, {"cv score": np.mean(new)}, {"folds": old}, {"folds": new})["cv score"]
    assert (made.verdict, made.basis) == ("undecided", "paired over 5 folds")


def test_a_number_of_no_known_direction_is_higher_or_lower():
    made = changes({"width": 1.0}, {"width": 3.0}, {"w": [1.0, 1.0, 1.0]}, {"w": [3.0, 3.0, 3.0]})["width"]
    assert made.verdict == "higher"


def test_equal_numbers_are_equal():
    assert changes({"accuracy": 0.5}, {"accuracy": 0.5}, {}, {})["accuracy"].verdict == "equal"


def test_directions_are_told_by_words():
    assert [greater_is_better(name) for name in ("R2", "neg_log_loss", "mean error", "f1 macro", "rows")] == [
        True, True, False, True, None,
    ]  # fmt: skip
