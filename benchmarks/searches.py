"""What a search gains by sharing work between its workflows, and by what an earlier search of the project has learned.

Each table is asked several times, ``PREDICT target FROM table VALIDATE BY 5 FOLDS BUDGET ...``. A score is what the search itself sees on these
splits; what was scored again on others does not count.

* *on*: a fresh project, nine in ten of the rows, the budget given.
* *off*: a fresh project, the same rows, 2.5 times the budget, all rules of sharing off. When does it reach what *on* has at the end of its budget?
* *again*: the project of *on*, with what differs from its question. When does it reach what *on* had? Each begins with a copy of that project, so
  that none learns from another one.

  * *column*: without one column. A column may be worth something, so it is the one that matters least: that with the least permutation importance
    for a LightGBM with its defaults, which is fitted to one half of the rows and asked about the other. What it is worth is lost none the less: a
    search may never come to the score.
  * *budget*: twice the budget.
  * *rows*: all rows. The scores are of other rows, so they may be better or worse for the same workflow.

*off* is told from single workflows. *again* is told from single workflows, and from answers, where a blend counts on both sides. On a
loaded machine, see how many workflows *again* had scored by then (``again_tried``; companions count).

The best of a search is the best by chance too, so one as good may miss its score by less than splits can tell. So answers of *again* are told
once more where they count as soon as they are no more than one standard error worse (``within_share``): of the differences on the same splits,
and of two means where all rows are asked for, whose splits are others. The target is of scores that are reached.

All are seconds from the question; infinite where it is never reached. Targets: *off* takes 2.5 times as long as the budget (median), *again* at
most a quarter of it (median over tables, of answers; by each of the three).

Usage: ``python benchmarks/searches.py --data FOLDER [--budget 20] [--tables a,b] [--only again]`` with a ``manifest.json`` in the folder; ``--quick``
makes up small tables and counts only. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mileage
from mileage.optimizer import SHARING
from mileage.workflow import members_of

_TIMES_OFF, _TIMES_LONGER = 2.5, 2.0
_EARLIER = 0.9  # of the rows
_OFF = ", ".join(f"off = '{name}'" for name in sorted(SHARING))
_SLACK = 1e-9  # of a score, for the order of additions
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
_SCORING = {"binary": "roc_auc", "multiclass": "neg_log_loss", "regression": "neg_root_mean_squared_error"}
_KINDS = ("column", "budget", "rows")
_QUARTER = 0.25


@dataclass(frozen=True)
class Scored:
    """When a workflow was scored, in seconds from the question, and its loss on each split."""

    at_s: float
    losses: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The mean; not a number if there is none, which nothing reaches."""
        return statistics.fmean(self.losses) if self.losses else math.nan

    def error_of_difference(self, other: Scored, *, paired: bool) -> float:
        """Return the standard error of the difference of two losses."""
        if paired:
            return _error([a - b for a, b in zip(self.losses, other.losses, strict=True)])
        return math.hypot(_error(self.losses), _error(other.losses))


@dataclass(frozen=True)
class Seen:
    """What a search has scored, single workflows and blends, in the order in which they ended."""

    single: list[Scored]
    blends: list[Scored]

    @property
    def all(self) -> list[Scored]:
        """Single workflows and blends."""
        return sorted([*self.single, *self.blends], key=lambda one: one.at_s)


def _error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def best_of(seen: list[Scored]) -> Scored:
    """Return what has the least loss."""
    return min(seen, key=lambda one: one.loss, default=Scored(math.inf, ()))


def reaches(seen: list[Scored], loss: float) -> float:
    """Return the seconds until a loss is reached."""
    return next((one.at_s for one in seen if one.loss <= loss + _SLACK * abs(loss)), math.inf)


def comes_near(seen: list[Scored], best: Scored, *, paired: bool) -> float:
    """Return the seconds until something is no more than one standard error worse than the best of another search."""
    near = (one.at_s for one in seen if one.loss - best.loss <= one.error_of_difference(best, paired=paired))
    return next(near, math.inf)


def tried(seen: list[Scored], loss: float) -> int | None:
    """Return how many workflows are scored when a loss is reached, which does not depend on how fast the machine is."""
    return next((n for n, one in enumerate(seen, 1) if one.loss <= loss + _SLACK * abs(loss)), None)


@dataclass(frozen=True)
class Outcome:
    """What one table gave; seconds from the question, infinite where a score is not reached; ``again`` by what differs."""

    table: str
    without: str
    on: float  # loss of the best single workflow
    n_on: int
    on_at_s: float
    answer: float  # loss of the best, blends included
    off: float | None = None
    n_off_in_budget: int | None = None
    off_reaches_s: float | None = None
    again_reaches_s: dict[str, float] = field(default_factory=dict)
    again_answers_s: dict[str, float] = field(default_factory=dict)
    again_within_s: dict[str, float] = field(default_factory=dict)  # until an answer is one standard error from it
    again_tried: dict[str, int | None] = field(default_factory=dict)


