"""Runs end in every way a run can end: by kill -9, by Ctrl-C once and twice, by SIGTERM, and beside another run.

Each test starts the real command in a process group of its own, and looks at what is left.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

import mileage
from mileage.catalog import Catalog, Project

MOMENTS, ALL_MOMENTS = 4, 50
PATIENCE_S = 120.0
QUERY = (
    "PREDICT y FROM 'table.csv' WITH MODEL = logistic(C IN 0.01..10) | decision_tree(max_depth IN 2..6) | gaussian_nb "
    "VALIDATE BY 3 FOLDS BUDGET 12 trials SEED 3"
)
LONG = QUERY.replace("12 trials", "100 s")
# What the user of the API is told of, one line an event, written at once: what is printed was acknowledged.
DRIVER = """
import json, sys
import mileage

def say(event):
    told = {"kind": event.kind, **{k: event.data.get(k) for k in ("run", "number", "state", "score", "name")}}
    sys.stdout.write(json.dumps(told) + "\\n")
    sys.stdout.flush()

with mileage.connect(".", workers=2) as session:
    session.run(open("query.mile").read(), on_event=say)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with a table, a query and a script that runs it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    table = pd.DataFrame(X, columns=list("abcd")).assign(y=np.where(X[:, 0] + X[:, 1] ** 2 > 0.5, "yes", "no"))
    table.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "query.mile").write_text(QUERY)
    (tmp_path / "driver.py").write_text(DRIVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@dataclass
class Started:
    """A run in a process group of its own, the processes seen in it, and where its temporary files go."""

    process: subprocess.Popen[str]
    scratch: Path
    family: set[psutil.Process] = field(default_factory=set)

    def look(self) -> None:
        """Note the processes of the run."""
        with suppress(psutil.NoSuchProcess):
            self.family |= set(psutil.Process(self.process.pid).children(recursive=True))

    def wait_for(self, text: str, *, times: int = 1) -> list[str]:
        """Return the lines up to the one with which ``text`` was said so many times."""
        lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line)
            times -= text in line
            if times == 0:
                self.look()
                return lines
        raise AssertionError(f"'{text}' was not said: {''.join(lines)}{self.process.stderr.read()}")

    def end(self) -> tuple[str, str]:
        """Wait for the end; return what was written."""
        return self.process.communicate(timeout=PATIENCE_S)

    def left(self) -> list[psutil.Process]:
        """Return the processes of the run that do not end."""
        _, alive = psutil.wait_procs(self.family, timeout=20)
        return [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def start(folder: Path, *command: str) -> Started:
    """Start a command in the folder; its temporary files have a folder of their own."""
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    sources = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": sources, "TMPDIR": str(scratch)},
        start_new_session=True,
    )
    return Started(process, scratch)


def mile(*words: str) -> tuple[str, ...]:
    """Return the words of a call of the command."""
    return ("-m", "mileage.apps.cli", *words)


def run_to_the_end(folder: Path, query: str) -> list[dict[str, object]]:
    """Run the query; return the leaderboard."""
    (folder / "query.mile").write_text(query)
    started = start(folder, *mile("--json", "run", "query.mile"))
    out, err = started.end()
    assert started.process.returncode == 0, err + out
    return json.loads(out)["leaderboard"]


def history(folder: Path) -> list[str]:
    """Return the states of the runs as ``SHOW history`` lists them."""
    with mileage.connect(folder) as session:
        [section] = session.run("SHOW history").sections
        return [row[section.header.index("state")] for row in section.rows]


def scratch_folders(started: Started) -> list[Path]:
    """Return the temporary folders of runs that are still there."""
    return [path for path in started.scratch.iterdir() if "mileage" in path.name]


def whole_artifacts(folder: Path) -> int:
    """Return how many artifacts are kept, after loading each of them."""
    store = Project.open(folder).store()
    keys = [kept.key for kept in store]
    for key in keys:
        assert store.has(key)
        store.get(key)
    assert not store.findings
    return len(keys)


# --- kill -9 ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usual:
    """Seconds from the start to the event ``run_started``, and from there to the end, of a run nobody disturbs."""

    begin_s: float
    run_s: float


