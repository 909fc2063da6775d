"""MILE as one system among others in a harness that runs each in a process of its own.

The harness calls ``fit(train, target, task, metric, budget, cores, seed, tmp, variant)`` and ``predict(model, X)``; what is in
here is all that a user writes. ``variant`` is added to the query: ``mile__WITHOUT blend``.
"""

# ruff: noqa: PLR0913, PLR0917  (the harness says what it passes)
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mileage

Model = tuple[mileage.Session, mileage.Result, str]


def version() -> str:
    """Return the version that is measured."""
    return f"mileage {mileage.__version__}"


def fit(
    train: pd.DataFrame,
    target: str,
    task: str,
    metric: str,
    budget: float,
    cores: int,
    seed: int,
    tmp: str,
    variant: str,
) -> Model:
    """Ask one query within the budget."""
    session = mileage.connect(Path(tmp) / "project", workers=cores)
    kind = "REGRESSION" if task == "regression" else "CLASSIFICATION"
    name = '"' + target.replace('"', '""') + '"'
    query = f"PREDICT {name} AS {kind} FROM :train OPTIMIZE {metric} BUDGET {budget:g} s SEED {seed} {variant}"
    result = session.run(query, frames={"train": train})
    assert isinstance(result, mileage.Result)
    return session, result, task


def predict(model: Model, rows: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Return values, or probabilities and the classes of their columns."""
    _, result, task = model
    best = result["w1"]
    if task == "regression":
        return np.asarray(best.predict(rows), dtype=float), []
    return np.asarray(best.predict_proba(rows), dtype=float), [str(name) for name in best.classes]


def describe(model: Model) -> dict[str, Any]:
    """Return the score that was shown, its noise, and what it is of."""
    _, result, _ = model
    board = result.leaderboard
    best, metric = board.order[0], board.objectives[0][0]
    return {
        "shown": round(best.mean(metric), 6),
        "expected": None if best.expected is None else round(best.expected, 6),
        "se": round(best.se(metric), 6),
        "best": best.describe[:120],
        "scored": board.count("ok"),
        "behind": board.count("behind"),
        "seconds": round(result.seconds, 1),
    }
