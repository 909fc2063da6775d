"""A search in which each configuration has splits of its own (``RESHUFFLED``), against the same one without sharing and scikit-learn.

Each row is a model with values of a parameter, every value on splits of its own, of made-up rows. It runs three ways on the same splits:
a loop over scikit-learn's ``cross_val_score``; MILE with the rules switched off that share work between configurations; and MILE. Every score of
every configuration is compared, as a share of the largest.

Measured is CPU time, after a run on few rows in the same process. ``work_s`` is all of a side without imports (of MILE also the profile of the
data, planning, keeping, the refit of the best, the report), ``tasks_s`` of MILE what its tasks take that put splits together, sum up, fit,
predict and score. ``work_ratio`` and ``tasks_ratio`` are scikit-learn's time over these.

Usage: ``python benchmarks/private_splits.py [--repeats 5] [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

QUICK_ROWS, WARM_ROWS, COLUMNS = 8000, 3000, 60
OFF = ("fit_from_sums", "learn_together", "score_from_sums", "mask_fits")


@dataclass(frozen=True)
class Row:
    """A set of configurations; ``scorer`` is scikit-learn's name of the metric, ``tolerance`` of scores, as a share of the largest."""

    name: str
    model: str
    parameter: str
    values: tuple[float, ...]
    validate: str
    metric: str
    scorer: str
    n_rows: int
    target: float | None
    tolerance: float = 1e-9


def _grid(low: float, high: float, n: int) -> tuple[float, ...]:
    return tuple(float(f"{v:.6g}") for v in np.geomspace(low, high, n))


RMSE, LOG_LOSS = ("rmse", "neg_root_mean_squared_error"), ("log_loss", "neg_log_loss")
ROWS = (
    Row("ridge_holdout", "ridge", "alpha", _grid(1e-2, 1e4, 64), "HOLDOUT 20%", *RMSE, 100_000, 40.0),
    Row("ridge_folds", "ridge", "alpha", _grid(1e-2, 1e4, 32), "5 FOLDS", *RMSE, 100_000, 40.0),
    Row("gaussian_nb", "gaussian_nb", "var_smoothing", _grid(1e-9, 1e-1, 32), "5 FOLDS", *LOG_LOSS, 50_000, None),
    Row("logistic", "logistic", "C", _grid(1e-3, 1e1, 32), "HOLDOUT 20%", *LOG_LOSS, 50_000, 3.0, 1e-4),
)


def table(row: Row, n_rows: int) -> pd.DataFrame:
    """Return made-up rows: columns that go with each other, and a target that goes with a few of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, COLUMNS)) @ (np.eye(COLUMNS) + 0.2 * rng.normal(size=(COLUMNS, COLUMNS)))
    X = 3.0 + X * rng.uniform(0.5, 20.0, COLUMNS)
    y = (X[:, :10] / X[:, :10].std(axis=0)).sum(axis=1) + 2.0 * rng.normal(size=n_rows)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(COLUMNS)])
    return frame.assign(target=y if row.metric == "rmse" else np.where(y > np.median(y), "yes", "no"))


def by_mile(row: Row, data: Path, *, off: bool) -> tuple[dict[str, Any], Any]:
    """Run the query; return scores and times, and the splits of each configuration."""
    import mileage
    from mileage.engine import segment
    from mileage.session.script import dealt

    spent: list[float] = []
    n_rows, run_task = len(pd.read_parquet(data, columns=["target"])), segment.run_task

    def timed(task: Any, inputs: Any, *, resources: Any) -> Any:
        started = time.process_time()
        made = run_task(task, inputs, resources=resources)
        on_all = str(task.kind) == "fit" and len(inputs[0]) == n_rows  # the best, in the end
        if str(task.kind) not in {"source", "deal"} and task.operator != "dummy" and not on_all:
            spent.append(time.process_time() - started)
        return made

    hints = ["strategy = 'exhaustive'", "backend = 'inline'", *([f"off = '{name}'" for name in OFF] if off else [])]
    query = (
        f"PREDICT target FROM '{data}' VALIDATE BY {row.validate} RESHUFFLED OPTIMIZE {row.metric} WITH PIPELINE = standard >> "
        f"{row.model}({row.parameter} IN {{{', '.join(map(repr, row.values))}}}) WITHOUT blend BUDGET {len(row.values)} trials "
        f"HINT ({', '.join(hints)})"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        segment.run_task = timed  # the one place that all tasks go through
        started = time.process_time()
        result: Any = session.run(query)
        work_s = time.process_time() - started
        segment.run_task = run_task
        trials = {_value(row, t): t for t in result.leaderboard.trials if t.number > 0}
        assert len(trials) == len(row.values), f"{len(trials)} of {len(row.values)} trials"
        splits = {} if off else {value: _pairs(dealt(result, trial)) for value, trial in trials.items()}
    scores = {value: list(trial.scores[row.metric]) for value, trial in trials.items()}
    weakest = str(max(trial.exactness for trial in trials.values()))
    return {"scores": scores, "work_s": work_s, "tasks_s": sum(spent), "exactness": weakest}, splits


def _value(row: Row, trial: Any) -> str:
    return str(float(dict(trial.configuration[-1][1][-1].params)[row.parameter]))


def _pairs(splits: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(pair.train.indices(), pair.test.indices()) for pair in splits.pairs]


def by_sklearn(row: Row, data: Path, splits: Any) -> dict[str, Any]:
    """Fit each configuration on its own splits."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import cross_val_score
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pd.read_parquet(data)
    y = frame.pop("target").to_numpy()
    make: Any = {"ridge": Ridge, "gaussian_nb": GaussianNB, "logistic": LogisticRegression}[row.model]
    more = {"max_iter": 300} if row.model == "logistic" else {}
    started, scores = time.process_time(), {}
    for value in row.values:
        model = make_pipeline(StandardScaler(), make(**{row.parameter: value}, **more))
        found = cross_val_score(model, frame, y, cv=splits[str(float(value))], scoring=row.scorer)
        scores[str(float(value))] = np.abs(found).tolist()
    return {"scores": scores, "work_s": time.process_time() - started}


