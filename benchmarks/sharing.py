"""Sets of configurations as one plan, against the same ones without sharing and against scikit-learn one by one.

Each row is a set of configurations that differ in what is read late. It runs three times: through MILE, through MILE with the
rules switched off that let fits and predictions share work (equal tasks are still computed once), and as a loop over
scikit-learn's ``cross_val_score``. With and without sharing every score is compared; with scikit-learn the best one. What is
measured is CPU time of the process and of its workers, all of a run included: start, data, refit of the best, report.

Grids over folds, learned from sums: ``benchmarks/folds.py``.

Usage: ``python benchmarks/sharing.py --data FOLDER [--repeats 5]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RULES = ("bind_late", "gather_once", "fit_from_sums", "learn_together", "score_from_sums", "fuse_fits", "stack_fits")
FOLDS = 3
ROUNDING = 1e-9
CODES, HOT, COUNTS = "median >> ordinal", "median >> one_hot >> standard", "median >> minmax >> one_hot"
SMOOTHINGS = tuple(10.0**-e for e in range(1, 11)) + tuple(3 * 10.0**-e for e in range(1, 11))
PRUNINGS = tuple(round(0.0002 * i, 4) for i in range(20))
PENALTIES = tuple(float(f"{10 ** (-4 + 3 * i / 31):.6g}") for i in range(32))
RATES, DECAYS = (3e-4, 1e-3, 3e-3, 1e-2), (1e-5, 1e-3, 1e-2, 1e-1)
ALPHAS = tuple(round(10 ** (i / 10 - 1), 6) for i in range(40))


@dataclass(frozen=True)
class Row:
    """A set of configurations: steps with values that differ, and the ratio a plan written by hand reached."""

    name: str
    before: str
    step: str
    n: int
    by_hand: float


def listed(values: Iterable[float]) -> str:
    """Return values as a query lists them."""
    return f"{{{', '.join(f'{value:.10g}' for value in values)}}}"


ROWS = (
    Row("forest_trees", CODES, f"random_forest(n_estimators IN {listed(range(10, 101, 10))})", 10, 5.5),
    Row(
        "lightgbm_trees_x_rates",
        CODES,
        f"lightgbm(n_estimators IN {listed(range(20, 201, 20))}, learning_rate IN {{0.05, 0.1, 0.2}})",
        30,
        6.9,
    ),
    Row(
        "expert",
        CODES,
        f"random_forest(n_estimators IN {listed(range(10, 51, 5))}, max_depth IN {listed(range(4, 9))}, criterion = 'entropy')",
        45,
        5.4,
    ),
    Row("knn_neighbors", HOT, f"knn(n_neighbors IN {listed(range(1, 50, 2))})", 25, 23.7),
    Row("pca_components", HOT, f"pca(n_components IN {listed(range(4, 60, 4))}) >> gaussian_nb", 14, 10.4),
    Row("k_best_information", HOT, "k_best(k IN {5, 10, 20, 40}, score = 'mutual_information') >> gaussian_nb", 4, 4.5),
    Row("k_best_f_test", HOT, "k_best(k IN {5, 10, 20, 30, 40, 50, 60, 70}) >> gaussian_nb", 8, 8.8),
    Row("multinomial_nb_alphas", COUNTS, f"multinomial_nb(alpha IN {listed(ALPHAS[::2])})", 20, 17.5),
    Row(
        "lightgbm_settings",
        CODES,
        "lightgbm(n_estimators = 30, learning_rate IN {0.05, 0.1, 0.2}, num_leaves IN {15, 31}, reg_lambda IN {0.0, 1.0})",
        12,
        2.5,
    ),
    Row("gaussian_nb_smoothing", HOT, f"gaussian_nb(var_smoothing IN {listed(SMOOTHINGS)})", 20, 16.5),
    Row("tree_pruning", CODES, f"decision_tree(ccp_alpha IN {listed(PRUNINGS)})", 20, 9.5),
    Row("ridge_alphas", HOT, f"ridge(alpha IN {listed(ALPHAS)})", 40, 83.0),
    Row(
        "mlp_rates_x_penalties",
        HOT,
        f"mlp(hidden = 16, learning_rate_init IN {listed(RATES)}, alpha IN {listed(DECAYS)})",
        16,
        3.5,
    ),
    Row("logistic_penalties", HOT, f"logistic(C IN {listed(PENALTIES)})", 32, 5.0),
)

# --- what one process does --------------------------------------------------------------------------------------------


def through_mile(row: Row, data: Path, target: str, *, off: bool) -> dict[str, list[float]]:
    """Run the set as a query."""
    import mileage

    hint = "".join(f", off = '{rule}'" for rule in RULES) if off else ""
    query = (
        f"PREDICT \"{target}\" FROM '{data}' VALIDATE BY {FOLDS} FOLDS OPTIMIZE roc_auc "
        f"WITH PIPELINE = {row.before} >> {row.step} BUDGET {row.n} trials HINT (strategy = 'exhaustive'{hint})"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        result: Any = session.run(query)
        trials = [t for t in result.leaderboard.trials if t.number > 0]
        assert len(trials) == row.n, f"{len(trials)} of {row.n} trials"
        return {str(t.configuration): list(t.scores["roc_auc"]) for t in trials}


def one_by_one(row: Row, data: Path, target: str) -> dict[str, list[float]]:
    """Run the set as a loop over scikit-learn."""
    import pandas as pd
    from sklearn.compose import make_column_selector
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    frame = pd.read_parquet(data)
    y, X = frame[target].astype("category").cat.codes, frame.drop(columns=target)
    X = X.assign(**{c: X[c].astype(object) for c in make_column_selector(dtype_exclude="number")(X)})
    scores = {}
    for i, steps in enumerate(_steps(row)):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        made = make_pipeline(_columns(row.before), *steps)
        scores[str(i)] = cross_val_score(made, X, y, cv=folds, scoring="roc_auc").tolist()
    return scores


def _columns(before: str) -> Any:
    """Return what fills and encodes columns."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

    numbers: Any = SimpleImputer(strategy="median")
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    if before != CODES:
        numbers = make_pipeline(numbers, StandardScaler() if before == HOT else MinMaxScaler())
        codes = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    is_number, is_text = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
    return make_column_transformer((numbers, is_number), (codes, is_text))


