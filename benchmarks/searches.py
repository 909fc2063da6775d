"""What a search gains by sharing work between its workflows, and by what an earlier search of the project has learned.

Each table is asked three times, ``PREDICT target FROM table VALIDATE BY 5 FOLDS BUDGET ...``, by the scores that the search itself sees (on the
same splits each time), the best of which is its score; blends and what was scored again are left out.

* *on*: a fresh project, the budget given.
* *off*: a fresh project, 2.5 times the budget, all rules of sharing off. When does it reach what *on* has at the end of its budget?
* *again*: the project of *on*, twice its budget, without one feature. When does it reach what *on* had?

Both are seconds from the question; infinite where it is never reached. Targets: *off* takes 2.5 times as long as the budget (median), *again* at
most a quarter of it (median).

Usage: ``python benchmarks/searches.py --data FOLDER [--budget 20] [--tables a,b]`` with a ``manifest.json`` in the folder; ``--quick`` makes up small
tables and counts only. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import mileage
from mileage.optimizer import SHARING
from mileage.results import Trial

_TIMES_OFF, _TIMES_AGAIN = 2.5, 2.0
_OFF = ", ".join(f"off = '{name}'" for name in sorted(SHARING))
_SLACK = 1e-9  # of a score, for the order of additions
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Outcome:
    """What one table gave; seconds from the question, infinite where a score is not reached."""

    table: str
    on: float
    n_on: int
    on_at_s: float  # when *on* has found its best
    off: float
    n_off_in_budget: int
    off_reaches_s: float
    again_reaches_s: float


def asked(
    session: mileage.Session, table: pd.DataFrame, target: str, metric: str, rest: str
) -> tuple[Curve, list[Trial]]:
    """Return the curve of the best loss so far, and the trials with a score of all splits."""
    query = f'PREDICT "{target}" FROM :rows VALIDATE BY 5 FOLDS OPTIMIZE {metric} {rest} SEED 0'
    result = session.run(query, frames={"rows": table})
    assert isinstance(result, mileage.Result)
    greater = result.leaderboard.objectives[0][1]
    trials = [
        t for t in result.leaderboard.trials if t.state == "ok" and t.number > 0 and t.model != "blend" and t.at_s
    ]
    curve: Curve = []
    for trial in sorted(trials, key=lambda t: t.at_s or 0.0):
        scores = (trial.searched or trial.scores)[metric]
        loss = statistics.fmean(scores) * (-1 if greater else 1)
        if not curve or loss < curve[-1][1]:
            curve.append((trial.at_s or 0.0, loss))
    return curve, trials


def reaches(curve: Curve, loss: float) -> float:
    """Return the seconds until a curve is at a loss."""
    return next((at for at, found in curve if found <= loss + _SLACK * abs(loss)), math.inf)


def run_table(name: str, table: pd.DataFrame, target: str, task: str, budget: float) -> Outcome:
    """Ask the three questions about a table."""
    metric = METRICS[task]
    with tempfile.TemporaryDirectory() as folder:
        with mileage.connect(Path(folder) / "on") as session:
            on, trials = asked(session, table, target, metric, f"BUDGET {budget:g} s")
            without = next(column for column in reversed(table.columns) if column != target)
            rest = f'EXCLUDING "{without}" BUDGET {_TIMES_AGAIN * budget:g} s'
            again, _ = asked(session, table, target, metric, rest)
        with mileage.connect(Path(folder) / "off") as session:
            rest = f"BUDGET {_TIMES_OFF * budget:g} s HINT ({_OFF}, knowledge = off)"
            off, others = asked(session, table, target, metric, rest)
    at, best = on[-1]
    in_budget = sum((t.at_s or 0.0) <= budget for t in others)
    return Outcome(name, best, len(trials), at, off[-1][1], in_budget, reaches(off, best), reaches(again, best))


def warm_up() -> None:
    """Load what every search loads."""
    with tempfile.TemporaryDirectory() as folder, mileage.connect(folder) as session:
        _, table, target, _ = tables(None, [])[0]
        asked(session, table, target, "roc_auc", "WITH MODEL = lightgbm | logistic BUDGET 2 trials")


def tables(folder: Path | None, names: list[str]) -> list[tuple[str, pd.DataFrame, str, str]]:
    """Return name, rows, target and task of each table of the manifest that is named, or of made-up ones."""
    if folder is None:
        from sklearn.datasets import make_classification

        X, y = make_classification(300, 6, flip_y=0.2, random_state=0)
        return [("made up", pd.DataFrame(X, columns=list("abcdef")).assign(y=y), "y", "binary")]
    listed = json.loads((folder / "manifest.json").read_text())["datasets"]
    by_name = {entry["name"]: entry for entry in listed if "file" in entry}
    return [
        (name, pd.read_parquet(folder / e["file"]).drop(columns=e["exclude"]), e["target"], e["task"])
        for name, e in ((name, by_name[name]) for name in names)
    ]


def summary(outcomes: list[Outcome], budget: float) -> dict[str, Any]:
    """Return the JSON object of the last line."""
    figures = {
        "tables": len(outcomes),
        "budget_s": budget,
        "off_takes_times": statistics.median(o.off_reaches_s / budget for o in outcomes),
        "again_takes_share": statistics.median(o.again_reaches_s / budget for o in outcomes),
        "trials_times": statistics.median(o.n_on / max(1, o.n_off_in_budget) for o in outcomes),
        "each": [asdict(outcome) for outcome in outcomes],
    }
    targets = {"off_takes_times": _TIMES_OFF, "again_takes_share": 0.25}
    met = {
        "off_takes_times": figures["off_takes_times"] >= targets["off_takes_times"],
        "again_takes_share": figures["again_takes_share"] <= targets["again_takes_share"],
    }
    return {"name": "searches", "figures": figures, "targets": targets, "met": met}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--tables", default="titanic,german_credit,telco_churn,ames,wine_quality,sick,kin8nm,spambase")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if not args.quick and args.data is None:
        parser.error("--data FOLDER, or --quick")
    budget = 6.0 if args.quick else args.budget
    outcomes = []
    warm_up()
    for name, table, target, task in tables(None if args.quick else args.data, args.tables.split(",")):
        outcomes.append(run_table(name, table, target, task, budget))
        print(outcomes[-1], flush=True)
    print(json.dumps(summary(outcomes, budget)))


if __name__ == "__main__":
    main()
