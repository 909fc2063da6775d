"""Twelve iterations on one workflow: what each system spends, against an oracle that runs every distinct operator once.

Each iteration is a process of its own on one core with one thread, as if the user had edited a file and run it again; CPU and
wall seconds are counted after the imports. The oracle keeps everything in memory and pays for nothing. Every system must
give the numbers of the plain script. Scenarios are in ``benchmarks/iteration``.

The oracle runs twice: in one process (``of_oracle``), and in a process an iteration as the others do, with all that was made
before in its memory when the clock starts (``of_fresh_oracle``): a process pays for its first use of memory and of libraries,
which on a virtual machine can be more than what a system adds. The first run, the threshold edit and the rerun without a
change are repeated, the first run not pinned, since what is written behind has a core of its own there; medians are told.

Under a quota, ``bound`` is what is possible at all, of the oracle: the least computing for one who knows all edits beforehand, and
reads and writes for nothing (``benchmarks/iteration/bound.py``).

Usage: ``python benchmarks/iteration.py --data FOLDER [--scenario flights] [--peers PYTHON]``, where PYTHON is an interpreter that
has joblib, apache-hamilton, skrub and pipefunc; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent / "iteration"
sys.path.insert(0, str(HERE))
import bound  # noqa: E402

PEERS = ("joblib", "hamilton", "skrub", "pipefunc")
TARGETS = {"unlimited": 1.05, "quarter": 1.10, "twentieth": 1.20}
NOOP_TARGET_S, EDIT_TARGET_S, COLD_TARGET = 0.05, 0.05, 1.03
QUICK_ROWS, QUICK_ITERATIONS = 20_000, 4
REPEATED = 5
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
COMPILED = Path(tempfile.gettempdir()) / "mileage-benchmark-compiled"
Run = dict[str, Any]


class MissingError(Exception):
    """A peer is not installed."""


def child(
    system: str,
    iterations: list[int],
    store: Path,
    given: argparse.Namespace,
    quota: int | None = None,
    *,
    pinned: bool = True,
) -> list[Run]:
    """Run iterations in one process; return what each took and gave."""
    python = given.peers if system in PEERS else sys.executable
    words = [python, "-W", "ignore", str(HERE / "systems.py"), "--scenario", given.scenario, "--system", system]
    words += ["--data", str(given.data), "--store", str(store), "--iterations", *map(str, iterations)]
    words += ["--rows", str(QUICK_ROWS)] if given.quick else []
    words += ["--quota", str(quota)] if quota is not None else []
    words = ["taskset", "-c", "0", *words] if pinned and shutil.which("taskset") else words
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH") if system == "mile" else None])]
    env = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)}
    env |= {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(COMPILED),
    }  # compiled once, as an installed package is
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env, cwd=store.parent)
    if done.returncode:
        if system in PEERS and "ModuleNotFoundError" in done.stderr:
            raise MissingError(done.stderr.strip().splitlines()[-1])
        raise RuntimeError(f"{system} failed:\n{done.stderr}")
    made: list[Run] = json.loads(done.stdout.splitlines()[-1])
    return made


def measure(system: str, n: int, given: argparse.Namespace, quota: int | None = None) -> list[Run]:
    """Run all iterations of a system, each in a process of its own, and the last one twice."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        store.mkdir()
        runs = [child(system, [i], store, given, quota)[0] for i in range(n)]
        if system != "plain":
            runs.append(child(system, [n - 1], store, given, quota)[0])
        runs[-1]["disk_bytes"] = sum(p.stat().st_size for p in store.rglob("*") if p.is_file())
        return runs


def summary(runs: list[Run], n: int, plain: list[Run], oracle: list[Run], fresh: list[Run]) -> dict[str, Any]:
    """Return the figures of a system."""
    cpu = sum(run["cpu_s"] for run in runs[:n])
    return {
        "cpu_s": round(cpu, 3),
        "of_oracle": round(cpu / sum(run["cpu_s"] for run in oracle), 3),
        "of_fresh_oracle": round(cpu / sum(run["cpu_s"] for run in fresh), 3),
        "of_plain": round(cpu / sum(run["cpu_s"] for run in plain), 3),
        "no_op_s": round(runs[n]["wall_s"], 3) if len(runs) > n else None,
        "disk_mb": round(runs[-1]["disk_bytes"] / 1e6, 1),
        "same_numbers": all(a["numbers"] == b["numbers"] for a, b in zip(runs, plain, strict=False)),
        "by_iteration_cpu_s": [round(run["cpu_s"], 2) for run in runs[:n]],
    }