def _steps(row: Row) -> Iterator[tuple[Any, ...]]:
    """Yield the steps of each configuration of a row."""
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.naive_bayes import GaussianNB, MultinomialNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    match row.name:
        case "knn_neighbors":
            yield from ((KNeighborsClassifier(n),) for n in range(1, 50, 2))
        case "pca_components":
            yield from ((PCA(n, random_state=0), GaussianNB()) for n in range(4, 60, 4))
        case "k_best_information":
            yield from ((_k_best(k), GaussianNB()) for k in (5, 10, 20, 40))
        case "k_best_f_test":
            yield from ((SelectKBest(k=k), GaussianNB()) for k in (5, 10, 20, 30, 40, 50, 60, 70))
        case "multinomial_nb_alphas":
            yield from ((MultinomialNB(alpha=one),) for one in ALPHAS[::2])
        case "gaussian_nb_smoothing":
            yield from ((GaussianNB(var_smoothing=one),) for one in SMOOTHINGS)
        case "tree_pruning":
            yield from ((DecisionTreeClassifier(ccp_alpha=one, random_state=0),) for one in PRUNINGS)
        case "logistic_penalties":
            yield from ((LogisticRegression(C=one, max_iter=300),) for one in PENALTIES)
        case "mlp_rates_x_penalties":
            yield from ((_network(rate, decay),) for rate in RATES for decay in DECAYS)
        case "ridge_alphas":
            yield from ((RidgeClassifier(alpha=one),) for one in ALPHAS)
        case _:
            yield from ((model,) for model in _ensembles(row))


def _k_best(k: int) -> Any:
    from functools import partial

    from sklearn.feature_selection import SelectKBest, mutual_info_classif

    return SelectKBest(partial(mutual_info_classif, random_state=0), k=k)


def _network(rate: float, decay: float) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((16,), learning_rate_init=rate, alpha=decay, early_stopping=True, random_state=0)


def _ensembles(row: Row) -> Iterator[Any]:
    from itertools import product

    from lightgbm import LGBMClassifier
    from sklearn.ensemble import RandomForestClassifier

    if row.name == "lightgbm_trees_x_rates":
        fixed = {"n_jobs": 1, "verbosity": -1, "random_state": 0, "subsample_freq": 1}
        fixed |= {"deterministic": True, "force_col_wise": True}
        for n, rate in product(range(20, 201, 20), (0.05, 0.1, 0.2)):
            yield LGBMClassifier(n_estimators=n, learning_rate=rate, **fixed)
    elif row.name == "lightgbm_settings":
        for rate, leaves, penalty in product((0.05, 0.1, 0.2), (15, 31), (0.0, 1.0)):
            asked = {"learning_rate": rate, "num_leaves": leaves, "reg_lambda": penalty}
            yield LGBMClassifier(n_estimators=30, n_jobs=1, verbosity=-1, subsample_freq=1, **asked)
    elif row.name == "expert":
        for n, depth in product(range(10, 51, 5), range(4, 9)):
            yield RandomForestClassifier(n, max_depth=depth, criterion="entropy", random_state=0)
    else:
        yield from (RandomForestClassifier(n, random_state=0) for n in range(10, 101, 10))