def killed_once(folder: Path, moment: float, usual: Usual) -> dict[str, object]:
    """Kill a run and check everything that is promised; return the facts.

    ``moment`` is from -1 (the start of the process) over 0 (the start of the run) to 1 (its usual end).
    """
    rng = random.Random(moment)
    started = start(folder, "driver.py")
    lines = started.wait_for("run_started") if moment >= 0 else []
    until = time.monotonic() + (moment * usual.run_s if moment >= 0 else (1 + moment) * usual.begin_s)
    while time.monotonic() < until and started.process.poll() is None:
        started.look()
        time.sleep(min(0.02, max(0.0, until - time.monotonic())))
    started.look()
    if rng.random() < 0.5:  # a terminal that dies takes the group; the system's memory killer one process
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
    else:
        started.process.kill()
    out, err = started.end()
    assert "Traceback" not in err
    assert not started.left(), "a process of the killed run goes on"

    said = [json.loads(line) for line in (*lines, *out.splitlines(keepends=True)) if line.endswith("\n")]
    acknowledged = {e["number"]: e["score"] for e in said if e["kind"] == "trial_finished" and e["score"] is not None}
    run = next((event["run"] for event in said if event["kind"] == "run_started"), None)
    finished = any(event["kind"] == "run_finished" for event in said)

    states = history(folder)  # the project opens
    if run is not None:
        with Catalog(Project.open(folder)) as catalog:
            record = catalog.run(run)
            metric = "roc_auc"
            kept = {t.number: t.mean(metric) for t in catalog.trials(run) if t.state == "ok"}
        assert record.state in ({"finished"} if finished else {"interrupted", "finished"}), record
        assert states[-1] == record.state
        assert {number: kept.get(number) for number in acknowledged} == acknowledged, "an acknowledged trial is lost"
    else:
        assert not acknowledged
    assert "running" not in states
    artifacts = whole_artifacts(folder)
    return {
        "moment": round(moment, 3),
        "stage": next((e["name"] for e in reversed(said) if e["kind"] == "stage"), "starting"),
        "state": states[-1] if states else "not begun",
        "acknowledged": len(acknowledged),
        "artifacts": artifacts,
        "scratch": len(scratch_folders(started)),
    }


def check_moments(folder: Path, n: int) -> None:
    """Kill ``n`` runs: each fifth before it has begun, the others anywhere between begin and end."""
    began = time.monotonic()
    first = start(folder, "driver.py")
    first.wait_for("run_started")
    begun = time.monotonic()
    assert first.end()[1] == ""
    usual = Usual(begun - began, time.monotonic() - begun)
    rng = random.Random(20_07)
    facts = []
    for i in range(n):
        # A seed of its own for each: nothing is loaded from the run before.
        (folder / "query.mile").write_text(QUERY.replace("SEED 3", f"SEED {100 + i}"))
        facts.append(killed_once(folder, -rng.random() if i % 4 == 3 else rng.random(), usual))
        print(json.dumps(facts[-1]))
    assert any(fact["acknowledged"] for fact in facts) and any(fact["state"] == "interrupted" for fact in facts)
    assert run_to_the_end(folder, QUERY.replace("SEED 3", "SEED 100"))[0]["ref"] == "w1"
    assert history(folder)[-1] == "finished"
    assert not scratch_folders(first), "the next start has not removed what killed runs left"


def test_no_moment_of_a_kill_loses_what_was_acknowledged(folder):
    check_moments(folder, MOMENTS)


@pytest.mark.slow
def test_no_moment_of_50_kills_loses_what_was_acknowledged(folder):
    check_moments(folder, ALL_MOMENTS)


def test_a_kill_of_the_server_of_workers_costs_no_trial(folder):
    started = start(folder, "driver.py")
    started.wait_for('"trial_finished", "run": null, "number": 2')
    server = next(p for p in started.family if p.ppid() == started.process.pid)
    server.kill()
    out, err = started.end()
    assert started.process.returncode == 0, err
    assert history(folder) == ["finished"]
    with Catalog(Project.open(folder)) as catalog:
        assert [t.state for t in catalog.trials(1)] == ["ok"] * 13
    assert not started.left()


