"""Staleness traps: MILE and other tools with memory run one flow twice, with an edit in between.

Each of the traps of :mod:`trap_cases` is run by each tool in fresh processes on one memory. A tool is *stale* if its
second answer is not that of the code as it stands (for what has no seed: if it did not run it again), *spurious* if it ran a
step that the edit does not touch, and *wrong* if its first answer was none of the code, or it failed.

Usage: ``python benchmarks/traps.py --peers PYTHON`` with the interpreter in which the other tools are installed; the last line is
one JSON object. ``--quick``: MILE only.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from trap_cases import STEPS, TRAPS, Trap

TARGET_TRAPS = 25
PEERS = ("joblib", "hamilton", "skrub", "pipefunc")
Seen = tuple[str, list[str]]  # the answer, and the steps that ran

# --- the sides: each runs the flow of the working folder and returns its answer ---------------------------------------


def plain(memory: Path) -> str:
    """Return what the code says, step by step, on copies."""
    del memory
    jobs, settings = importlib.import_module("jobs"), importlib.import_module("settings")
    return _wired(lambda name: lambda *args: getattr(jobs, name)(*copy.deepcopy(args)), settings)


def through_joblib(memory: Path) -> str:
    """Every step behind ``joblib.Memory``."""
    import joblib

    jobs, settings = importlib.import_module("jobs"), importlib.import_module("settings")
    store = joblib.Memory(memory, verbose=0)
    return _wired(lambda name: store.cache(getattr(jobs, name)), settings)


def through_skrub(memory: Path) -> str:
    """Every step deferred, with the memory of skrub's settings."""
    import skrub

    jobs, settings = importlib.import_module("jobs"), importlib.import_module("settings")
    with skrub.config_context(cache=str(memory), target_cache_size=None, eager_data_ops=False):
        made: Any = _wired(lambda name: skrub.deferred(getattr(jobs, name)), settings)
        return str(made.skb.eval())


def through_hamilton(memory: Path) -> str:
    """The steps as Hamilton's nodes, with its memory; given alone, since it takes no helper without type hints."""
    from hamilton import ad_hoc_utils, driver

    jobs = importlib.import_module("jobs")
    nodes = ad_hoc_utils.create_temporary_module(*(getattr(jobs, name) for name in STEPS))
    made = driver.Builder().with_modules(nodes).with_cache(path=str(memory)).build()
    return str(made.execute(["report"], inputs=_inputs())["report"])


def through_pipefunc(memory: Path) -> str:
    """The steps as a pipeline with its memory on disk."""
    from pipefunc import PipeFunc, Pipeline

    jobs = importlib.import_module("jobs")
    steps = [PipeFunc(getattr(jobs, name), output_name=name, cache=True) for name in STEPS]
    made = Pipeline(steps, cache_type="disk", cache_kwargs={"cache_dir": str(memory)})
    return str(made("report", **_inputs()))


def through_mile(memory: Path) -> Seen:
    """The flow of the folder, as ``mile iterate flow.py`` runs it."""
    import mileage
    from mileage.session.flow_file import run_file

    with mileage.connect(memory) as session:
        run = run_file(session, "flow.py")
    return str(run["report"]), ["totals" if t.label == "sql" else t.label for t in run.tasks if t.action == "compute"]


def _inputs() -> dict[str, Any]:
    settings = importlib.import_module("settings")
    names = ("path", "unit", "threshold", "note", "query")
    return {name: getattr(settings, name.upper()) for name in names}


def _wired(step: Callable[[str], Callable[..., Any]], settings: Any) -> Any:
    rows = step("rows")(settings.PATH)
    cleaned = step("cleaned")(rows)
    features = step("features")(cleaned, settings.UNIT)
    target = step("target")(cleaned)
    scores = step("scores")(step("model")(features, target), features)
    totals = step("totals")(cleaned, settings.QUERY)
    figures = step("figures")(scores, target, settings.THRESHOLD, settings.NOTE)
    return step("report")(figures, totals, features)


