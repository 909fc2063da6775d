"""What MILE costs on top of scikit-learn: one fixed workflow, 5 folds, Adult; the same scores, the time of both.

Two workflows (logistic regression, LightGBM) behind the same preprocessing run through MILE and through scikit-learn's
``cross_validate`` on the same folds. Every run is cold: a process of its own with an empty project, timed from its start
to its end, reading the file included; the sides alternate. scikit-learn runs on one process and on as many as MILE, and the
ratio is to the faster of the two. The scores of each fold must be equal to 1e-9, or the figures mean nothing.

Usage: ``python benchmarks/overhead.py --data FOLDER`` with ``adult.parquet`` in the folder; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TARGET_RATIO, TOLERANCE = 1.10, 1e-9
QUICK_ROWS, QUICK_REPEATS = 8000, 1
STEPS = "impute(median) >> scale(standard) >> encode(one_hot) >> "
MODELS = {"logistic": "logistic(C = 1.0)", "lightgbm": "lightgbm"}


def through_mile(data: Path, model: str, workers: int) -> list[float]:
    """Return the score of each fold, as MILE has it."""
    import mileage

    query = f"PREDICT income FROM '{data}' VALIDATE BY 5 FOLDS OPTIMIZE roc_auc WITH PIPELINE = {STEPS}{MODELS[model]}"
    with tempfile.TemporaryDirectory() as project, mileage.connect(project, workers=workers) as session:
        result: Any = session.run(query)
        return list(result.trial("w1").scores["roc_auc"])


def through_sklearn(data: Path, model: str, workers: int) -> list[float]:
    """Return the score of each fold, as scikit-learn alone has it."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import StratifiedKFold, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_parquet(data)
    y = np.unique(frame.pop("income"), return_inverse=True)[1]
    numeric = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    rest = [c for c in frame if c not in numeric]
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=200, min_frequency=5)
    prepare = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            ("categorical", one_hot, rest),
        ]
    )
    steps = make_pipeline(prepare, plain_model(model))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    jobs = None if workers == 1 else workers
    scored = cross_validate(steps, frame, y, cv=folds, scoring="roc_auc", n_jobs=jobs, error_score="raise")
    return [float(s) for s in scored["test_score"]]


def plain_model(name: str) -> Any:
    """Return the model as its library builds it, with MILE's settings."""
    if name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=1.0, max_iter=300)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_jobs=1, verbose=-1)


SIDES = {"mile": through_mile, "sklearn": through_sklearn}


def timed(side: str, data: Path, model: str, workers: int) -> tuple[float, list[float]]:
    """Run one side in a process of its own; return its seconds and scores."""
    job = json.dumps({"side": side, "data": str(data), "model": model, "workers": workers})
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--child", job], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        message = f"{side} failed:\n{done.stderr}"
        raise RuntimeError(message)
    return seconds, json.loads(done.stdout.splitlines()[-1])


def measure(data: Path, model: str, workers: int, repeats: int) -> dict[str, float]:
    """Return medians of both sides, alternating, their ratio and the largest difference of a score."""
    runs: dict[str, list[float]] = {"mile": [], "sklearn": [], "sklearn_one_process": []}
    difference = 0.0
    for _ in range(repeats):
        seconds, mine = timed("mile", data, model, workers)
        runs["mile"].append(seconds)
        for name, processes in (("sklearn", workers), ("sklearn_one_process", 1)):
            seconds, theirs = timed("sklearn", data, model, processes)
            runs[name].append(seconds)
            difference = max([difference, *(abs(a - b) for a, b in zip(mine, theirs, strict=True))])
    medians = {f"{name}_s": round(statistics.median(values), 3) for name, values in runs.items()}
    ratio = medians["mile_s"] / min(medians["sklearn_s"], medians["sklearn_one_process_s"])
    return {**medians, "ratio": round(ratio, 3), "score_difference": difference}


def small(data: Path, folder: str) -> Path:
    """Write the first rows of the table, for a quick look."""
    import pandas as pd

    path = Path(folder) / "adult.parquet"
    pd.read_parquet(data).head(QUICK_ROWS).to_parquet(path)
    return path


def main() -> int:
    """Measure both workflows and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with adult.parquet")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="8,000 rows, once: the ratio says little")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        job = json.loads(given.child)
        print(json.dumps(SIDES[job["side"]](Path(job["data"]), job["model"], job["workers"])))
        return 0
    if given.data is None:
        parser.error("--data is needed")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        data = small(given.data / "adult.parquet", folder) if given.quick else (given.data / "adult.parquet").resolve()
        for model in MODELS:
            figures[model] = measure(data, model, given.workers, QUICK_REPEATS if given.quick else given.repeats)
            print(model, figures[model], flush=True)
    met = all(f["ratio"] <= TARGET_RATIO and f["score_difference"] <= TOLERANCE for f in figures.values())
    targets = {"ratio": TARGET_RATIO, "score_difference": TOLERANCE}
    print(json.dumps({"name": "overhead", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
