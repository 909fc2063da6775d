"""Sets of configurations as one plan, against the same ones without sharing and against scikit-learn one by one.

Each row is a set of configurations that differ in what is read late. It runs three times: through MILE, through MILE with the
rules switched off that let fits and predictions share work (equal tasks are still computed once), and as a loop over
scikit-learn's ``cross_val_score``. With and without sharing every score is compared; with scikit-learn the best one. What is
measured is CPU time of the process and of its workers, all of a run included: start, data, refit of the best, report (``cpu_s``,
``versus_sklearn``). What plans by hand have reached was measured without all that. So ``tasks_s`` is, of MILE in one process that has
imported all, what the tasks take that lead to scores, of scikit-learn what the loop takes; ``tasks_versus_sklearn`` is their ratio.

Grids over folds, learned from sums: ``benchmarks/folds.py``; a batch of pipelines: ``benchmarks/peers.py``.

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

from grid_tasks import of_the_grid, timed_tasks

RULES = (
    *("code_once", "bind_late", "bin_once", "gather_once", "fit_from_sums", "learn_together", "score_from_sums"),
    *("answer_from_cells", "fuse_fits", "stack_fits"),
)
SIDES = ("on", "off", "sklearn", "tasks")
ROUNDING, SOLVED = 1e-9, 2e-6  # differences of scores, as a share: of what is equal, and of lassos on a path by hand
CODES, HOT, COUNTS = "median >> ordinal", "median >> one_hot >> standard", "median >> minmax >> one_hot"
SMOOTHINGS = tuple(10.0**-e for e in range(1, 11)) + tuple(3 * 10.0**-e for e in range(1, 11))
PRUNINGS = tuple(round(0.0002 * i, 4) for i in range(20))
PENALTIES = tuple(float(f"{10 ** (-4 + 3 * i / 31):.6g}") for i in range(32))
RATES, DECAYS = (3e-4, 1e-3, 3e-3, 1e-2), (1e-5, 1e-3, 1e-2, 1e-1)
LASSOS = tuple(float(f"{10 ** (-3 + 3 * i / 39):.6g}") for i in range(40))
SMOOTHS, WORDS = (1.0, 5.0, 20.0, 100.0, 500.0), tuple(range(500, 6500, 500))
BOXES, WIDTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0), (0.005, 0.01, 0.02)
ALPHAS = tuple(round(10 ** (i / 10 - 1), 6) for i in range(40))


@dataclass(frozen=True)
class Row:
    """A set of configurations: steps with values that differ, and the ratio a plan written by hand reached.

    ``scorer`` is scikit-learn's name of the metric; ``differs`` is how much scores may, as a share, with and without sharing.
    """

    name: str
    before: str
    step: str
    n: int
    by_hand: float
    folds: int = 3
    table: str = "adult"
    metric: str = "roc_auc"
    scorer: str = "roc_auc"
    differs: float = ROUNDING


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
    Row("knn_folds", HOT, f"knn(n_neighbors IN {listed(range(1, 42, 4))})", 11, 7.2, folds=5),
    Row("target_smoothings", "median", f"target(smooth IN {listed(SMOOTHS)}) >> standard >> ridge", 5, 58.0, folds=10),
    Row(
        "lasso_penalties",
        HOT,
        f"linear(penalty = 'l1', alpha IN {listed(LASSOS)})",
        40,
        15.7,
        table="ames",
        metric="rmse",
        scorer="neg_root_mean_squared_error",
        differs=SOLVED,
    ),
    Row(
        "words",
        "",
        f"tf_idf(max_features IN {listed(WORDS)}, ngrams IN {{1, 2}}) >> multinomial_nb",
        24,
        13.9,
        table="texts",
    ),
    Row(
        "svm_penalties_x_widths",
        "standard",
        f"svm(C IN {listed(BOXES)}, gamma IN {listed(WIDTHS)})",
        24,
        2.1,
        table="digits",
        metric="accuracy",
        scorer="accuracy",
    ),
)

# --- what one process does --------------------------------------------------------------------------------------------


def through_mile(row: Row, data: Path, *, hint: str = "") -> dict[str, list[float]]:
    """Run the set as a query."""
    import mileage

    steps = " >> ".join(part for part in (row.before, row.step) if part)
    texts = "KNOWING note IS TEXT " if row.table == "texts" else ""
    query = (
        f"PREDICT \"class\" FROM '{data}' VALIDATE BY {row.folds} FOLDS OPTIMIZE {row.metric} "
        f"WITH PIPELINE = {steps} {texts}BUDGET {row.n} trials HINT (strategy = 'exhaustive'{hint})"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        result: Any = session.run(query)
        trials = [t for t in result.leaderboard.trials if t.number > 0]
        assert len(trials) == row.n, f"{len(trials)} of {row.n} trials"
        return {str(t.configuration): list(t.scores[row.metric]) for t in trials}


def one_by_one(row: Row, data: Path) -> tuple[dict[str, list[float]], float]:
    """Run the set as a loop over scikit-learn; return its scores, and the seconds without imports."""
    import time

    import pandas as pd
    from sklearn.compose import make_column_selector
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    frame = pd.read_parquet(data)
    is_regression = row.metric == "rmse"
    y = frame["class"] if is_regression else frame["class"].astype("category").cat.codes
    X = frame.drop(columns="class")
    X = X.assign(**{c: X[c].astype(object) for c in make_column_selector(dtype_exclude="number")(X)})
    kind, columns, scores = KFold if is_regression else StratifiedKFold, _columns(row.before), {}
    every = list(_steps(row))
    started = time.process_time()
    for i, steps in enumerate(every):
        folds = kind(row.folds, shuffle=True, random_state=0)
        made = make_pipeline(*([columns] if columns else []), *steps)
        rows = X["note"] if row.table == "texts" else X
        scores[str(i)] = [
            abs(v) for v in cross_val_score(made, rows, y, cv=folds, scoring=row.scorer, error_score="raise")
        ]
    return scores, time.process_time() - started


def _columns(before: str) -> Any:
    """Return what fills and encodes columns, nothing where the steps do."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

    if before == "standard":
        return StandardScaler()
    if before in {"", "median"}:
        return None
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
            yield from _more_steps(row)