SIDES: dict[str, Callable[[Path], Any]] = {
    "plain": plain,
    "mile": through_mile,
    "joblib": through_joblib,
    "hamilton": through_hamilton,
    "skrub": through_skrub,
    "pipefunc": through_pipefunc,
}

IMPORTED = {"plain": "joblib", "mile": "mileage.session.flow_file", "hamilton": "hamilton.driver"}

# --- one run ----------------------------------------------------------------------------------------------------------


def run_once(side: str, folder: Path, memory: Path, *, killed: bool = False) -> Seen:
    """Run a side in this process, which must be a fresh one for the folder's modules."""
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / "site-packages")]
    sys.dont_write_bytecode = True  # Python takes a compiled file for fresh if size and second are the same
    if killed:
        _kill_while_writing(memory)
    ran: list[str] = []
    with _counted(folder, ran):
        made = SIDES[side](memory)
    return made if side == "mile" else (made, ran)


@contextlib.contextmanager
def _counted(folder: Path, ran: list[str]) -> Iterator[None]:
    file = str(folder / "jobs.py")

    def count(frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == file and frame.f_code.co_name in STEPS:
            ran.append(frame.f_code.co_name)

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


def _kill_while_writing(memory: Path) -> None:
    """End this process at the fourth file that is opened for writing, or moved, in the memory."""
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wxa+")
        if (writes or event == "os.rename") and str(args[0]).startswith(str(memory)):
            seen += 1
            if seen == 4:
                os._exit(9)

    sys.addaudithook(hook)


def serve(side: str) -> None:
    """Run the jobs that come on standard input, each in a fork of this process, which has imported libraries only."""
    for name in ("pandas", "sklearn.ensemble", "duckdb", IMPORTED.get(side, side)):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        end, start = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(end)
            os.setpgid(0, 0)
            _answer(side, job, start)
        os.close(start)
        os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError):  # what the tool has started, if it still runs
            os.killpg(child, signal.SIGKILL)
        with os.fdopen(end) as answers:
            answer = answers.read()
        print(answer or json.dumps({"error": "killed"}), flush=True)


def _answer(side: str, job: dict[str, Any], to: int) -> None:
    os.environ.update(job["env"])
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    try:
        answer, ran = run_once(side, Path(job["folder"]), Path(job["memory"]), killed=job["killed"])
        said = {"answer": answer, "ran": sorted(set(ran))}
    except BaseException as error:  # noqa: BLE001  (whatever a tool raises is its result)
        said = {"error": f"{type(error).__name__}: {error}"[:300]}
    os.write(to, json.dumps(said).encode())
    os._exit(0)