# --- Ctrl-C and SIGTERM -----------------------------------------------------------------------------------------------


def stopped(folder: Path, number: signal.Signals, after: str, times: int) -> tuple[Started, str, str]:
    """Send a signal to the whole group of a long run, as a terminal does, once ``after`` was said on stderr."""
    (folder / "query.mile").write_text(LONG)
    started = start(folder, *mile("--plain", "run", "query.mile"))
    started.process.stdout, started.process.stderr = started.process.stderr, started.process.stdout
    said = started.wait_for(after, times=times)
    time.sleep(random.Random(f"{after} {times}").random())
    os.killpg(started.process.pid, number)
    err, out = started.end()
    return started, out, "".join(said) + err


@pytest.mark.parametrize(
    ("number", "after", "times"),
    [
        (signal.SIGINT, "assumed", 1),
        (signal.SIGINT, "roc_auc 0", 4),
        (signal.SIGTERM, "roc_auc 0", 3),
    ],
)
def test_a_signal_stops_cleanly_and_shows_what_has_finished(folder, number, after, times):
    started, out, err = stopped(folder, number, after, times)
    assert started.process.returncode == 130, err
    assert "Traceback" not in err + out
    assert not started.left()
    assert not scratch_folders(started)
    states = history(folder)
    if states:
        assert states == ["stopped"]
        assert "stopped: what had finished is kept and ranked" in err
        with Catalog(Project.open(folder)) as catalog:
            kept = [t for t in catalog.trials(1) if t.state == "ok"]
        shown = re.findall(r"^\[.*?\] +(\d+)  roc_auc", err, re.MULTILINE)
        assert {int(n) for n in shown} <= {t.number for t in kept}
        assert ("w1" in out) == bool(kept)
        with mileage.connect(folder) as session:
            assert ("w1" in session.run("SHOW leaderboard").text()) == ("w1" in out)
    else:
        assert err.rstrip().endswith("interrupted")


def test_a_second_ctrl_c_leaves_at_once(folder):
    (folder / "query.mile").write_text(LONG)
    # Asked in the middle of its books, where it does not hear the first time.
    (folder / "driver.py").write_text(
        "import os, signal, sys, time\n"
        "import mileage\n"
        "def say(event):\n"
        "    if event.kind == 'trial_finished' and event.data['number'] == 2:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        print('asked once', flush=True)\n"
        "        time.sleep(0.3)\n"
        "        print('still here', flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        time.sleep(60)\n"
        "with mileage.connect('.', workers=2) as session:\n"
        "    try:\n"
        "        session.run(open('query.mile').read(), on_event=say)\n"
        "    except KeyboardInterrupt:\n"
        "        sys.exit(130)\n"
    )
    started = start(folder, "driver.py")
    lines = started.wait_for("still here")
    out, err = started.end()
    assert "".join(lines).count("asked once") == 1
    assert (started.process.returncode, err, out) == (130, "", "")
    assert history(folder) == ["stopped"]
    assert not started.left()
    assert not scratch_folders(started)


# --- two at once ------------------------------------------------------------------------------------------------------


def test_two_runs_in_one_project_both_finish_and_are_in_the_history(folder):
    others = [QUERY, QUERY.replace("SEED 3", "SEED 4")]
    started = []
    for i, text in enumerate(others):
        (folder / f"query{i}.mile").write_text(text)
        started.append(start(folder, *mile("--json", "--backend", "inline", "run", f"query{i}.mile")))
    boards = []
    for one in started:
        out, err = one.end()
        assert one.process.returncode == 0, err + out
        boards.append(json.loads(out))
    assert sorted(board["query"] for board in boards) == ["@q1", "@q2"]
    assert history(folder) == ["finished", "finished"]
    with Catalog(Project.open(folder)) as catalog:
        assert [run.n_trials for run in catalog.runs()] == [13, 13]
    assert whole_artifacts(folder)