def _more_steps(row: Row) -> Iterator[tuple[Any, ...]]:
    """Yield the steps of each configuration of a row that is no grid of a model on columns of Adult, or is one of an ensemble."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    match row.name:
        case "words":
            yield from ((_words(most, longest), MultinomialNB()) for most in WORDS for longest in (1, 2))
        case "lasso_penalties":
            yield from ((_lasso(one),) for one in LASSOS)
        case "svm_penalties_x_widths":
            yield from ((SVC(C=box, gamma=width),) for box in BOXES for width in WIDTHS)
        case "target_smoothings":
            yield from ((_means_of_target(one), StandardScaler(), RidgeClassifier()) for one in SMOOTHS)
        case "knn_folds":
            yield from ((KNeighborsClassifier(n),) for n in range(1, 42, 4))
        case _:
            yield from ((model,) for model in _ensembles(row))


def _k_best(k: int) -> Any:
    from functools import partial

    from sklearn.feature_selection import SelectKBest, mutual_info_classif

    return SelectKBest(partial(mutual_info_classif, random_state=0), k=k)


def _words(most: int, longest: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(max_features=most, ngram_range=(1, longest), sublinear_tf=True)


def _lasso(alpha: float) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import Lasso
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(Lasso(alpha=alpha, max_iter=2000), transformer=StandardScaler())


def _means_of_target(smooth: float) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import TargetEncoder

    return make_column_transformer(
        (SimpleImputer(strategy="median"), make_column_selector(dtype_include="number")),
        (TargetEncoder(smooth=smooth, random_state=0), make_column_selector(dtype_exclude="number")),
    )


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
    """Run one side of one row; print its scores, and the seconds without what surrounds the grid where these are taken."""
    row, side, data, work_s = next(row for row in ROWS if row.name == job["row"]), job["side"], Path(job["data"]), 0.0
    if side == "sklearn":
        made, work_s = one_by_one(row, data)
    elif side == "tasks":
        for _ in range(2):  # the first time imports are part of it
            with timed_tasks() as ran:
                made = through_mile(row, data, hint=", backend = 'inline'")
        work_s = of_the_grid(ran)
    else:
        made = through_mile(row, data, hint="".join(f", off = '{rule}'" for rule in RULES) if side == "off" else "")
    print("MADE", json.dumps({"scores": made, "work_s": work_s}))


# --- measuring --------------------------------------------------------------------------------------------------------


def measured(row: Row, side: str, data: Path) -> dict[str, Any]:
    """Return CPU and wall seconds of a process of its own, its scores, and the seconds of its work."""
    import resource
    import time

    job = json.dumps({"row": row.name, "side": side, "data": str(data)})
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, __file__, "--child", job], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stdout.splitlines() if line.startswith("MADE ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall, **json.loads(said[-1].removeprefix("MADE "))}


def run_row(row: Row, data: Path, repeats: int) -> dict[str, Any]:
    """Run all sides of a row in turn; return medians, ratios and the largest difference of scores."""
    runs = [{side: measured(row, side, data) for side in SIDES} for _ in range(repeats)]
    cpu = {side: sorted(run[side]["cpu_s"] for run in runs) for side in SIDES[:3]}
    middle = {side: statistics.median(times) for side, times in cpu.items()}
    tasks = {side: statistics.median(run[side]["work_s"] for run in runs) for side in ("tasks", "sklearn")}
    scores = {side: made["scores"] for side, made in runs[-1].items()}
    return {
        "configurations": row.n,
        "cpu_s": {side: round(s, 2) for side, s in middle.items()},
        "spread": {side: [round(times[0], 2), round(times[-1], 2)] for side, times in cpu.items()},
        "wall_s": {side: round(statistics.median(run[side]["wall_s"] for run in runs), 2) for side in SIDES[:3]},
        "tasks_s": {side: round(s, 3) for side, s in tasks.items()},
        "versus_sklearn": round(middle["sklearn"] / middle["on"], 2),
        "versus_unshared": round(middle["off"] / middle["on"], 2),
        "tasks_versus_sklearn": round(tasks["sklearn"] / tasks["tasks"], 2),
        "by_hand": row.by_hand,
        "differs_from_unshared_by": _difference(scores["on"], scores["off"]),
        "best_differs_by": round(abs(_best(row, scores["on"]) - _best(row, scores["sklearn"])), 6),
    }


def _difference(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """Return the largest difference of two scores of one configuration on one fold, as a share of the larger one, or of 1."""
    assert one.keys() == other.keys()
    pairs = [pair for name in one for pair in zip(one[name], other[name], strict=True)]
    return max(abs(a - b) / max(1.0, abs(a), abs(b)) for a, b in pairs)


def _best(row: Row, scores: dict[str, list[float]]) -> float:
    return (min if row.metric == "rmse" else max)(statistics.mean(values) for values in scores.values())


def summary(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures, the targets, and whether they are met: by whole runs, and by what the tasks take."""
    differs = {row.name: row.differs for row in ROWS}
    targets = {
        name: {"versus_sklearn": round(0.8 * row["by_hand"], 2), "differs_from_unshared_by": differs[name]}
        for name, row in rows.items()
    }
    equal = {name for name, row in rows.items() if row["differs_from_unshared_by"] <= differs[name]}
    met = {
        by: sorted(name for name in equal if rows[name][by] >= targets[name]["versus_sklearn"])
        for by in ("versus_sklearn", "tasks_versus_sklearn")
    }
    whole = len(met["versus_sklearn"]) == len(rows)
    return {"name": "sharing", "figures": rows, "targets": targets, "met_by": met, "met": whole}


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
        chosen = [row for row in ROWS if not given.rows or row.name in given.rows]
        rows = {}
        for row in chosen:
            data = _table(row, given.data, Path(folder), quick=given.quick)
            rows[row.name] = run_row(row, data, 1 if given.quick else given.repeats)
            print(row.name, json.dumps(rows[row.name]), flush=True)
    print(json.dumps(summary(rows)))
    return 0


