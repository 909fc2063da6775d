"""Grids over folds: models learned from sums, against the same algebra without sharing and against scikit-learn one by one.

Each row is a model with values of a parameter that is read last, cross-validated. It runs four ways on the same folds: a loop over
scikit-learn's ``cross_val_score``; the same algebra by hand, everything that does not depend on the parameter once a fold (a *path*,
the control: what is gained without folds that share); MILE with ``HINT (exactness = bitwise)``, which leaves no sums; and MILE. Every
score of every configuration is compared, as a share of the largest.

Measured is CPU time, of a second run in one process: ``work_s`` is all of a side without imports (of MILE also the profile of the data, planning, keeping, the refit of the
best, the report), ``tasks_s`` of MILE what the tasks take that lead to its scores. ``idea_alone`` is the path
over the tasks of MILE. ``one_more`` is what the tasks of one more value take, measured by a grid of twice as many, over those of one
configuration that shares nothing (``off``).

Usage: ``python benchmarks/folds.py --data FOLDER [--repeats 5] [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from grid_tasks import of_the_grid, timed_tasks

SIDES = ("sklearn", "path", "off", "on", "twice")
QUICK_ROWS, TOLERANCE, TARGET, ONE_MORE = 4000, 1e-9, 10.0, 0.03


@dataclass(frozen=True)
class Row:
    """A grid: a table, a model with values of its last parameter, the folds and the metric; ``scorer`` is scikit-learn's name of it."""

    name: str
    table: str
    model: str
    parameter: str
    values: tuple[float, ...]
    folds: int
    metric: str
    scorer: str
    encode: str = "one_hot"
    scale: str = "standard"


def _grid(low: float, high: float, n: int) -> tuple[float, ...]:
    return tuple(float(f"{v:.6g}") for v in np.geomspace(low, high, n))


ROWS = (
    Row(
        "ridge_5",
        "california_housing",
        "ridge",
        "alpha",
        _grid(1e-2, 1e3, 20),
        5,
        "rmse",
        "neg_root_mean_squared_error",
    ),
    Row(
        "ridge_10",
        "california_housing",
        "ridge",
        "alpha",
        _grid(1e-2, 1e3, 20),
        10,
        "rmse",
        "neg_root_mean_squared_error",
    ),
    Row("ridge_wide", "spambase", "ridge", "alpha", _grid(1e-2, 1e3, 20), 10, "accuracy", "accuracy"),
    Row("lda", "letter", "lda", "shrinkage", _grid(1e-3, 1.0, 10), 10, "accuracy", "accuracy"),
    Row("target_ridge", "adult", "ridge", "alpha", _grid(1e-2, 1e3, 20), 10, "accuracy", "accuracy", "target"),
    Row(
        "multinomial_nb",
        "adult",
        "multinomial_nb",
        "alpha",
        _grid(1e-2, 1e2, 12),
        10,
        "log_loss",
        "neg_log_loss",
        scale="minmax",
    ),
    Row("gaussian_nb", "letter", "gaussian_nb", "var_smoothing", _grid(1e-9, 1e-1, 12), 10, "log_loss", "neg_log_loss"),
)


# --- the sides ----------------------------------------------------------------------------------------------------------


def _read(row: Row, data: Path) -> tuple[pd.DataFrame, np.ndarray, bool]:
    """Return the table of a row without its target, the target as numbers, and whether these are classes."""
    frame = pd.read_parquet(data)
    target = frame.pop("target")
    classes = row.metric != "rmse"
    y = target.astype("category").cat.codes.to_numpy() if classes else target.to_numpy(dtype=float)
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{c: frame[c].astype(object) for c in texts}), y, classes


