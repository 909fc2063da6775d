"""Influences give the error of a metric that drawing rows again and again gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mileage.workflow.flow.influence import influences
from mileage.workflow.flow.scored import measure_of, measured

N = 400


def of_metric(metric: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    if metric in {"rmse", "mse", "mae"}:
        return rng.normal(size=N), rng.normal(size=N)
    y = rng.integers(0, 2, N)
    said = np.clip(np.round(0.2 * y + 0.8 * rng.random(N), 1), 0.05, 0.95)  # with ties
    return y, (said > 0.5).astype(int) if metric == "accuracy" else said


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "neg_log_loss", "accuracy", "rmse", "mse", "mae"])
def test_their_spread_is_the_error_a_bootstrap_finds(metric: str) -> None:
    truth, said = of_metric(metric)
    moves = influences(measured(truth, said, metric))
    assert moves is not None
    assert abs(moves.mean()) < 1e-9
    rng, measure = np.random.default_rng(0), measure_of(metric, truth, said)
    drawn = [measure(rng.integers(0, N, N)) for _ in range(300)]
    assert moves.std() / N**0.5 == pytest.approx(np.std(drawn), rel=0.15)  # 300 draws know it to 4 %


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "rmse"])
def test_each_is_what_the_metric_moves_by_when_its_row_counts_more(metric: str) -> None:
    truth, said = of_metric(metric)
    moves, measure = influences(measured(truth, said, metric)), measure_of(metric, truth, said)
    assert moves is not None
    rows = np.tile(np.arange(N), 50)
    for row in (0, 7, 100):
        more = measure(np.append(rows, row)) - measure(rows)
        assert more * len(rows) == pytest.approx(moves[row], rel=0.05, abs=0.02)


def test_several_classes_have_a_loss_and_others_none() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 90), rng.dirichlet([1, 1, 1], 90)
    assert influences(measured(y, p, "log_loss")) is not None
    assert influences(measured(y % 2, p[:, 0], "average_precision")) is None