def _table(row: Row, folder: Path, into: Path, *, quick: bool) -> Path:
    """Write the first rows of a table, or a made-up one; return the file."""
    import pandas as pd

    path = into / f"{row.table}.parquet"
    if row.table == "texts":
        frame = _texts(12_000)
    elif row.table == "digits":
        from sklearn.datasets import load_digits

        pixels = load_digits(as_frame=True)
        frame = pixels.data.assign(**{"class": pixels.target.astype(str)})
    else:
        known = json.loads((folder / "manifest.json").read_text())["datasets"]
        entry = next(e for e in known if e["name"] == row.table)
        frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
        frame = frame.rename(columns={entry["target"]: "class"})
    frame.head(2000 if quick else 15_000).to_parquet(path)
    return path


def _texts(n: int) -> Any:
    """Return made-up reviews: 60 words each, as frequent as Zipf has it, and some that go with a class."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, n)
    places = np.minimum(rng.zipf(1.3, size=(n, 60)), 20_000) + 20_000 * (rng.random((n, 60)) < 0.02) * classes[:, None]
    notes = [" ".join(f"w{place}" for place in text) for text in places]
    return pd.DataFrame({"note": notes, "class": np.where(classes == 1, "good", "bad")})


if __name__ == "__main__":
    sys.exit(main())
