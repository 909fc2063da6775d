"""One and the same batch of pipelines through MILE, GridSearchCV, HalvingGridSearchCV, skrub DataOps and stratum: wall and CPU time.

54 pipelines on 3 folds (Adult): two ways to fill, three numbers of columns that are selected, three of components, three models. All
sides use the folds of scikit-learn's splitter with one seed, so scores are compared; halving looks at few pipelines on all rows, so only
its best can be. Each side is a process of its own, timed from its start to its end; stratum runs where it is installed.

Usage: ``python benchmarks/peers.py --data FOLDER [--peers PYTHON] [--stratum PYTHON]``, each with the interpreter that has the library;
the last line is one JSON object.
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
from pathlib import Path
from typing import Any

from mixed_search import columns

FOLDS, ROWS, QUICK_ROWS = 3, 9000, 1500
KS, COMPONENTS = (30, 50, 70), (5, 10, 20)
SAME = 1e-3  # of an accuracy: three rows of a fold, as libraries and their versions differ


def through_mile(data: Path) -> dict[str, float]:
    """Run the batch as a query."""
    import mileage

    query = (
        f"PREDICT class FROM '{data}' VALIDATE BY {FOLDS} FOLDS OPTIMIZE accuracy WITH PIPELINE = (mean | median) >> one_hot >> "
        f"standard >> k_best(k IN {{{', '.join(map(str, KS))}}}) >> pca(n_components IN {{{', '.join(map(str, COMPONENTS))}}}) >> "
        "(gaussian_nb | logistic(C IN {0.1, 1.0})) BUDGET 54 trials HINT (strategy = 'exhaustive')"
    )
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        result: Any = session.run(query)
        trials = [t for t in result.leaderboard.trials if t.number > 0]
        assert len(trials) == 54
        return {
            "n": 54,
            "best": max(t.mean("accuracy") for t in trials),
            "mean": statistics.mean(t.mean("accuracy") for t in trials),
        }


def _table(data: Path) -> tuple[Any, Any]:
    import pandas as pd

    frame = pd.read_parquet(data)
    y, X = frame["class"].astype("category").cat.codes, frame.drop(columns="class")
    return X.astype({c: object for c in X if not pd.api.types.is_numeric_dtype(X[c])}), y


def _models() -> list[Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    return [GaussianNB(), LogisticRegression(C=0.1, max_iter=300), LogisticRegression(C=1.0, max_iter=300)]


def _search(kind: str) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.feature_selection import SelectKBest
    from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, StratifiedKFold
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import Pipeline

    steps = [
        ("columns", columns("mean")),
        ("select", SelectKBest()),
        ("pca", PCA(random_state=0)),
        ("model", GaussianNB()),
    ]
    grid = {
        "columns": [columns("mean"), columns("median")],
        "select__k": KS,
        "pca__n_components": COMPONENTS,
        "model": _models(),
    }
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    if kind == "halving":
        return HalvingGridSearchCV(Pipeline(steps), grid, cv=folds, scoring="accuracy", refit=False, random_state=0)
    return GridSearchCV(Pipeline(steps), grid, cv=folds, scoring="accuracy", refit=False, error_score="raise")


def through_sklearn(data: Path, kind: str) -> dict[str, float]:
    """Run the batch as a search of scikit-learn."""
    X, y = _table(data)
    results = _search(kind).fit(X, y).cv_results_
    last = results["iter"] == results["iter"].max() if kind == "halving" else slice(None)
    scores = results["mean_test_score"][last]
    return {"n": len(scores), "best": float(scores.max()), "mean": float(scores.mean())}


class _Dealt:
    """Folds that are dealt already: stratum asks a splitter without a target."""

    def __init__(self, pairs: list[Any]) -> None:
        self.pairs = pairs

    def split(self, *_: Any) -> list[Any]:
        return self.pairs

    def get_n_splits(self, *_: Any) -> int:
        return len(self.pairs)


def through_data_ops(data: Path, *, stratum: bool) -> dict[str, float]:
    """Run the batch as a plan of skrub, and let stratum schedule it if that is asked for."""
    if stratum:
        import stratum as skrub

        skrub.set_config(scheduler=True)
    else:
        import skrub
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import SelectKBest
    from sklearn.model_selection import StratifiedKFold

    X, y = _table(data)
    whole = skrub.as_data_op(X.assign(target=y))
    truth, rows = whole["target"].skb.mark_as_y(), whole.drop(columns=["target"]).skb.mark_as_X()
    made = rows.skb.apply(skrub.choose_from({fill: columns(fill) for fill in ("mean", "median")}, name="fill"))
    made = made.skb.apply(skrub.choose_from({str(k): SelectKBest(k=k) for k in KS}, name="k"), y=truth)
    made = made.skb.apply(skrub.choose_from({str(n): PCA(n, random_state=0) for n in COMPONENTS}, name="components"))
    made = made.skb.apply(skrub.choose_from(dict(zip("abc", _models(), strict=True)), name="model"), y=truth)
    folds: Any = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    folds = _Dealt(list(folds.split(X, y))) if stratum else folds
    table = made.skb.make_grid_search(cv=folds, fitted=True, scoring="accuracy", refit=False, n_jobs=1).results_
    scores = table[next(c for c in table.columns if "score" in c)]
    return {"n": len(scores), "best": float(scores.max()), "mean": float(scores.mean())}


SIDES: dict[str, Any] = {
    "mile": through_mile,
    "grid_search": lambda data: through_sklearn(data, "grid"),
    "halving": lambda data: through_sklearn(data, "halving"),
    "skrub": lambda data: through_data_ops(data, stratum=False),
    "stratum": lambda data: through_data_ops(data, stratum=True),
}


def measured(side: str, data: Path, python: str) -> dict[str, float]:
    """Return CPU and wall seconds of a process of its own, and its scores."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [python, "-W", "ignore", __file__, "--data", str(data), "--child", side]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stdout.splitlines() if line.startswith("SCORES ")]
    if not said:
        raise RuntimeError(f"{side}: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall, **json.loads(said[-1].removeprefix("SCORES "))}


def summary(runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return medians by side, each beside MILE, and whether scores agree."""
    figures: dict[str, dict[str, float]] = {
        side: {name: round(statistics.median(run[name] for run in made), 4) for name in made[0]}
        for side, made in runs.items()
    }
    mine = figures["mile"]
    for side, one in figures.items():
        one["cpu_versus_mile"] = round(one["cpu_s"] / mine["cpu_s"], 2)
        one["wall_versus_mile"] = round(one["wall_s"] / mine["wall_s"], 2)
        one["best_differs_by"] = round(abs(one["best"] - mine["best"]), 6) if side != "halving" else 0.0
    met = all(
        one["best_differs_by"] <= SAME and (side == "mile" or one["cpu_versus_mile"] > 1)
        for side, one in figures.items()
    )
    return {
        "name": "peers",
        "figures": figures,
        "targets": {"best_differs_by": SAME, "cpu_versus_mile": 1.0},
        "met": met,
    }


def main() -> int:
    """Run the sides in turn, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with adult.parquet")
    parser.add_argument("--peers", default="", help="interpreter that has skrub")
    parser.add_argument("--stratum", default="", help="interpreter that has stratum")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, once")
    parser.add_argument("--child", choices=tuple(SIDES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print("SCORES", json.dumps(SIDES[given.child](given.data)))
        return 0
    pythons = dict.fromkeys(("mile", "grid_search", "halving"), sys.executable)
    pythons |= {side: python for side, python in (("skrub", given.peers), ("stratum", given.stratum)) if python}
    with tempfile.TemporaryDirectory() as folder:
        data = _rows(given.data, Path(folder), QUICK_ROWS if given.quick else ROWS)
        runs: dict[str, list[dict[str, float]]] = {side: [] for side in pythons}
        for _ in range(1 if given.quick else given.repeats):
            for side, python in pythons.items():
                runs[side].append(measured(side, data, python))
    print(json.dumps(summary(runs)))
    return 0


def _rows(folder: Path, into: Path, n_rows: int) -> Path:
    """Write the first rows of Adult; return the file."""
    import pandas as pd

    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == "adult")
    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
    path = into / "adult.parquet"
    frame.rename(columns={entry["target"]: "class"}).head(n_rows).to_parquet(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