def child(job: dict[str, Any]) -> None:
    """Run one side of one row; print its scores."""
    row = next(row for row in ROWS if row.name == job["row"])
    data = Path(job["data"])
    made = (
        one_by_one(row, data, job["target"])
        if job["side"] == "sklearn"
        else through_mile(row, data, job["target"], off=job["side"] == "off")
    )
    print("SCORES", json.dumps(made))


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(row: Row, side: str, data: Path, target: str) -> tuple[float, float, dict[str, list[float]]]:
    """Return CPU and wall seconds of a process of its own, and its scores."""
    import resource
    import time

    job = json.dumps({"row": row.name, "side": side, "data": str(data), "target": target})
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--child", job], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stdout.splitlines() if line.startswith("SCORES ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, json.loads(said[-1].removeprefix("SCORES "))


def run_row(row: Row, data: Path, target: str, repeats: int) -> dict[str, Any]:
    """Run all sides of a row in turn; return medians, ratios and the largest difference of scores."""
    seen: dict[str, list[tuple[float, float]]] = {"on": [], "off": [], "sklearn": []}
    scores: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeats):
        for side, times in seen.items():
            cpu, wall, scores[side] = measured(row, side, data, target)
            times.append((cpu, wall))
    cpu = {side: statistics.median(c for c, _ in times) for side, times in seen.items()}
    wall = {side: statistics.median(w for _, w in times) for side, times in seen.items()}
    return {
        "configurations": row.n,
        "cpu_s": {side: round(s, 2) for side, s in cpu.items()},
        "spread": {side: [round(min(c for c, _ in t), 2), round(max(c for c, _ in t), 2)] for side, t in seen.items()},
        "wall_s": {side: round(s, 2) for side, s in wall.items()},
        "versus_sklearn": round(cpu["sklearn"] / cpu["on"], 2),
        "versus_unshared": round(cpu["off"] / cpu["on"], 2),
        "by_hand": row.by_hand,
        "differs_from_unshared_by": _difference(scores["on"], scores["off"]),
        "best_differs_by": round(abs(_best(scores["on"]) - _best(scores["sklearn"])), 6),
    }


def _difference(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """Return the largest difference of two scores of one configuration on one fold."""
    assert one.keys() == other.keys()
    return max(abs(a - b) for name in one for a, b in zip(one[name], other[name], strict=True))


def _best(scores: dict[str, list[float]]) -> float:
    return max(statistics.mean(values) for values in scores.values())


def summary(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures, the targets, and whether they are met."""
    targets = {
        name: {"versus_sklearn": round(0.8 * row["by_hand"], 2), "differs_from_unshared_by": ROUNDING}
        for name, row in rows.items()
    }
    met = all(
        row["versus_sklearn"] >= targets[name]["versus_sklearn"] and row["differs_from_unshared_by"] <= ROUNDING
        for name, row in rows.items()
    )
    return {"name": "sharing", "figures": rows, "targets": targets, "met": met}


def main() -> int:
    """Run the rows, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with adult.parquet")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=[], help="these rows only")
    parser.add_argument("--quick", action="store_true", help="2,000 rows of the table, once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(json.loads(given.child))
        return 0
    if given.data is None:
        parser.error("--data is needed")
    with tempfile.TemporaryDirectory() as folder:
        data = _table(given.data, Path(folder), quick=given.quick)
        chosen = [row for row in ROWS if not given.rows or row.name in given.rows]
        rows = {}
        for row in chosen:
            rows[row.name] = run_row(row, data, "class", 1 if given.quick else given.repeats)
            print(row.name, json.dumps(rows[row.name]), flush=True)
    print(json.dumps(summary(rows)))
    return 0


def _table(folder: Path, into: Path, *, quick: bool) -> Path:
    """Write the first rows of Adult; return the file."""
    import pandas as pd

    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == "adult")
    frame = (
        pd.read_parquet(folder / entry["file"])
        .drop(columns=entry["exclude"])
        .rename(columns={entry["target"]: "class"})
    )
    path = into / "adult.parquet"
    frame.head(2000 if quick else 15_000).to_parquet(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
