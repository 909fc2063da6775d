"""Learn the order of the curated configurations, and write it to ``src/mileage/search/portfolio.json``.

``python tools/portfolio.py run --data FOLDER --out runs.json`` fits every candidate on every table of a folder with a
``manifest.json`` (at most ``--rows`` rows, 3 folds), ``python tools/portfolio.py learn runs.json`` orders them: the next one is that
which improves the best so far most, in the mean over tables, per power of the time that it takes. A leave-one-table-out estimate of
what the order is worth is printed: the regret of its first configurations on a table that it was not learned from, beside that
of as many drawn at random. ``python tools/portfolio.py refresh runs.json`` keeps the order and lets a model have other steps before it
where these do better, as when there is a new operator.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/mileage/search/portfolio.json"
ROWS, FOLDS, SHOWN, LENGTH = 4000, 3, (1, 2, 3, 4, 6, 8, 12), 16
OTHER_TASK, GOOD = 0.3, 0.1  # weights of tables of other tasks, and of being good where the best so far is better
LEAST_TIME, TIME_POWER = 0.3, 0.3
CLEARLY = 0.05  # of regret
FAMILIES = {
    "boosting": ("lightgbm", "hist_gbm", "catboost", "xgboost"),
    "forest": ("extra_trees", "random_forest"),
    "linear": ("logistic", "ridge", "linear"),
}
Wish = dict[str, Any]
Runs = dict[str, dict[str, Any]]

_CODES = {"encode": "ordinal", "impute": "impute_native"}
_NATIVE = {"encode": "encode_native", "impute": "impute_native"}
_TARGET = {"encode": "target", "impute": "impute_native"}
_DENSE = {"encode": "one_hot", "scale": "standard", "impute": "median"}
_NORMAL = {"encode": "one_hot", "scale": "quantile", "impute": "median"}
_SPLINE = {"encode": "one_hot", "scale": "spline", "impute": "median"}
_FOREST = {"encode": "ordinal", "impute": "median"}


def _wish(model: str, steps: dict[str, str], **params: Any) -> Wish:
    return {"model": model, "params": params, **steps}


def candidates(task: str) -> list[Wish]:
    """Return the configurations to choose from: of each family, over the range in which people set its parameters."""
    regression = task == "regression"
    boosted = [
        {"learning_rate": 0.05, "n_estimators": 200, "num_leaves": 31},
        {"learning_rate": 0.1, "n_estimators": 100},
        {"learning_rate": 0.03, "n_estimators": 600, "num_leaves": 31},
        {"learning_rate": 0.05, "n_estimators": 400, "num_leaves": 15, "min_child_samples": 10},
        {"learning_rate": 0.03, "n_estimators": 300, "num_leaves": 15, "min_child_samples": 10},
        {"learning_rate": 0.04, "n_estimators": 150, "num_leaves": 7, "min_child_samples": 40},
        {"learning_rate": 0.05, "n_estimators": 600, "num_leaves": 7, "colsample_bytree": 0.7},
        {"learning_rate": 0.05, "n_estimators": 300, "num_leaves": 96, "colsample_bytree": 0.5, "min_child_samples": 5},
        {"learning_rate": 0.03, "n_estimators": 800, "num_leaves": 63, "colsample_bytree": 0.6, "min_child_samples": 5},
        {
            "learning_rate": 0.03,
            "n_estimators": 500,
            "num_leaves": 15,
            "extra_trees": True,
            "colsample_bytree": 0.6,
            "min_child_samples": 10,
            "reg_lambda": 1.0,
        },
        {"learning_rate": 0.05, "n_estimators": 500, "num_leaves": 63, "extra_trees": True, "min_child_samples": 5},
        {"learning_rate": 0.05, "n_estimators": 200, "subsample": 0.7, "colsample_bytree": 0.5, "reg_lambda": 3.0},
    ]
    made = [_wish("lightgbm", _CODES, **params) for params in boosted]
    made += [_wish("lightgbm", steps, **boosted[i]) for steps in (_NATIVE, _TARGET) for i in (0, 9)]
    made += [
        _wish("hist_gbm", _NATIVE),
        _wish("hist_gbm", _NATIVE, learning_rate=0.04, max_iter=300, max_leaf_nodes=15),
    ]
    made += [_wish("catboost", _CODES), _wish("catboost", _TARGET, depth=7, learning_rate=0.06, iterations=500)]
    leaf, trees = (1, 3) if regression else (1, 2), ("extra_trees", "random_forest")
    made += [_wish(m, _FOREST, n_estimators=200, min_samples_leaf=n) for m in trees for n in leaf]
    made += [_wish(m, _FOREST, n_estimators=200, min_samples_leaf=2, max_features=0.5) for m in trees]
    made += [_wish("mlp", s, **p) for s in (_DENSE, _NORMAL) for p in ({}, {"hidden": 128, "layers": 2, "alpha": 1e-3})]
    made += [_wish("mlp", _SPLINE), _wish("svm", _SPLINE, C=1.0)]
    made += [_wish("knn", s, n_neighbors=n) for s, n in ((_DENSE, 5), (_DENSE, 20), (_NORMAL, 15))]
    made += [_wish("svm", s, C=c) for s, c in ((_DENSE, 1.0), (_NORMAL, 1.0), (_DENSE, 10.0))]
    if regression:
        made += [_wish("ridge", s, alpha=a) for s in (_DENSE, _NORMAL) for a in (1.0, 30.0)]
        made += [_wish("ridge", _SPLINE, alpha=a) for a in (0.1, 1.0)]
        made += [_wish("linear", _DENSE, penalty="l1", alpha=a) for a in (0.001, 0.01)]
        return made
    made += [_wish("logistic", s, C=c) for s in (_DENSE, _NORMAL) for c in (0.05, 1.0)]
    made += [_wish("logistic", _SPLINE, C=c) for c in (0.1, 1.0)]
    made += [_wish("logistic", {**s, "encode": "target"}, C=1.0) for s in (_DENSE, _SPLINE)]
    made += [_wish("gaussian_nb", _DENSE)]
    return made


def register_listed(wishes: list[Wish]) -> None:
    """Register the strategy ``listed``: the candidates in their order, each moved to the nearest point of the space."""
    from mileage.core.reasons import Reason
    from mileage.search import Proposal, Strategy, strategies
    from mileage.search.curated import steps_of
    from mileage.search.sampling import nearest

    class Listed(Strategy):
        """List candidates."""

        name = "listed"

        def begin(self, context: Any) -> Any:
            fresh = type(self)()
            near = [(i, nearest(context.space, steps_of(wish))) for i, wish in enumerate(wishes)]
            fresh.queue = [Proposal(c, Reason(f"candidate {i}", "strategy")) for i, c in near if c is not None]
            return fresh

        def ask(self) -> Any:
            return self.queue.pop(0) if self.queue else None

        def tell(self, configuration: Any, loss: float | None) -> None:
            del configuration, loss

    strategies.add(Listed())


def run(given: argparse.Namespace) -> None:
    """Fit the candidates on each table; tables that are in the file already are left out."""
    import pandas as pd

    import mileage

    runs: Runs = json.loads(given.out.read_text()) if given.out.exists() else {}
    entries = [e for e in json.loads((given.data / "manifest.json").read_text())["datasets"] if "file" in e]
    for entry in entries:
        name, task = entry["name"], entry["task"]
        if name in runs or (given.tables and name not in given.tables.split(",")):
            continue
        wishes = candidates(task)
        register_listed(wishes)
        frame = (
            pd.read_parquet(given.data / entry["file"]).drop(columns=entry["exclude"]).dropna(subset=[entry["target"]])
        )
        frame = frame.sample(min(len(frame), given.rows), random_state=0)
        metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[task]
        query = (
            f'PREDICT "{entry["target"]}" AS {"REGRESSION" if task == "regression" else "CLASSIFICATION"} FROM :df '
            f"OPTIMIZE {metric} VALIDATE BY {FOLDS} FOLDS BUDGET {len(wishes)} TRIALS WITHOUT blend "
            f"HINT (strategy = listed)"
        )
        with mileage.connect() as session:
            result = session.run(query, frames={"df": frame})
            runs[name] = {"task": task, "n_rows": len(frame), "n_columns": frame.shape[1] - 1, **_losses(result, task)}
        given.out.write_text(json.dumps(runs, indent=1))
        print(name, task, sorted((v, i) for i, v in runs[name]["loss"].items())[:3], flush=True)


def _losses(result: Any, task: str) -> dict[str, dict[str, float]]:
    sign = -1.0 if task == "binary" else 1.0
    loss, seconds = {}, {}
    for trial in result.leaderboard.trials:
        if trial.state == "ok" and str(trial.reason).startswith("candidate"):
            place = str(trial.reason).split()[1]
            loss[place] = sign * trial.mean(next(iter(trial.scores)))
            seconds[place] = trial.fit_s or 0.0
    return {"loss": loss, "seconds": seconds}


def learn(given: argparse.Namespace) -> None:
    """Order the candidates by the runs, print what the order is worth, and write the file."""
    runs: Runs = json.loads(given.runs.read_text())
    made: dict[str, Any] = {}
    for task in ("binary", "multiclass", "regression"):
        made[task] = [candidates(task)[i] for i in greedy(runs, task)]
        print(task, f"{sum(run['task'] == task for run in runs.values())} tables", json.dumps(worth(runs, task)))
    made["provenance"] = {"made_by": "tools/portfolio.py", "tables": _tables(runs), "folds": FOLDS}
    TARGET.write_text(json.dumps(made, indent=1) + "\n")


def _tables(runs: Runs) -> dict[str, Any]:
    return {name: {k: run[k] for k in ("task", "n_rows", "n_columns")} for name, run in sorted(runs.items())}


def refresh(given: argparse.Namespace) -> None:
    """Give a place in the order to the same model with other steps before it, where its mean regret is clearly lower."""
    runs: Runs = json.loads(given.runs.read_text())
    made: dict[str, Any] = json.loads(TARGET.read_text())
    for task in ("binary", "multiclass", "regression"):
        wishes, order = candidates(task), made[task]
        of_task = [regrets(run) for run in runs.values() if run["task"] == task]
        mean = [statistics.fmean(regret.get(i, 1.0) for regret in of_task) for i in range(len(wishes))]
        for place, wish in enumerate(order):
            like = [
                w for w in wishes if (w["model"], w["params"]) == (wish["model"], wish["params"]) and w not in order
            ]
            best = min(like, key=lambda w: mean[wishes.index(w)], default=wish)
            if mean[wishes.index(best)] < mean[wishes.index(wish)] - CLEARLY:
                print(task, place + 1, wish, "->", best)
                order[place] = best
    made["provenance"]["refreshed_by"] = _tables(runs)
    TARGET.write_text(json.dumps(made, indent=1) + "\n")


def regrets(run: dict[str, Any]) -> dict[int, float]:
    """Return for each candidate how far it is from the best, from 0 to 1 (as far as the median, or farther)."""
    loss = {int(i): v for i, v in run["loss"].items()}
    best = min(loss.values())
    width = max(statistics.median(loss.values()) - best, 1e-12)
    return {i: min(1.0, (v - best) / width) for i, v in loss.items()}


def family(wish: Wish) -> str:
    """Return what makes workflows differ in what they predict: boosting, forests, linear models, or another model."""
    return next((name for name, models in FAMILIES.items() if wish["model"] in models), wish["model"])


def greedy(runs: Runs, task: str, length: int = LENGTH) -> list[int]:
    """Return candidates in the order in which each improves the best so far most per power of its time, over the tables.

    Tables of other tasks count a little, for the candidates that all tasks have. Of no prefix is more than half (rounded up) of
    one family, and of a family other than boosting a second one comes only after one of each: the best are mixed to one answer, and
    what is alike adds little to that.
    """
    wishes = candidates(task)
    n_common = next(i for i, wish in enumerate(wishes) if family(wish) == "linear")
    weight = {name: 1.0 if run["task"] == task else OTHER_TASK for name, run in runs.items()}
    regret = {
        name: {i: v for i, v in regrets(run).items() if run["task"] == task or i < n_common}
        for name, run in runs.items()
    }
    seconds = {i: _share_of_time(runs, task, i) for i in range(len(wishes))}
    best, order = dict.fromkeys(runs, 1.0), list[int]()

    def gain(i: int) -> float:
        gained = sum(weight[n] * max(0.0, best[n] - regret[n].get(i, 1.0)) for n in runs)
        good = sum(weight[n] * (1.0 - regret[n].get(i, 1.0)) for n in runs)
        return (gained + GOOD * good) / max(LEAST_TIME, seconds[i]) ** TIME_POWER

    while len(order) < min(length, len(wishes)):
        used = [family(wishes[i]) for i in order]
        most = (len(order) + 2) // 2
        missing = {family(wish) for wish in wishes} - set(used)
        allowed = missing | {"boosting"} if missing else set(used)
        left = [
            i
            for i in range(len(wishes))
            if i not in order and used.count(family(wishes[i])) < most and family(wishes[i]) in allowed
        ]
        chosen = max(left, key=gain)
        order.append(chosen)
        best = {n: min(best[n], regret[n].get(chosen, 1.0)) for n in runs}
    return order


def _share_of_time(runs: Runs, task: str, i: int) -> float:
    """Return the mean time of a candidate, in that of the median candidate of a table."""
    shares = [
        run["seconds"][str(i)] / max(1e-9, statistics.median(run["seconds"].values()))
        for run in runs.values()
        if run["task"] == task and str(i) in run["seconds"]
    ]
    return statistics.fmean(shares) if shares else 1.0


def worth(runs: Runs, task: str) -> dict[str, dict[int, float]]:
    """Return the mean regret of the first k on a table that the order was not learned from, and of k drawn at random."""
    rng = random.Random(0)
    ordered: dict[int, list[float]] = {k: [] for k in SHOWN}
    drawn: dict[int, list[float]] = {k: [] for k in SHOWN}
    for left_out, run in runs.items():
        if run["task"] != task:
            continue
        regret = regrets(run)
        order = greedy({name: other for name, other in runs.items() if name != left_out}, task, max(SHOWN))
        for k in SHOWN:
            ordered[k].append(min(regret.get(i, 1.0) for i in order[:k]))
            drawn[k] += [min(regret[i] for i in rng.sample(sorted(regret), k)) for _ in range(20)]
    mean = {"learned": ordered, "random": drawn}
    return {name: {k: round(statistics.fmean(v), 3) for k, v in by.items()} for name, by in mean.items()}


def main() -> None:
    """Run one of the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    steps = parser.add_subparsers(required=True)
    fit = steps.add_parser("run")
    fit.add_argument("--data", type=Path, required=True)
    fit.add_argument("--out", type=Path, required=True)
    fit.add_argument("--rows", type=int, default=ROWS)
    fit.add_argument("--tables", default="")
    fit.set_defaults(step=run)
    order = steps.add_parser("learn")
    order.add_argument("runs", type=Path)
    order.set_defaults(step=learn)
    other = steps.add_parser("refresh")
    other.add_argument("runs", type=Path)
    other.set_defaults(step=refresh)
    given = parser.parse_args()
    given.step(given)


if __name__ == "__main__":
    main()
