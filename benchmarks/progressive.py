"""Samples that grow: what each operator with a state that merges saves when its sums grow with the sample, against summing up anew.

For each operator and schedule (each sample twice the one before, seven of them; ten equal steps) a step is fitted on nested samples of
the train rows of a holdout, as tasks that the optimizer plans one sample at a time, in one executor. It runs with the rule
``grow_sums``, and without it: the same algebra, on all rows of each sample. Measured is the CPU time of the tasks that lay out, sum
up, merge and learn; reading, dealing, sampling and applying are the same on both sides. ``bound`` is what looking at each row once can
save at most: the rows of all samples over those of the last, as they were summed up. ``of_bound`` is the share of it that is reached, ``last_over_new`` all
of the last sample over a sum of nothing but its new rows. What is learned at the end is applied to the test rows and compared with a
fit of scikit-learn on the train rows, as a share of the largest number.

Rows of a real table are drawn again up to ``--rows``, so that there is something to measure.

Usage: ``python benchmarks/progressive.py --data FOLDER [--repeats 5] [--rows N] [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mileage.engine import Executor, Resources, backends, segment
from mileage.operators import Branch, BuildContext, Operator, operators
from mileage.operators.from_sums import FromSums
from mileage.optimizer import PlanContext, optimize, sample_task
from mileage.workflow import Port, Task, TaskKind

SCHEDULES = {
    "doubling": tuple(2.0**-i for i in range(6, -1, -1)),
    "ten_steps": tuple(round(i / 10, 1) for i in range(1, 11)),
}
LEARNING = {TaskKind.LAYOUT, TaskKind.LIFT, TaskKind.MERGE, TaskKind.IMAGE, TaskKind.LEARN}
BOUND_SHARE, LAST_OVER_NEW, TOLERANCE = 0.9, 1.15, 1e-9
QUICK_ROWS = 40_000


@dataclass(frozen=True)
class Row:
    """An operator, the branch of columns that it is fitted on, and the table with its target."""

    operator: str
    branch: Branch
    table: str
    task: str = "binary"


ROWS = (
    Row("mean", Branch.NUMERIC, "letter", "multiclass"),
    Row("standard", Branch.NUMERIC, "letter", "multiclass"),
    Row("minmax", Branch.NUMERIC, "letter", "multiclass"),
    Row("most_frequent", Branch.CATEGORICAL, "adult"),
    Row("one_hot", Branch.CATEGORICAL, "adult"),
    Row("ordinal", Branch.CATEGORICAL, "adult"),
    Row("encode_native", Branch.CATEGORICAL, "adult"),
    Row("variance", Branch.MATRIX, "letter", "multiclass"),
    Row("pca", Branch.MATRIX, "letter", "multiclass"),
    Row("ridge", Branch.MATRIX, "california_housing", "regression"),
    Row("lda", Branch.MATRIX, "letter", "multiclass"),
    Row("gaussian_nb", Branch.MATRIX, "letter", "multiclass"),
    Row("multinomial_nb", Branch.MATRIX, "letter", "multiclass"),
    Row("dummy", Branch.MATRIX, "letter", "multiclass"),
)


# --- what is planned --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """The columns of one branch, and the target."""

    X: pd.DataFrame
    y: np.ndarray

    @property
    def n_classes(self) -> int:
        """How many classes there are; 0 of a regression."""
        return 0 if self.y.dtype.kind == "f" else int(self.y.max()) + 1


def read(row: Row, folder: Path, n_rows: int) -> Table:
    """Return so many rows of a table, drawn again where it has fewer."""
    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == row.table)
    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
    target = frame.pop(entry["target"])
    rows = np.random.default_rng(0).integers(0, len(frame), n_rows)
    is_number = row.branch is not Branch.CATEGORICAL
    X = frame.select_dtypes("number" if is_number else ["object", "category", "str"])
    X = X.astype(float).fillna(0.0) if is_number else X.astype("str")
    y = target.to_numpy(dtype=float) if row.task == "regression" else target.astype("category").cat.codes.to_numpy()
    return Table(X.iloc[rows].reset_index(drop=True), y[rows])


def tasks_on(row: Row, table: Table, source: Task, splits: Task) -> tuple[list[Task], Port]:
    """Return the tasks that fit on the train rows and apply to the test rows, and where their result is."""
    operator, names = operators.get(row.operator), tuple(table.X.columns)
    takes = [
        Task(
            TaskKind.TAKE,
            params=(("split", 0), ("part", part), ("columns", names)),
            inputs=(source.port("X"), splits.port("splits")),
        )
        for part in ("train", "test")
    ]
    joins = [Task(TaskKind.JOIN, params=(("dense", True),), inputs=(take.port(),)) for take in takes]
    rows = joins if row.branch is Branch.MATRIX else takes
    target = Task(
        TaskKind.TARGET,
        params=(("split", 0), ("part", "train")),
        inputs=(source.port("y"), splits.port("splits")),
    )
    fit = _fit(row, operator, table, (rows[0].port(), *([target.port()] if operator.is_model else [])))
    settings = (("n_classes", table.n_classes), ("task", row.task))
    used = (fit.port("state"), rows[1].port())
    kind = TaskKind.PREDICT if operator.is_model else TaskKind.APPLY
    made = Task(kind, params=settings if operator.is_model else (), inputs=used)
    return [*takes, *(joins if rows is joins else []), *([target] if operator.is_model else []), fit, made], made.port()


def _fit(row: Row, operator: Operator, table: Table, inputs: tuple[Port, ...]) -> Task:
    n_columns = table.X.shape[1]
    context = BuildContext(row.task, len(table.y), n_columns, max(2, table.n_classes), 0, row.branch)
    return Task(
        TaskKind.FIT,
        operator.name,
        tuple(operator.complete({}).items()),
        tuple((name, getattr(context, name)) for name in BuildContext.__slots__),
        inputs=inputs,
        outputs=("state",) if operator.is_model else ("state", "out"),
        is_model=operator.is_model,
    )


# --- measuring --------------------------------------------------------------------------------------------------------


def run(row: Row, table: Table, schedule: tuple[float, ...], off: frozenset[str]) -> dict[str, Any]:
    """Fit on one sample after the other; return the seconds of each, of the sums of new rows at the end, and the last result."""
    kinds = tuple((name, "numeric" if table.X[name].dtype.kind == "f" else "categorical") for name in table.X.columns)
    source = Task(TaskKind.SOURCE, params=(("columns", kinds),), outputs=("X", "y", "aux"))
    spec = (("groups", ()), ("method", "holdout"), ("order_by", None), ("seed", 0), ("size", 0.2))
    deal = Task(TaskKind.DEAL, params=spec, inputs=(source.port("y"), source.port("aux")), outputs=("splits",))
    spent: dict[TaskKind, float] = defaultdict(float)
    levels = sum(table.X[name].nunique() for name, kind in kinds if kind == "categorical")
    resources = Resources(source=lambda _task, _inputs: {"X": table.X, "y": table.y, "aux": None})
    whole_task, rungs = segment.run_task, list[Task]()
    n_rows: list[float] = []  # of what is summed up

    def timed(task: Task, inputs: list[Any], *, resources: Resources) -> dict[str, Any]:
        started = time.process_time()
        made = whole_task(task, inputs, resources=resources)
        spent[task.kind] += time.process_time() - started
        if task.kind is TaskKind.LIFT:
            n_rows.append(made["out"].sums.n)
        return made

    segment.run_task = timed  # the one place that all tasks go through
    costs = []
    try:
        with Executor(backends.get("inline").new(), None, resources=resources) as executor:
            for share in schedule:
                splits = deal if share == 1.0 else sample_task(deal, share)
                tasks, wanted = tasks_on(row, table, source, splits)
                leaves = [source, deal, *([splits] if splits is not deal else [])]
                spent.clear()
                context = PlanContext(off=off, rungs=tuple(rungs), levels=levels)
                executor.submit(optimize((*leaves, *tasks), (wanted,), context)[0])
                (outcome,) = executor.wait()
                if outcome.error is not None:
                    raise RuntimeError(str(outcome.error))
                costs.append(sum(spent[kind] for kind in LEARNING))
                rungs.append(splits)
            result = outcome.values[wanted]
    finally:
        segment.run_task = whole_task
    return {
        "costs": costs,
        "lift": spent[TaskKind.LIFT],
        "rows": n_rows,
        "result": numbers(result),
        "fits": spent[TaskKind.FIT],
    }


def numbers(result: Any) -> np.ndarray:
    """Return what a step gives as one array of numbers; of words their codes."""
    values = getattr(result, "values", result)
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    if values.dtype.kind in "fiu":
        return np.nan_to_num(values.astype(float), nan=-1.0)
    flat = values.astype(str).ravel()
    return np.array([hash_of(word) for word in flat.tolist()], dtype=float)


def hash_of(word: str) -> int:
    """Return a number that two different words hardly share."""
    return int.from_bytes(word.encode()[:6].ljust(6), "little")


def measured(row: Row, table: Table, schedule: tuple[float, ...], repeats: int) -> dict[str, Any]:
    """Return the medians of a row and what was learned, compared with a fit on the rows."""
    runs = [[run(row, table, schedule, off) for off in (frozenset(), frozenset({"grow_sums"}))] for _ in range(repeats)]
    plain = run(row, table, schedule[-1:], frozenset({"fit_from_sums", "grow_sums"}))
    assert plain["fits"] > 0, "the fit that all is compared with is one from sums"
    assert all(one["fits"] == 0 for pair in runs for one in pair), "a fit was not told from sums"
    bound = sum(runs[-1][1]["rows"]) / sum(runs[-1][0]["rows"])
    gains = [sum(anew["costs"]) / sum(grown["costs"]) for grown, anew in runs]
    apart = max(float(np.abs(one["result"] - plain["result"]).max()) for one in runs[-1])
    return {
        "bound": round(bound, 2),
        "gain": round(statistics.median(gains), 2),
        "spread": [round(min(gains), 2), round(max(gains), 2)],
        "of_bound": round(statistics.median(gains) / bound, 3),
        "last_over_new": round(statistics.median(grown["costs"][-1] / grown["lift"] for grown, _ in runs), 3),
        "grown_s": round(statistics.median(sum(grown["costs"]) for grown, _ in runs), 4),
        "differs": float(f"{apart / max(1e-300, np.abs(plain['result']).max()):.2g}"),
    }


def main() -> int:
    """Run all rows, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.json")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="*", default=[], help="these operators only")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, once")
    given = parser.parse_args()
    n_rows, repeats = (QUICK_ROWS, 1) if given.quick else (given.rows, given.repeats)
    figures: dict[str, Any] = {}
    for row in (row for row in ROWS if not given.only or row.operator in given.only):
        table = read(row, given.data, n_rows)
        for name, schedule in SCHEDULES.items():
            key = f"{row.operator} on {row.table}, {name}"
            figures[key] = measured(row, table, schedule, repeats)
            print(key, json.dumps(figures[key]), flush=True)
    figures["not told from sums"] = sorted(
        operator.name for operator in operators if operator.traits.mergeable and not isinstance(operator, FromSums)
    )
    rows = [figure for figure in figures.values() if isinstance(figure, dict)]
    met = all(
        f["of_bound"] >= BOUND_SHARE and f["last_over_new"] <= LAST_OVER_NEW and f["differs"] <= TOLERANCE for f in rows
    )
    targets = {"of_bound": BOUND_SHARE, "last_over_new": LAST_OVER_NEW, "differs": TOLERANCE}
    print(json.dumps({"name": "progressive", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