def least_of_oracle(tasks: Mapping[str, bound.Made], oracle: list[Run], quota: int) -> float:
    """Return the least computing under a quota, of that without one."""
    least = bound.least_seconds(tasks, [run["version"] for run in oracle], quota)
    return round(least / sum(task.seconds for task in tasks.values()), 3)


def moments(given: argparse.Namespace) -> dict[str, float]:
    """Return what the user waits for beside the work: in the first run, after an edit of a threshold, and after none."""
    taken: dict[str, list[float]] = {"first": [], "plain": [], "edit": [], "its work": [], "none": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for i in range(REPEATED):
            store, work = folder / f"store{i}", folder / f"work{i}"
            store.mkdir()
            work.mkdir()
            taken["plain"].append(child("plain", [0], store, given, pinned=False)[0]["wall_s"])
            taken["first"].append(child("mile", [0], store, given, pinned=False)[0]["wall_s"])
            child("oracle", [0], work, given)
            taken["its work"].append(child("oracle", [1], work, given)[0]["wall_s"])
            taken["edit"].append(child("mile", [1], store, given)[0]["wall_s"])
            taken["none"].append(child("mile", [1], store, given)[0]["wall_s"])
    at = {name: median(seconds) for name, seconds in taken.items()}
    return {
        "first_of_plain_wall": round(at["first"] / at["plain"], 3),
        "threshold_edit_beyond_its_work_s": round(at["edit"] - at["its work"], 3),
        "no_op_s": round(at["none"], 3),
    }


def main() -> int:
    """Measure every system, print a table, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared tables")
    parser.add_argument("--scenario", default="flights")
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has the other tools")
    parser.add_argument("--only", nargs="*", help="these systems beside plain and oracle")
    parser.add_argument("--quick", action="store_true", help="fewer rows, four iterations, MILE only")
    given = parser.parse_args()
    given.data = given.data.resolve()
    n = QUICK_ITERATIONS if given.quick else len(importlib.import_module(given.scenario).EDITS)
    plain = measure("plain", n, given)
    with tempfile.TemporaryDirectory() as folder:
        oracle = child("oracle", list(range(n)), Path(folder), given)
        tasks = bound.tasks_of(Path(folder) / "oracle.pickle", oracle)
    with tempfile.TemporaryDirectory() as folder:
        fresh = [child("oracle", [i], Path(folder), given)[0] for i in range(n)]
    one_run = fresh[0]["bytes"]
    systems = {"unlimited": ("mile", None), "quarter": ("mile", one_run // 4), "twentieth": ("mile", one_run // 20)}
    systems |= {} if given.quick else {peer: (peer, None) for peer in PEERS}
    figures: dict[str, Any] = {"plain_cpu_s": round(sum(r["cpu_s"] for r in plain), 3), "missing": []}
    figures |= {"oracle_cpu_s": round(sum(r["cpu_s"] for r in oracle), 3), "one_run_mb": round(one_run / 1e6, 1)}
    for name, (system, quota) in systems.items():
        if given.only is None or name in given.only:
            try:
                figures[name] = summary(measure(system, n, given, quota), n, plain, oracle, fresh)
                if quota is not None:
                    figures[name]["bound"] = least_of_oracle(tasks, oracle, quota)
            except MissingError as error:
                figures["missing"].append(f"{name}: {error}")
            print(name, figures.get(name), flush=True)
    mine = {name: figures[name] for name in TARGETS if name in figures}
    met = len(mine) == len(TARGETS)
    met &= all(f["of_oracle"] <= TARGETS[name] and f["same_numbers"] for name, f in mine.items())
    figures["moments"] = at = moments(given)
    print("moments", at, flush=True)
    met &= at["no_op_s"] <= NOOP_TARGET_S and at["threshold_edit_beyond_its_work_s"] <= EDIT_TARGET_S
    met &= at["first_of_plain_wall"] <= COLD_TARGET
    targets = {
        **TARGETS,
        "no_op_s": NOOP_TARGET_S,
        "threshold_edit_s": EDIT_TARGET_S,
        "first_of_plain_wall": COLD_TARGET,
    }
    print(json.dumps({"name": f"iteration {given.scenario}", "figures": figures, "targets": targets, "met": bool(met)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