def sides(row: Row, n_rows: int) -> dict[str, Any]:
    """Run all sides on a table of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.parquet"
        table(row, n_rows).to_parquet(data)
        on, splits = by_mile(row, data, off=False)
        off, _ = by_mile(row, data, off=True)
        return {"on": on, "off": off, "sklearn": by_sklearn(row, data, splits)}


def measured(row: Row, n_rows: int) -> dict[str, Any]:
    """Return what all sides give in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps([row.name, n_rows])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines() if line.startswith("MADE ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    made: dict[str, Any] = json.loads(said[-1].removeprefix("MADE "))
    return made


def run_row(row: Row, n_rows: int, repeats: int) -> dict[str, Any]:
    """Return medians, ratios with their spread, and the largest differences of scores."""
    runs = [measured(row, n_rows) for _ in range(repeats)]
    last = runs[-1]

    def ratios(over: str, side: str) -> list[float]:
        return sorted(round(run["sklearn"]["work_s"] / run[side][over], 2) for run in runs)

    def seconds(over: str, side: str) -> float:
        return round(statistics.median(run[side][over] for run in runs), 3)

    tasks = ratios("tasks_s", "on")
    return {
        "configurations": len(row.values),
        "rows": n_rows,
        "sklearn_s": seconds("work_s", "sklearn"),
        "work_s": {side: seconds("work_s", side) for side in ("off", "on")},
        "tasks_s": {side: seconds("tasks_s", side) for side in ("off", "on")},
        "tasks_ratio": statistics.median(tasks),
        "tasks_ratio_spread": [tasks[0], tasks[-1]],
        "tasks_ratio_off": statistics.median(ratios("tasks_s", "off")),
        "work_ratio": statistics.median(ratios("work_s", "on")),
        "exactness": last["on"]["exactness"],
        "differs_from_off": _apart(last["on"], last["off"]),
        "differs_from_sklearn": _apart(last["on"], last["sklearn"]),
    }


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    pairs = [(one["scores"][name], other["scores"][name]) for name in one["scores"]]
    return float(max(np.abs(np.array(a) - np.array(b)).max() / np.abs(b).max() for a, b in pairs))


def main() -> int:
    """Run the rows, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=[], help="these rows only")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        name, n_rows = json.loads(given.child)
        row = next(r for r in ROWS if r.name == name)
        sides(row, WARM_ROWS)  # imports are part of it
        print("MADE", json.dumps(sides(row, n_rows)))
        return 0
    figures = {}
    for row in (row for row in ROWS if not given.rows or row.name in given.rows):
        n_rows = QUICK_ROWS if given.quick else row.n_rows
        figures[row.name] = run_row(row, n_rows, 1 if given.quick else given.repeats)
        print(row.name, json.dumps(figures[row.name]), flush=True)
    chosen = [row for row in ROWS if row.name in figures]
    targets = {row.name: {"tasks_ratio": row.target, "differs": row.tolerance} for row in chosen}
    exact = all(figures[r.name][f"differs_from_{o}"] <= r.tolerance for r in chosen for o in ("off", "sklearn"))
    met = exact and all(row.target is None or figures[row.name]["tasks_ratio"] >= row.target for row in chosen)
    print(json.dumps({"name": "private_splits", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