class Server:
    """A process that runs one side."""

    def __init__(self, side: str, python: str) -> None:
        self.command = [python, "-W", "ignore", __file__, "--serve", side]
        self.process = self._start({})

    def _start(self, env: dict[str, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **env},
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def run(self, trap: Trap, folder: Path, memory: Path, *, second: bool) -> dict[str, Any]:
        """Return ``answer`` and ``ran``, or ``error``."""
        env = dict(trap.env[second])
        killed = trap.killed and not second and "plain" not in self.command
        job = {"folder": str(folder), "memory": str(memory), "env": env, "killed": killed}
        process = self._start(env) if "PYTHONHASHSEED" in env else self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        said: dict[str, Any] = json.loads(process.stdout.readline())
        if process is not self.process:
            _end(process)
        return said

    def close(self) -> None:
        """End the process."""
        _end(self.process)


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate()


# --- the verdict ------------------------------------------------------------------------------------------------------


def spring(trap: Trap, run: Callable[..., dict[str, Any]], truth: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Run a trap: ``run`` and ``truth`` take the trap, its folder, a memory, and whether it is the second time."""
    with tempfile.TemporaryDirectory() as name:
        folder, memory = Path(name).resolve() / "flow", Path(name).resolve() / "memory"
        folder.mkdir()
        memory.mkdir()
        trap.prepare(folder)
        right = truth(trap, folder, memory, second=False)
        first = run(trap, folder, memory, second=False)
        trap.edit(folder)
        expected = truth(trap, folder, memory, second=True)
        second = run(trap, folder, memory, second=True)
    if "error" in right or "error" in expected:
        message = f"the trap {trap.name!r} fails without any tool: {right} {expected}"
        raise RuntimeError(message)
    return judge(trap, (right["answer"], expected["answer"]), first, second)


def judge(trap: Trap, right: tuple[str, str], first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a trap: ``stale``, ``spurious`` (the steps that ran for nothing) and ``wrong``."""
    ran = set(second.get("ran", ()))
    stale = not ran >= set(trap.touches) if trap.unseeded else second.get("answer") != right[1]
    failed = second.get("error") or (None if trap.killed else first.get("error"))
    wrong = failed or (None if trap.unseeded or trap.killed or first.get("answer") == right[0] else "first answer")
    return {
        "stale": bool(stale and not wrong),
        "spurious": sorted(ran - trap.may_run),
        "wrong": wrong,
        "ran": len(ran),
    }


def totals_of(figures: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Return the counts over all traps of one tool."""
    return {
        "traps": len(figures),
        "stale": sum(one["stale"] for one in figures.values()),
        "spurious": sum(bool(one["spurious"]) for one in figures.values()),
        "spurious_steps": sum(len(one["spurious"]) for one in figures.values()),
        "wrong": sum(one["wrong"] is not None for one in figures.values()),
    }


def measure(side: str, python: str, only: str) -> dict[str, dict[str, Any]]:
    """Return what came of each trap for one side."""
    truth, server = Server("plain", python), Server(side, python)
    try:
        found = {}
        for trap in TRAPS:
            if only in trap.name and (not trap.needs or _has(python, trap.needs)):
                found[trap.name] = spring(trap, server.run, truth.run)
                print(f"{side:9} {trap.name:50} {_said(found[trap.name])}", flush=True)
        return found
    finally:
        truth.close()
        server.close()


def _said(one: dict[str, Any]) -> str:
    if one["wrong"]:
        return f"wrong: {one['wrong']}"
    parts = ["STALE"] if one["stale"] else ["ok"]
    return " ".join([*parts, str(one["ran"]), *(f"spurious:{name}" for name in one["spurious"])])


def main() -> int:
    """Run all sides and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="an interpreter with joblib, apache-hamilton, skrub and pipefunc")
    parser.add_argument("--quick", action="store_true", help="MILE only")
    parser.add_argument("--tools", default=",".join(PEERS), help="the other tools to run, by name, with commas between")
    parser.add_argument("--only", default="", help="traps with this in their names")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    found = {"mile": measure("mile", sys.executable, given.only)}
    missing = []
    for peer in () if given.quick else given.tools.split(","):
        if given.peers and _has(given.peers, peer):
            found[peer] = measure(peer, given.peers, given.only)
        else:
            missing.append(peer)
    figures: dict[str, Any] = {side: totals_of(one) for side, one in found.items()}
    mile = figures["mile"]
    met = mile["traps"] >= TARGET_TRAPS and not (mile["stale"] or mile["spurious"] or mile["wrong"])
    figures |= {
        "per_trap": {t: {side: _said(one[t]) for side, one in found.items() if t in one} for t in found["mile"]}
    }
    figures["peers_missing"] = missing
    targets = {"traps": TARGET_TRAPS, "stale": 0, "spurious": 0, "wrong": 0}
    print(json.dumps({"name": "traps", "figures": figures, "targets": targets, "met": met}))
    return 0


def _has(python: str, peer: str) -> bool:
    done = subprocess.run([python, "-c", f"import {peer}"], capture_output=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