def asked(session: mileage.Session, table: pd.DataFrame, target: str, metric: str, rest: str) -> Seen:
    """Return what a search scores."""
    query = f'PREDICT "{target}" FROM :rows VALIDATE BY 5 FOLDS OPTIMIZE {metric} {rest} SEED 0'
    found: Any = session.run(query, frames={"rows": table})
    sign = -1.0 if metric == "roc_auc" else 1.0
    seen = Seen([], [])
    for trial in sorted(found.leaderboard.trials, key=lambda trial: trial.at_s or 0.0):
        if trial.state == "ok" and trial.number > 0:
            where = seen.blends if members_of(trial.configuration) else seen.single
            where.append(Scored(trial.at_s, tuple(sign * score for score in trial.scores[metric])))
    return seen


def matters_least(table: pd.DataFrame, target: str, task: str) -> str:
    """Return the column whose permutation costs a plain LightGBM least, on rows that it was not fitted to."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.inspection import permutation_importance

    rows = table.dropna(subset=[target]).sample(frac=1, random_state=0)
    features, y = rows.drop(columns=[target]), rows[target]
    codes = features.apply(lambda c: c if pd.api.types.is_numeric_dtype(c) else c.astype("category").cat.codes)
    X = codes.to_numpy(float)
    half = len(X) // 2
    kind = LGBMRegressor if task == "regression" else LGBMClassifier
    model = kind(n_jobs=1, verbose=-1).fit(X[:half], y[:half])
    worth = permutation_importance(model, X[half:], y[half:], scoring=_SCORING[task], n_repeats=5, random_state=0)
    return str(features.columns[int(np.argmin(worth.importances_mean))])


def run_table(name: str, table: pd.DataFrame, target: str, task: str, budget: float, *, with_off: bool) -> Outcome:
    """Ask the questions about a table."""
    metric, within = METRICS[task], f"BUDGET {budget:g} s"
    without, earlier = matters_least(table, target, task), table.sample(frac=_EARLIER, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        with mileage.connect(Path(folder) / "on") as session:
            on = asked(session, earlier, target, metric, within)
        first = best_of(on.all)
        single, answer = best_of(on.single).loss, first.loss
        made = Outcome(name, without, single, len(on.single), reaches(on.single, single), answer)
        others = {
            "column": (earlier, f'EXCLUDING "{without}" {within}'),
            "budget": (earlier, f"BUDGET {_TIMES_LONGER * budget:g} s"),
            "rows": (table, within),
        }
        for kind, (rows, rest) in others.items():
            shutil.copytree(Path(folder) / "on", Path(folder) / kind)
            with mileage.connect(Path(folder) / kind) as session:
                again = asked(session, rows, target, metric, rest)
            made.again_reaches_s[kind] = reaches(again.single, single)
            made.again_answers_s[kind] = reaches(again.all, answer)
            made.again_within_s[kind] = comes_near(again.all, first, paired=kind != "rows")
            made.again_tried[kind] = tried(again.single, single)
        if not with_off:
            return made
        with mileage.connect(Path(folder) / "off") as session:
            rest = f"BUDGET {_TIMES_OFF * budget:g} s HINT ({_OFF}, knowledge = off)"
            off = asked(session, earlier, target, metric, rest)
    in_budget = sum(one.at_s <= budget for one in off.single)
    reached = reaches(off.single, single)
    return replace(made, off=best_of(off.single).loss, n_off_in_budget=in_budget, off_reaches_s=reached)


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
    figures: dict[str, Any] = {"tables": len(outcomes), "budget_s": budget}
    targets, met = {}, {}
    compared = [o for o in outcomes if o.off_reaches_s is not None and o.n_off_in_budget is not None]
    if compared:
        figures["off_takes_times"] = statistics.median((o.off_reaches_s or 0.0) / budget for o in compared)
        figures["trials_times"] = statistics.median(o.n_on / max(1, o.n_off_in_budget or 0) for o in compared)
        targets["off_takes_times"] = _TIMES_OFF
        met["off_takes_times"] = figures["off_takes_times"] >= _TIMES_OFF
    for kind in _KINDS:
        figures[f"{kind}_single_share"] = statistics.median(o.again_reaches_s[kind] / budget for o in outcomes)
        name = f"{kind}_answer_share"
        figures[name] = statistics.median(o.again_answers_s[kind] / budget for o in outcomes)
        targets[name] = _QUARTER
        met[name] = figures[name] <= _QUARTER
        figures[f"{kind}_within_share"] = statistics.median(o.again_within_s[kind] / budget for o in outcomes)
    figures["each"] = [asdict(outcome) for outcome in outcomes]
    return {"name": "searches", "figures": figures, "targets": targets, "met": met}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--tables", default="titanic,german_credit,telco_churn,ames,wine_quality,sick,kin8nm,spambase")
    parser.add_argument("--only", choices=["again"], help="leave out the search without sharing")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if not args.quick and args.data is None:
        parser.error("--data FOLDER, or --quick")
    budget = 6.0 if args.quick else args.budget
    outcomes = []
    warm_up()
    for name, table, target, task in tables(None if args.quick else args.data, args.tables.split(",")):
        outcomes.append(run_table(name, table, target, task, budget, with_off=args.only is None))
        print(outcomes[-1], flush=True)
    print(json.dumps(summary(outcomes, budget)))


if __name__ == "__main__":
    main()