def _splits(row: Row, X: pd.DataFrame, y: np.ndarray, *, classes: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if classes else KFold
    return iter(kind(row.folds, shuffle=True, random_state=0).split(X, y))


def _prepared(row: Row) -> Any:
    """Return what stands before the model: means for missing numbers, standard scores, categories one-hot or as means of the target."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

    if row.encode == "target":
        return make_pipeline(
            make_column_transformer(
                (SimpleImputer(strategy="mean"), make_column_selector(dtype_include="number")),
                (_target_encoder(), make_column_selector(dtype_exclude="number")),
            ),
            StandardScaler(),
        )
    hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=200, sparse_output=False)
    numbers = make_column_selector(dtype_include="number")
    return make_column_transformer(
        (
            make_pipeline(
                SimpleImputer(strategy="mean"), MinMaxScaler(clip=True) if row.scale == "minmax" else StandardScaler()
            ),
            numbers,
        ),
        (hot, make_column_selector(dtype_exclude="number")),
    )


def _target_encoder() -> Any:
    """Return the encoder that a query of seed 0 has: the folds of its cross-fitting are drawn by it."""
    from mileage.core.fingerprint import derive_seed
    from mileage.operators import BuildContext, operators

    operator = operators.get("target")
    return operator.build(operator.complete({}), BuildContext(seed=derive_seed(0, operator.family.value)))


def _model(row: Row, value: float, *, classes: bool) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.naive_bayes import GaussianNB, MultinomialNB

    if row.model == "multinomial_nb":
        return MultinomialNB(alpha=value)
    if row.model == "lda":
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=value)
    if row.model == "gaussian_nb":
        return GaussianNB(var_smoothing=value)
    return (RidgeClassifier if classes else Ridge)(alpha=value)


def by_sklearn(row: Row, data: Path) -> dict[str, Any]:
    """Fit each configuration on each fold."""
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline

    X, y, classes = _read(row, data)
    started, scores = time.process_time(), {}
    for value in row.values:
        made = make_pipeline(_prepared(row), _model(row, value, classes=classes))
        found = cross_val_score(made, X, y, cv=list(_splits(row, X, y, classes=classes)), scoring=row.scorer)
        scores[str(value)] = np.abs(found).tolist()
    return {"scores": scores, "work_s": time.process_time() - started}


def by_path(row: Row, data: Path) -> dict[str, Any]:
    """Fit once a fold what does not depend on the parameter, then go through its values."""
    X, y, classes = _read(row, data)
    started = time.process_time()
    scores: dict[str, list[float]] = {str(value): [] for value in row.values}
    for train, test in _splits(row, X, y, classes=classes):
        prepared = _prepared(row)
        rows = prepared.fit_transform(X.iloc[train], y[train]), prepared.transform(X.iloc[test])
        path = {"gaussian_nb": _bayes_path, "lda": _discriminant_path, "multinomial_nb": _counts_path}.get(
            row.model, _ridge_path
        )
        for value, score in zip(row.values, path(row, (rows[0], y[train]), (rows[1], y[test])), strict=True):
            scores[str(value)].append(score)
    return {"scores": scores, "work_s": time.process_time() - started}


Part = tuple[np.ndarray, np.ndarray]


def _ridge_path(row: Row, train: Part, test: Part) -> list[float]:
    """One decomposition for all penalties, and one product for all predictions."""
    off, y = train[0] - train[0].mean(axis=0), train[1]
    t = y if row.metric == "rmse" else 2.0 * y - 1
    values, vectors = np.linalg.eigh(off.T @ off)
    known = vectors.T @ (off.T @ (t - t.mean()))
    coefs = vectors @ (known[:, None] / (values[:, None] + np.array(row.values)))
    made = (test[0] - train[0].mean(axis=0)) @ coefs + t.mean()
    if row.metric == "rmse":
        return [float(v) for v in np.sqrt(((made - test[1][:, None]) ** 2).mean(axis=0))]
    return [float(v) for v in ((made > 0) == (test[1][:, None] > 0)).mean(axis=0)]


def _discriminant_path(row: Row, train: Part, test: Part) -> list[float]:
    """One decomposition of the covariance within classes for all shrinkages, and one product for all margins."""
    X, y = train
    shares = np.bincount(y) / len(y)
    means = np.stack([X[y == c].mean(axis=0) for c in range(len(shares))])
    off = X - means[y]
    values, vectors = np.linalg.eigh(off.T @ off / len(y))
    shrunk = np.array([(1 - s) * values + s * values.mean() for s in row.values])
    coefs = vectors @ ((vectors.T @ means.T) / shrunk[:, :, None])
    intercepts = np.log(shares) - 0.5 * np.einsum("cp,mpc->mc", means, coefs)
    flat = coefs.transpose(1, 0, 2).reshape(X.shape[1], -1)
    margins = (test[0] @ flat).reshape(len(test[0]), *intercepts.shape) + intercepts
    return [float(v) for v in (margins.argmax(axis=2) == test[1][:, None]).mean(axis=0)]


def _bayes_path(row: Row, train: Part, test: Part) -> list[float]:
    """One fit, whose variances are smoothed again for each value."""
    from sklearn.metrics import log_loss
    from sklearn.naive_bayes import GaussianNB

    model = GaussianNB(var_smoothing=0.0).fit(*train)
    bare, largest, found = model.var_.copy(), train[0].var(axis=0).max(), []
    for value in row.values:
        model.var_ = bare + value * largest
        found.append(float(log_loss(test[1], model.predict_proba(test[0]))))
    return found


def _counts_path(row: Row, train: Part, test: Part) -> list[float]:
    """One fit, whose counts are smoothed again for each value."""
    from sklearn.metrics import log_loss
    from sklearn.naive_bayes import MultinomialNB

    model, found = MultinomialNB().fit(*train), []
    for value in row.values:
        model._update_feature_log_prob(value)
        found.append(float(log_loss(test[1], model.predict_proba(test[0]))))
    return found


def by_mile(row: Row, data: Path, *, off: bool) -> dict[str, Any]:
    """Run the grid as a query; the time of its tasks is taken where the engine runs them."""
    import mileage

    listed = ", ".join(repr(value) for value in row.values)
    hint = ", exactness = bitwise" if off else ""
    query = (
        f"PREDICT target FROM '{data}' VALIDATE BY {row.folds} FOLDS OPTIMIZE {row.metric} "
        f"WITH PIPELINE = mean >> {row.encode} >> {row.scale} >> {row.model}({row.parameter} IN {{{listed}}}) "
        f"BUDGET {len(row.values)} trials HINT (strategy = 'exhaustive', backend = 'inline'{hint})"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session, timed_tasks() as ran:
        started = time.process_time()
        result: Any = session.run(query)
        work_s = time.process_time() - started
        trials = [t for t in result.leaderboard.trials if t.number > 0]
    assert len(trials) == len(row.values), f"{len(trials)} of {len(row.values)} trials"
    scores = {str(dict(t.configuration[-1][1][-1].params)[row.parameter]): list(t.scores[row.metric]) for t in trials}
    return {"scores": scores, "work_s": work_s, "tasks_s": of_the_grid(ran), "exactness": str(trials[0].exactness)}


# --- measuring ----------------------------------------------------------------------------------------------------------


def child(job: dict[str, Any]) -> None:
    """Run one side of one row; print what it gives."""
    row, data, side = next(r for r in ROWS if r.name == job["row"]), Path(job["data"]), job["side"]
    if side == "twice":
        between = tuple(float(f"{value:.6g}") for value in np.sqrt(np.array(row.values[1:]) * row.values[:-1]))
        row = replace(row, values=tuple(sorted({*row.values, *between, row.values[0] * 1.1})))
    for _ in range(2):  # the first time imports are part of it
        made = by_sklearn(row, data) if side == "sklearn" else by_path(row, data) if side == "path" else None
        made = made or by_mile(row, data, off=side == "off")
    print("MADE", json.dumps(made))


def measured(row: Row, side: str, data: Path) -> dict[str, Any]:
    """Return what a side gives in a process of its own."""
    job = json.dumps({"row": row.name, "side": side, "data": str(data)})
    done = subprocess.run([sys.executable, __file__, "--child", job], capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines() if line.startswith("MADE ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    made: dict[str, Any] = json.loads(said[-1].removeprefix("MADE "))
    return made


def run_row(row: Row, data: Path, repeats: int) -> dict[str, Any]:
    """Run all sides of a row in turn; return medians, ratios and the largest differences of scores."""
    runs = [{side: measured(row, side, data) for side in SIDES} for _ in range(repeats)]
    work = {side: statistics.median(run[side]["work_s"] for run in runs) for side in SIDES}
    tasks = {side: statistics.median(run[side]["tasks_s"] for run in runs) for side in ("off", "on", "twice")}
    last = runs[-1]
    return {
        "fits": len(row.values) * row.folds,
        "work_s": {side: round(s, 3) for side, s in work.items()},
        "tasks_s": {side: round(s, 3) for side, s in tasks.items()},
        "versus_sklearn": round(work["sklearn"] / work["on"], 2),
        "versus_off": round(work["off"] / work["on"], 2),
        "tasks_versus_off": round(tasks["off"] / tasks["on"], 2),
        "idea_alone": round(work["path"] / tasks["on"], 2),
        "one_more": round(
            statistics.median((r["twice"]["tasks_s"] - r["on"]["tasks_s"]) / r["off"]["tasks_s"] for r in runs), 4
        ),
        "exactness": last["on"]["exactness"],
        "differs_from_off": _apart(last["on"], last["off"]),
        "differs_from_sklearn": _apart(last["on"], last["sklearn"]),
        "differs_from_path": _apart(last["on"], last["path"]),
    }


def _apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    pairs = [(one["scores"][name], other["scores"][name]) for name in one["scores"]]
    return float(max(np.abs(np.array(a) - np.array(b)).max() / np.abs(b).max() for a, b in pairs))


def main() -> int:
    """Run the rows, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with manifest.json")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=[], help="these rows only")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows of each table, once")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(json.loads(given.child))
        return 0
    if given.data is None:
        parser.error("--data is needed")
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for row in (row for row in ROWS if not given.rows or row.name in given.rows):
            data = _table(row, given.data, Path(folder), quick=given.quick)
            figures[row.name] = run_row(row, data, 1 if given.quick else given.repeats)
            print(row.name, json.dumps(figures[row.name]), flush=True)
    exact = all(f["differs_from_off"] <= TOLERANCE for f in figures.values())
    targets = {"idea_alone": TARGET, "one_more": ONE_MORE, "differs_from_off": TOLERANCE}
    met = exact and all(f["idea_alone"] >= TARGET and f["one_more"] <= ONE_MORE for f in figures.values())
    print(json.dumps({"name": "folds", "figures": figures, "targets": targets, "met": met}))
    return 0


def _table(row: Row, folder: Path, into: Path, *, quick: bool) -> Path:
    """Write the rows of a table with its target named ``target``; return the file."""
    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == row.table)
    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
    frame = frame.rename(columns={entry["target"]: "target"}).sample(frac=1.0, random_state=0)
    path = into / f"{row.name}.parquet"
    (frame.head(QUICK_ROWS) if quick else frame).reset_index(drop=True).to_parquet(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
