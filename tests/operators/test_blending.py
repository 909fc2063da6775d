"""Blends of predictions, and the choice of their weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.operators.blending import _thinned, blend, blend_weights, pooled
from mileage.operators.running import Predictions


def values(*numbers: float) -> Predictions:
    """Return predicted values."""
    made = np.array(numbers)
    return Predictions("value", made, made)


def probabilities(*rows: tuple[float, ...]) -> Predictions:
    """Return predicted probabilities."""
    made = np.array(rows)
    return Predictions("proba", made, made.argmax(axis=1))


def test_the_class_of_a_blend_is_that_of_the_mean_probability() -> None:
    one, other = probabilities((0.9, 0.1), (0.6, 0.4)), probabilities((0.2, 0.8), (0.1, 0.9))
    both = blend([one, other], (3, 1))
    assert both.kind == "proba"
    assert both.values == pytest.approx(np.array([(0.725, 0.275), (0.475, 0.525)]))
    assert both.labels.tolist() == [0, 1]


def test_margins_have_no_mean() -> None:
    margins = Predictions("decision", np.array([2.0]), np.array([1]))
    with pytest.raises(ValueError, match="decision, proba have no mean"):
        blend([margins, probabilities((0.5, 0.5))], (1, 1))


def test_splits_are_pooled_in_their_order() -> None:
    made = pooled([values(1, 2, 3), values(4, 5)], every=2)
    assert made.values.tolist() == [1, 3, 5]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_a_blend_is_never_worse_than_its_best_member(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=30)
    made = [values(*(y + rng.normal(0, rng.uniform(0.1, 2), 30))) for _ in range(n)]

    def loss(predicted: Predictions) -> float:
        return float(((predicted.values - y) ** 2).mean())

    weights = blend_weights(made, loss)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert loss(blend(made, weights.tolist())) <= min(map(loss, made)) + 1e-12
    together = loss(blend(made, [1 / n] * n))
    assert loss(blend(made, weights.tolist())) <= 0.9 * together + 0.1 * min(map(loss, made)) + 1e-12


def test_members_that_are_hardly_missed_are_spared() -> None:
    losses = {(2, 2, 1, 1): 1.0, (0, 2, 1, 1): 1.3, (2, 0, 1, 1): 1.2, (2, 2, 0, 1): 1.01, (2, 2, 1, 0): 1.04}
    losses |= {(0, 2, 0, 1): 1.3, (2, 0, 0, 1): 1.3, (2, 2, 0, 0): 1.06}
    losses |= {(2, 0, 0, 0): 1.09, (0, 2, 0, 0): 1.5}
    spared = [_thinned((2, 2, 1, 1), lambda counts: losses[tuple(counts)], most) for most in (1.0, 1.05, 1.08, 1.1)]
    assert spared == [(2, 2, 1, 1), (2, 2, 0, 1), (2, 2, 0, 0), (2, 0, 0, 0)]


def test_a_member_without_a_loss_is_left_out() -> None:
    y = np.array([1.0, 2.0])

    def loss(predicted: Predictions) -> float:
        return float(np.abs(predicted.values - y).mean())

    weights = blend_weights([values(1.5, 2.5), values(np.nan, 2.0), values(0.5, 1.5)], loss)
    assert weights.tolist() == [0.5, 0.0, 0.5]
