"""A search over 122 configurations of six families, 3 folds: planned by MILE as one, against one by one with their libraries.

Neighbors, logistic regression, naive Bayes, trees, forests and boosted trees, each behind two ways to fill what is missing
(Adult, 9,000 rows, with 5 % of the numbers taken away). The space is written as a query: a grid, or as many random draws, where
no value repeats on purpose. It runs through MILE; through MILE with the rules switched off that let fits and predictions share
work (equal tasks are still computed once); and as a loop over pipelines of scikit-learn and LightGBM. All scores of all folds are
compared. What is measured is CPU time of the process and of its workers, all of a run included: start, data, report.

Usage: ``python benchmarks/mixed_search.py --data FOLDER [--repeats 5]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RULES = ("bind_late", "gather_once", "fit_from_sums", "learn_together", "score_from_sums", "fuse_fits")
TARGETS = {"grid": 8.0, "draws": 5.0}
ROWS, QUICK_ROWS, FOLDS, MISSING = 9000, 1500, 3, 0.05
LARGEST_DIFFERENCE = 2e-3  # of the accuracy of a fold: six rows, for trees that choose among equal cuts
FILLS = ("mean", "median")
Model = tuple[str, dict[str, Any]]

# --- the space --------------------------------------------------------------------------------------------------------


def models(space: str) -> list[Model]:
    """Return the 61 models of a space."""
    return list(_grid() if space == "grid" else _draws())


def _grid() -> Iterator[Model]:
    import numpy as np

    yield from (("knn", {"n_neighbors": k}) for k in range(1, 40, 4))
    yield from (("logistic", {"C": float(f"{c:.6g}")}) for c in np.logspace(-4, -0.5, 8))
    yield from (("gaussian_nb", {"var_smoothing": float(f"{v:.6g}")}) for v in np.logspace(-9, 0, 10))
    for depth in (3, 6, 9, 12):
        yield from (("decision_tree", {"max_depth": depth, "min_samples_split": n}) for n in (2, 50, 200))
    yield from (("random_forest", {"n_estimators": n, "min_samples_leaf": 3}) for n in range(10, 61, 10))
    for rate in (0.05, 0.1, 0.3):
        yield from (("lightgbm", {"learning_rate": rate, "n_estimators": n}) for n in range(20, 101, 20))


def _draws() -> Iterator[Model]:
    import numpy as np

    rng = np.random.default_rng(7)

    def power(low: float, high: float) -> float:
        return float(f"{10 ** rng.uniform(low, high):.6g}")

    yield from (("knn", {"n_neighbors": int(k)}) for k in sorted(rng.choice(np.arange(1, 60), 10, replace=False)))
    yield from (("logistic", {"C": power(-4, 1)}) for _ in range(8))
    yield from (("gaussian_nb", {"var_smoothing": power(-9, 0)}) for _ in range(10))
    for _ in range(12):
        yield "decision_tree", {"max_depth": int(rng.integers(2, 14)), "min_samples_split": int(rng.integers(2, 300))}
    for n in sorted(rng.choice(np.arange(10, 61), 6, replace=False)):
        yield "random_forest", {"n_estimators": int(n), "min_samples_leaf": 3}
    for _ in range(15):
        yield "lightgbm", {"learning_rate": power(-2, -0.4), "n_estimators": int(rng.integers(20, 101))}


def name_of(fill: str, operator: str, params: dict[str, Any]) -> str:
    """Return the name of a configuration, the same on all sides."""
    return f"{fill} >> {operator}({', '.join(f'{k} = {params[k]!r}' for k in sorted(params))})"


# --- what one process does --------------------------------------------------------------------------------------------


def through_mile(space: str, data: Path, *, off: bool) -> dict[str, list[float]]:
    """Run the space as one query."""
    import mileage

    listed = models(space)
    asked = " | ".join(f"{name}({', '.join(f'{k} = {v!r}' for k, v in params.items())})" for name, params in listed)
    hint = "".join(f", off = '{rule}'" for rule in RULES) if off else ""
    query = (
        f"PREDICT class FROM '{data}' VALIDATE BY {FOLDS} FOLDS OPTIMIZE accuracy "
        f"WITH PIPELINE = ({' | '.join(FILLS)}) >> one_hot >> standard >> ({asked}) "
        f"BUDGET {len(FILLS) * len(listed)} trials HINT (strategy = 'exhaustive'{hint})"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        result: Any = session.run(query)
        trials = [t for t in result.leaderboard.trials if t.number > 0]
        assert len(trials) == len(FILLS) * len(listed), f"{len(trials)} trials"
        steps = [(t, {slot: spec for slot, (spec,) in t.configuration}) for t in trials]
        return {
            name_of(of["step1"].operator, of["model"].operator, dict(of["model"].params)): list(t.scores["accuracy"])
            for t, of in steps
        }


def one_by_one(space: str, data: Path) -> dict[str, list[float]]:
    """Run the space as a loop over pipelines of scikit-learn and LightGBM."""
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    frame = pd.read_parquet(data)
    y, X = frame["class"].astype("category").cat.codes, frame.drop(columns="class")
    X = X.astype({c: object for c in X if not pd.api.types.is_numeric_dtype(X[c])})
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(X, y))
    return {
        name_of(fill, name, params): cross_val_score(
            make_pipeline(columns(fill), _model(name, params)), X, y, cv=folds, scoring="accuracy", error_score="raise"
        ).tolist()
        for fill in FILLS
        for name, params in models(space)
    }


def columns(fill: str) -> Any:
    """Return the preparation of the columns: numbers filled and scaled, others one-hot."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=200, sparse_output=False
    )
    numbers = make_pipeline(SimpleImputer(strategy=fill), StandardScaler())
    is_number, is_text = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
    return make_column_transformer((numbers, is_number), (one_hot, is_text))


