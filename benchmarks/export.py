"""The exported script of the winner reproduces its score to 1e-9, without mileage: five tables of a folder.

For each table ``PREDICT target FROM 'file' BUDGET 20 s`` runs, the first workflow is exported ``AS sklearn``, and the
script runs in a process of its own in which ``mileage`` cannot be imported. What it prints of each split is compared
with what the leaderboard says of it.

Usage: ``python benchmarks/export.py --data FOLDER`` with a ``manifest.json`` in the folder; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mileage

TABLES = ("adult", "ames", "titanic", "letter", "gss_wages")
QUICK = ("titanic", "penguins")
TOLERANCE = 1e-9
RUNNER = """
import runpy, sys
class Without:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "mileage":
            raise ImportError(name)
sys.meta_path.insert(0, Without())
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class Outcome:
    """What one table gave: the winner, its score, and the largest difference over the splits."""

    name: str
    winner: str
    metric: str
    score: float
    apart: float
    lines: int
    error: str = ""


def entries(folder: Path, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the entries of the manifest for the tables wanted, or for its first five if it has none of them."""
    known = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["datasets"]
    wanted = [entry for name in names for entry in known if entry["name"] == name]
    return wanted or known[: len(TABLES)]


def query_of(entry: dict[str, Any], file: Path, budget_s: float) -> str:
    """Return the query of a table; columns that its manifest calls no features are left out."""
    quoted = [f'"{name}"' for name in entry.get("exclude", [])]
    excluding = f" EXCLUDING {', '.join(quoted)}" if quoted else ""
    return f"PREDICT \"{entry['target']}\" FROM '{file}'{excluding} BUDGET {budget_s:g} s"


def run_table(entry: dict[str, Any], data: Path, folder: Path, budget_s: float) -> Outcome:
    """Run one table: query, script, comparison."""
    name = entry["name"]
    with mileage.connect(folder) as session:
        result = session.run(query_of(entry, data / entry["file"], budget_s))
        trial, metric = result.trial("w1"), result.plan.objectives[0].call
        text = result["w1"].script(str(folder / f"{name}.py"))
    command = [sys.executable, "-W", "ignore", "-c", RUNNER, f"{name}.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    score = trial.mean(metric)
    if done.returncode:
        return Outcome(name, trial.describe, metric, score, float("inf"), len(text.splitlines()), done.stderr[-500:])
    printed = json.loads(done.stdout.splitlines()[-1])["scores"]
    apart = max(abs(a - b) for a, b in zip(printed, trial.scores[metric], strict=True))
    return Outcome(name, trial.describe, metric, score, apart, len(text.splitlines()))


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the figures, the targets, and whether they are met."""
    figures = {
        "tables": len(outcomes),
        "reproduced": sum(o.apart <= TOLERANCE for o in outcomes),
        "better_than_constant": sum(o.winner != "dummy" for o in outcomes),
        "largest_difference": max(o.apart for o in outcomes),
        "by_table": {o.name: {"winner": o.winner, "score": o.score, "apart": o.apart} for o in outcomes},
    }
    targets = {"reproduced": len(outcomes), "better_than_constant": len(outcomes)}
    met = all(figures[name] == wanted for name, wanted in targets.items())
    return {"name": "export", "figures": figures, "targets": targets, "met": met}


def main() -> int:
    """Run all tables and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.json and its tables")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds for each table")
    parser.add_argument("--quick", action="store_true", help="two small tables, 6 s each")
    parser.add_argument("--tables", nargs="*", default=[], help="these tables only")
    parser.add_argument("--keep", type=Path, help="folder for the projects and scripts; a temporary one by default")
    given = parser.parse_args()
    names = tuple(given.tables) or (QUICK if given.quick else TABLES)
    outcomes = []
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for entry in entries(given.data, names):
            outcomes.append(run_table(entry, given.data.resolve(), folder, 6.0 if given.quick else given.budget))
            o = outcomes[-1]
            print(f"{o.name:20} {o.metric} {o.score:.10g}  apart {o.apart:.2g}  {o.winner}  {o.error}", flush=True)
    print(json.dumps(summary(outcomes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
