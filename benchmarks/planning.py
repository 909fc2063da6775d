"""What planning costs: 1,000 configurations on 5 folds, beside what the same search takes as a whole.

A search runs in a process of its own, and what makes workflows of configurations, tasks of workflows and plans of tasks is timed there,
as well as the CPU time of all of the run and its workers. Once more without the rules that share work: the search that one plan replaces.

Usage: ``python benchmarks/planning.py --data FOLDER [--repeats 3] [--rows 40000]``; ``--shared-only`` leaves that search out. The last
line is one JSON object.
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

N, FOLDS, ROWS, QUICK_ROWS = 1000, 5, 9000, 1500
TARGETS = {"ms_per_1000_tasks": 100.0, "share_of_run": 0.01}
RULES = ("bind_late", "gather_once", "fit_from_sums", "learn_together", "score_from_sums", "fuse_fits")
DEPTHS, LEAVES = "{2, 3, 4, 5, 6, 7, 8, 9, 10, 12}", "{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}"
SPACE = (
    "(mean | median) >> one_hot >> standard >> ("
    f"decision_tree(max_depth IN {DEPTHS}, min_samples_leaf IN {LEAVES}) | "
    "random_forest(n_estimators IN {10, 20, 30, 40, 50}, max_depth IN {4, 6, 8, 10, 12}, min_samples_leaf IN {1, 2, 4, 8}) | "
    "lightgbm(learning_rate IN {0.05, 0.1, 0.2, 0.3}, n_estimators IN {20, 40, 60, 80, 100}, num_leaves IN {7, 15, 31, 63}) | "
    f"knn(n_neighbors IN {{{', '.join(map(str, range(1, 100, 2)))}}}) | "
    f"gaussian_nb(var_smoothing IN {{{', '.join(f'{10 ** (-9 + 9 * i / 39):.4g}' for i in range(40))}}}) | "
    f"logistic(C IN {{{', '.join(f'{10 ** (-4 + 3 * i / 129):.5g}' for i in range(130))}}}))"
)


def query(data: Path, *, off: bool = False) -> str:
    """Return the search as a query."""
    hint = "".join(f", off = '{rule}'" for rule in RULES) if off else ""
    return (
        f"PREDICT class FROM '{data}' VALIDATE BY {FOLDS} FOLDS OPTIMIZE accuracy WITH PIPELINE = {SPACE} "
        f"BUDGET {N} trials HINT (strategy = 'exhaustive'{hint})"
    )


PLANNING = ("instantiate", "evaluation_tasks", "optimize", "parts_of_tasks", "forecast_sums_s", "weakest")


def child(data: Path, *, off: bool) -> None:
    """Run the search with its planning timed; print what it took."""
    import mileage
    from mileage.session import trials as loop

    spent = {"seconds": 0.0, "tasks": 0}

    def timed(function: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            begun = time.thread_time()
            made = function(*args, **named)
            spent["seconds"] += time.thread_time() - begun
            if function.__name__ == "optimize":
                spent["tasks"] += len(made[0].tasks)
            return made

        return call

    for name in PLANNING:
        setattr(loop, name, timed(getattr(loop, name)))
    with tempfile.TemporaryDirectory() as project, mileage.connect(project) as session:
        result: Any = session.run(query(data, off=off))
        assert sum(t.state == "ok" for t in result.leaderboard.trials) == N + 1
    print("SPENT", json.dumps(spent))


def measured(data: Path, *, off: bool) -> dict[str, float]:
    """Return what planning took, and the CPU seconds of the run and its workers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-W", "ignore", __file__, "--data", str(data), "--child", "off" if off else "on"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = [line for line in done.stdout.splitlines() if line.startswith("SPENT ")]
    if not said:
        raise RuntimeError(done.stderr[-2000:])
    spent = json.loads(said[-1].removeprefix("SPENT "))
    return {**spent, "run": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def summary(on: list[dict[str, float]], off: list[dict[str, float]], n_rows: int) -> dict[str, Any]:
    """Return medians, targets, and whether they are met; ``off`` may be empty."""
    middle = {name: statistics.median(one[name] for one in on) for name in on[0]}
    figures = {
        "configurations": N,
        "rows": n_rows,
        "tasks": middle["tasks"],
        "planning_s": round(middle["seconds"], 2),
        "ms_per_1000_tasks": round(1e6 * middle["seconds"] / middle["tasks"], 1),
        "run_cpu_s": round(middle["run"], 1),
        "share_of_run": round(middle["seconds"] / middle["run"], 4),
    }
    if off:
        alone = statistics.median(one["run"] for one in off)
        figures["unshared_run_cpu_s"] = round(alone, 1)
        figures["share_of_unshared_run"] = round(middle["seconds"] / alone, 4)
    met = all(figures[name] <= limit for name, limit in TARGETS.items())
    return {"name": "planning", "figures": figures, "targets": TARGETS, "met": met}


def _table(folder: Path, into: Path, n_rows: int) -> Path:
    """Write rows of Adult; return the file."""
    import pandas as pd

    entry = next(e for e in json.loads((folder / "manifest.json").read_text())["datasets"] if e["name"] == "adult")
    frame = pd.read_parquet(folder / entry["file"]).drop(columns=entry["exclude"])
    path = into / "adult.parquet"
    frame.rename(columns={entry["target"]: "class"}).head(n_rows).to_parquet(path)
    return path


def main() -> int:
    """Run the search, print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with adult.parquet")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, once")
    parser.add_argument("--rows", type=int, default=ROWS, help="so many rows of Adult")
    parser.add_argument("--shared-only", action="store_true", help="leave out the search without the rules that share")
    parser.add_argument("--child", choices=("on", "off"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.data, off=given.child == "off")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        n_rows = QUICK_ROWS if given.quick else given.rows
        data = _table(given.data, Path(folder), n_rows)
        repeats = 1 if given.quick else given.repeats
        on = [measured(data, off=False) for _ in range(repeats)]
        off = [] if given.shared_only else [measured(data, off=True)]
    print(json.dumps(summary(on, off, n_rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