def _model(name: str, params: dict[str, Any]) -> Any:
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    from mileage.core.fingerprint import derive_seed

    seed = derive_seed(0, "model")
    boosted = {"n_jobs": 1, "verbosity": -1, "subsample_freq": 1, "deterministic": True, "force_col_wise": True}
    made: dict[str, Any] = {
        "knn": KNeighborsClassifier(),
        "logistic": LogisticRegression(max_iter=300),
        "gaussian_nb": GaussianNB(),
        "decision_tree": DecisionTreeClassifier(random_state=seed),
        "random_forest": RandomForestClassifier(random_state=seed, n_jobs=1),
        "lightgbm": LGBMClassifier(random_state=seed, **boosted),
    }
    return made[name].set_params(**params)


def child(job: dict[str, Any]) -> None:
    """Run one side; print its scores."""
    data = Path(job["data"])
    made = (
        one_by_one(job["space"], data)
        if job["side"] == "libraries"
        else through_mile(job["space"], data, off=job["side"] == "off")
    )
    print("SCORES", json.dumps(made))


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(space: str, side: str, data: Path) -> tuple[float, float, dict[str, list[float]]]:
    """Return CPU and wall seconds of a process of its own, and its scores."""
    job = json.dumps({"space": space, "side": side, "data": str(data)})
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-W", "ignore", __file__, "--child", job]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stdout.splitlines() if line.startswith("SCORES ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, json.loads(said[-1].removeprefix("SCORES "))


def run_space(space: str, data: Path, repeats: int) -> dict[str, Any]:
    """Run all sides in turn; return medians, ratios and differences of scores."""
    seen: dict[str, list[tuple[float, float]]] = {"on": [], "off": [], "libraries": []}
    scores: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeats):
        for side, times in seen.items():
            cpu, wall, scores[side] = measured(space, side, data)
            times.append((cpu, wall))
    cpu = {side: statistics.median(c for c, _ in times) for side, times in seen.items()}
    wall = {side: statistics.median(w for _, w in times) for side, times in seen.items()}
    best = {side: max(made, key=lambda name: statistics.mean(made[name])) for side, made in scores.items()}
    return {
        "configurations": len(scores["on"]),
        "cpu_s": {side: round(s, 2) for side, s in cpu.items()},
        "spread": {side: [round(min(c for c, _ in t), 2), round(max(c for c, _ in t), 2)] for side, t in seen.items()},
        "wall_s": {side: round(s, 2) for side, s in wall.items()},
        "versus_libraries": round(cpu["libraries"] / cpu["on"], 2),
        "versus_unshared": round(cpu["off"] / cpu["on"], 2),
        "difference": differences(scores["on"], scores["libraries"]),
        "difference_from_unshared": differences(scores["on"], scores["off"]),
        "same_best": len(set(best.values())) == 1,
        "best": best["on"],
    }


def differences(one: dict[str, list[float]], other: dict[str, list[float]]) -> dict[str, float]:
    """Return the largest difference of two scores of one configuration on one fold, by family."""
    assert one.keys() == other.keys()
    found: dict[str, float] = {}
    for name, scores in one.items():
        family = name.partition(">> ")[2].partition("(")[0]
        off = max(abs(a - b) for a, b in zip(scores, other[name], strict=True))
        found[family] = round(max(found.get(family, 0.0), off), 6)
    return found


def _table(folder: Path, into: Path, n_rows: int) -> Path:
    """Write rows of Adult with holes in its numbers; return the file."""
    import numpy as np
    import pandas as pd

    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == "adult")
    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
    frame = frame.rename(columns={entry["target"]: "class"}).sample(n_rows, random_state=0).reset_index(drop=True)
    numbers = [c for c in frame if pd.api.types.is_numeric_dtype(frame[c])]
    holes = np.random.default_rng(1).random((n_rows, len(numbers))) < MISSING
    frame[numbers] = frame[numbers].astype(float).mask(holes)
    path = into / "adult.parquet"
    frame.to_parquet(path)
    return path


def main() -> int:
    """Run the spaces, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with adult.parquet")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--spaces", nargs="*", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows of the table, once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(json.loads(given.child))
        return 0
    if given.data is None:
        parser.error("--data is needed")
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = _table(given.data, Path(folder), QUICK_ROWS if given.quick else ROWS)
        for space in given.spaces:
            figures[space] = run_space(space, data, 1 if given.quick else given.repeats)
            print(space, json.dumps(figures[space]), flush=True)
    met = all(
        f["versus_libraries"] >= TARGETS[space]
        and f["same_best"]
        and max(f["difference"].values()) <= LARGEST_DIFFERENCE
        for space, f in figures.items()
    )
    targets = {"versus_libraries": TARGETS, "same_best": True, "difference": LARGEST_DIFFERENCE}
    print(json.dumps({"name": "mixed_search", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
