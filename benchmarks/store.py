"""The store under many processes, sudden death, a full disk and damaged files.

- *shared*: processes ask one store for the same tasks at the same time; how many tasks were computed once, and what failed.
- *killed*: writers are killed (``SIGKILL``) at random moments; afterwards every result is right or absent, and the disk was
  never above the budget.
- *full*: a flow whose large results cannot be written goes on, says so, and recovers once there is room.
- *damaged*: every kept payload of a flow is changed; the next run tells it, computes again, and gives the same numbers.

Usage: ``python benchmarks/store.py [--quick]``; the last line is one JSON object. It needs ``fork``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mileage.catalog import ArtifactStore, WriteBehind
from mileage.catalog.locks import wait_for

KEY = b"k" * 32
ONCE = 0.99
LOCK_S = 20.0  # a writer makes room for moments only
TASKS_PER_S, AHEAD, TASK_S = 25, 6, (0.004, 0.03)
FLOW = """
import sys
import numpy as np
import pandas as pd
import mileage as ml
from mileage.session.flow_file import run_file
from mileage.session.versions import run_report
from mileage.workflow import Action

if __name__ == "__main__":
    import resource
    if int(sys.argv[2]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    with ml.connect(sys.argv[1]) as session:
        made = run_file(session, sys.argv[3])
    notes = [note for note in made.version.record["notes"]]
    print(made["total"], made.count(Action.COMPUTE), sum("not kept" in n for n in notes), sum("not trusted" in n for n in notes))
"""
STEPS = """
import time
import numpy as np
import pandas as pd
import mileage as ml

@ml.step
def made(n):
    time.sleep(0.1)
    return pd.DataFrame({"a": np.arange(n, dtype=float), "b": np.arange(n) % 7})

@ml.step
def total(rows):
    time.sleep(0.1)
    return float((rows["a"] * rows["b"]).sum())

@ml.step
def counts(rows):
    time.sleep(0.1)
    return rows.groupby("b").size().to_numpy()

@ml.step
def both(x, y):
    return x + float(y.sum())

rows = made(400_000)
ml.show(total=both(total(rows), counts(rows)))
"""


def value_of(task: int) -> np.ndarray:
    """Return what a task gives."""
    return np.random.default_rng(task).normal(size=2000 + task % 997)


def forked(work: Callable[[], Any], out: Path) -> int:
    """Run ``work`` in a child, which writes what it returns as JSON; return the child's id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads: the child touches none of them
        child = os.fork()
    if child:
        return child
    try:
        result = work()
        out.write_text(json.dumps(result))
    except BaseException as error:  # noqa: BLE001  (whatever it is, the parent tells it)
        out.write_text(json.dumps({"error": f"{type(error).__name__}: {error}"}))
    finally:
        os._exit(0)


def ask(folder: Path, begun: float, seconds: float, seed: int) -> dict[str, Any]:
    """Ask for the tasks of the moment until the time is over; return how often each was computed here."""
    rng = random.Random(seed)
    computed: Counter[int] = Counter()
    wrong = asked = 0
    with WriteBehind(ArtifactStore(folder, key=KEY, quota_bytes=2**30)) as store:
        while (now := time.monotonic() - begun) < seconds:
            task = int(now * TASKS_PER_S) + rng.randrange(AHEAD)
            wrong += not np.array_equal(result_of(store, task, computed, rng), value_of(task))
            asked += 1
        failed = [item.why for item in store.failed] + [item.why for item in store.store.findings]
    return {"computed": dict(computed), "wrong": wrong, "asked": asked, "failed": failed}


def result_of(store: WriteBehind, task: int, computed: Counter[int], rng: random.Random) -> np.ndarray:
    """Return a task's result: kept, awaited, or computed."""
    name = f"{task:08d}"
    key = f"{name}.out"
    if store.has(key):
        return store.get(key)
    with store.claim(name):
        if store.has(key):
            return store.get(key)
        time.sleep(rng.uniform(*TASK_S))
        value = value_of(task)
        value.setflags(write=False)
        computed[task] += 1
        store.put(key, value)
        return value


def shared(n_processes: int, seconds: float) -> dict[str, Any]:
    """Return how many distinct tasks many processes computed once, and what failed."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        outs = [Path(folder) / f"out{i}.json" for i in range(n_processes)]
        children = [
            forked(lambda i=i: ask(Path(folder) / "store", begun, seconds, i), out) for i, out in enumerate(outs)
        ]
        for child in children:
            os.waitpid(child, 0)
        results = [json.loads(out.read_text()) for out in outs]
    errors = [r["error"] for r in results if "error" in r] + [why for r in results for why in r.get("failed", ())]
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.get("computed", {}))
    return {
        "processes": n_processes, "seconds": seconds, "asked": sum(r.get("asked", 0) for r in results),
        "tasks": len(total), "once": round(sum(n == 1 for n in total.values()) / max(1, len(total)), 4),
        "wrong": sum(r.get("wrong", 0) for r in results), "errors": len(errors), "first_errors": errors[:3],
    }  # fmt: skip


def write(folder: Path, quota: int, seed: int) -> None:
    """Write without an end, half of it through a queue."""
    rng = random.Random(seed)
    store = ArtifactStore(folder, key=KEY, quota_bytes=quota)
    behind = WriteBehind(store, queue_bytes=200_000)
    while True:
        task = rng.randrange(200)
        (store if rng.random() < 0.5 else behind).put(f"{task:08d}.out", value_of(task))


def used(folder: Path) -> int:
    """Return the bytes of all files, each once, at a moment at which no writer makes room.

    Without the lock, a file that leaves while others are counted and the one that takes its room would both count.
    """
    sizes = {}
    with wait_for(folder / ".aside" / "room.lock", LOCK_S):
        for path in folder.rglob("*"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                sizes[stat.st_ino] = stat.st_size
    return sum(sizes.values())


def killed(n_kills: int, n_writers: int = 3) -> dict[str, Any]:
    """Kill writers at random moments; return what is wrong, unreadable or too much afterwards."""
    rng = random.Random(0)
    quota, most = 600_000, 0
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "store"
        ArtifactStore(folder, key=KEY, quota_bytes=quota).put("00000000.out", value_of(0))
        last = 0

        def start() -> int:
            nonlocal last
            last += 1
            return forked(lambda n=last: write(folder, quota, n), Path(parent) / f"{last}.json")

        running = [start() for _ in range(n_writers)]
        for _ in range(n_kills):
            time.sleep(rng.uniform(0.0, 0.03))
            most = max(most, used(folder))
            victim = running.pop(rng.randrange(n_writers))
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            running.append(start())
        for child in running:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        ended = [path.read_text() for path in Path(parent).glob("*.json")]  # none should have ended by itself
        figures = after(folder, quota)
        return {
            "kills": n_kills,
            "quota": quota,
            "most_bytes": most,
            "ended": len(ended),
            "first_ended": ended[:2],
            **figures,
        }


def after(folder: Path, quota: int) -> dict[str, int]:
    """Return what a store holds after its writers were killed."""
    store = ArtifactStore(folder, key=KEY, quota_bytes=quota)
    store.sweep()
    left = sum(path.suffix in {".part", ".hold", ".claim"} for path in (folder / ".aside").iterdir())
    keys = [kept.key for kept in store]
    wrong = sum(not np.array_equal(store.get(key), value_of(int(key[:8]))) for key in keys if store.has(key))
    store.put("99999999.out", np.zeros(1000))
    return {
        "kept": len(keys),
        "wrong": wrong,
        "unreadable": len(store.findings),
        "left_behind": left,
        "used": used(folder),
    }


def flow(folder: Path, limit_bytes: int = 0) -> list[float]:
    """Run the flow in a process of its own; return total, steps computed, notes of what was not kept and not trusted."""
    (folder / "flow.py").write_text(STEPS)
    (folder / "run.py").write_text(FLOW)
    command = [sys.executable, "run.py", str(folder), str(limit_bytes), str(folder / "flow.py")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"the flow failed:\n{done.stderr}"
        raise RuntimeError(message)
    return [float(part) for part in done.stdout.split()]


def full() -> dict[str, Any]:
    """Return whether a flow survives a disk on which nothing large can be written, and recovers."""
    with tempfile.TemporaryDirectory() as folder:
        limited = flow(Path(folder), 1_000_000)
        roomy = flow(Path(folder))
        again = flow(Path(folder))
    return {
        "said": limited[2] > 0,
        "same": limited[0] == roomy[0] == again[0],
        "recovered": roomy[2] == 0 and again[1] == 0,
    }


def damaged() -> dict[str, Any]:
    """Return whether a flow whose payloads were all changed says so, computes again, and gives the same."""
    with tempfile.TemporaryDirectory() as folder:
        first = flow(Path(folder))
        files = [
            p for p in Path(folder).glob(".mile/artifacts/*/*") if p.is_file() and not p.parent.name.startswith(".")
        ]
        for file in files:
            content = bytearray(file.read_bytes())
            content[-65] ^= 255
            content[-1] ^= 1
            content[len(content) // 2] ^= 255
            file.write_bytes(content)
        second, third = flow(Path(folder)), flow(Path(folder))
    return {
        "files": len(files),
        "said": second[3] > 0,
        "same": first[0] == second[0] == third[0],
        "recovered": second[1] > 0 and third[1] == 0,
    }


def report(quick: bool) -> dict[str, Any]:
    """Return name, figures, targets, and which are met."""
    figures = {
        "shared": shared(4 if quick else 8, 3.0 if quick else 60.0),
        "killed": killed(20 if quick else 1000),
        "full": full(),
        "damaged": damaged(),
    }
    a, b = figures["shared"], figures["killed"]
    met = {
        "once": a["once"] >= ONCE,
        "no_error": a["errors"] == 0 and a["wrong"] == 0,
        "killed": b["wrong"] == b["unreadable"] == b["left_behind"] == b["ended"] == 0,
        "budget": max(b["most_bytes"], b["used"]) <= b["quota"],
        "full": all(figures["full"].values()),
        "damaged": all(figures["damaged"].values()),
    }
    return {"name": "store", "figures": figures, "targets": {"once": ONCE}, "met": met}


def main() -> int:
    """Print the figures; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small counts")
    made = report(parser.parse_args().quick)
    for name, figures in made["figures"].items():
        print(name, figures)
    print(json.dumps(made))
    return 0 if all(made["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
