"""Backends keep their laws, and worker processes are killed, replaced and never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest
from world import RESOURCES, plan, scored_port

from mileage.core.events import EventBus
from mileage.engine import Executor, JobState, Limits, backends
from mileage.engine.backends.processes import ProcessBackend
from mileage.testing.backends import check_backend

HERE = Path(__file__).parent
MIB = 2**20
ENV = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path),
}


@pytest.mark.parametrize("name", ["inline", "processes"])
def test_the_backend_keeps_its_laws(name):
    check_backend(backends.get(name))


def test_spawned_workers_work_where_there_is_no_fork_server():
    with Executor(ProcessBackend("spawn"), None, resources=RESOURCES) as executor:
        made = plan(1)
        executor.submit(made)
        [outcome] = executor.wait(30)
        pids = executor.backend.worker_pids()
    assert outcome.state is JobState.DONE
    assert outcome.values[scored_port(made)]
    assert pids and not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize(
    ("behavior", "limits", "state", "text"),
    [
        ("busy", Limits(timeout_s=2), JobState.TIMEOUT, "stopped at its limit of"),
        (
            "hog",
            Limits(memory_bytes=600 * MIB),
            JobState.MEMORY,
            "over its limit of 600.0 MB",
        ),
        ("segfault", Limits(), JobState.LOST, "its process died (SIGSEGV)"),
    ],
)
def test_a_bad_fit_costs_its_ticket_only(behavior, limits, state, text):
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
        bad = executor.submit(plan(1, behavior=behavior), limits=limits)
        good = executor.submit(plan(2), limits=limits)
        ended = {}
        while len(ended) < 2:
            ended |= {outcome.ticket: outcome for outcome in executor.wait(20)}
    assert ended[bad].state is state
    assert text in ended[bad].error.message
    assert ended[bad].error.label == "fit model 1"
    assert ended[good].state is JobState.DONE


def ended(executor, *tickets):
    """Return the outcomes of tickets."""
    found = {}
    while not found.keys() >= set(tickets):
        found |= {outcome.ticket: outcome for outcome in executor.wait(20)}
    return [found[ticket] for ticket in tickets]


def test_a_fit_that_hears_no_signal_is_stopped_at_its_limit():
    with Executor(backends.get("processes").new(), None, resources=RESOURCES) as executor:
        [warm] = ended(executor, executor.submit(plan(2)))
        [outcome] = ended(executor, executor.submit(plan(1, behavior="deaf"), limits=Limits(timeout_s=1.0)))
    assert (warm.state, outcome.state) == (JobState.DONE, JobState.TIMEOUT)


def test_a_worker_that_was_killed_once_costs_nothing(tmp_path):
    seen = []
    bus = EventBus()
    bus.listen(lambda event: seen.append(event.kind))
    path = str(tmp_path / "fits")
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, events=bus) as executor:
        [outcome] = ended(executor, executor.submit(plan(1, behavior="killed_once", path=path)))
    assert outcome.state is JobState.DONE, outcome.error
    assert seen.count("worker_lost") == 1


def test_all_workers_killed_while_they_wait_cost_nothing():
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
        ended(executor, executor.submit(plan(1)))
        for pid in executor.backend.worker_pids():
            os.kill(pid, signal.SIGKILL)
        outcomes = ended(executor, *[executor.submit(plan(tag)) for tag in range(2, 6)])
    assert {outcome.state for outcome in outcomes} == {JobState.DONE}


def test_executors_of_several_threads_share_one_server():
    states = []

    def body(tag):
        with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
            states.extend(outcome.state for outcome in ended(executor, executor.submit(plan(tag))))

    threads = [threading.Thread(target=body, args=(tag,)) for tag in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert states == [JobState.DONE] * 4


def test_ctrl_c_does_not_end_a_server_that_just_starts(tmp_path):
    code = (
        "import os, signal\n"
        "from mileage.engine.forkserver import ForkServer\n"
        "server = ForkServer()\n"
        "server.warm()\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.killpg(0, signal.SIGINT)\n"
        "connection = server.launch()\n"
        "print(connection.recv()[0])\n"
        "server.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENV, start_new_session=True, check=False
    )
    assert (done.stdout, done.stderr) == ("ready\n", "")


SCRIPT = """
    import sys, time
    sys.path.insert(0, {here!r})
    from world import RESOURCES, plan, scored_port
    from mileage.engine import Executor, Limits, backends
    from mileage.operators.base import Operator
    print("main runs", flush=True)

    class Mine:
        def fit(self, X, y): self.sum_ = float(X.sum()); return self
        def predict(self, X): return X[:, 0] * self.sum_

    class MineOperator(Operator):
        "A model of this script."
        name = "center"
        def build(self, params, context):
            from world import Center
            return Center(**dict(params))

    from dataclasses import replace
    resources = replace(RESOURCES, operators={{"center": MineOperator()}})
    executor = Executor(backends.get("processes").new(), None, resources=resources, n_workers=2)
    made = plan(1, **{params!r})
    executor.submit(made)
    try:
        while not (ended := executor.wait(0.05)):
            print("workers", *executor.backend.worker_pids(), flush=True)
        print("state", ended[0].state, ended[0].error, ended[0].values[scored_port(made)], flush=True)
    except KeyboardInterrupt:
        started = time.monotonic()
        executor.close()
        print("closed in", time.monotonic() - started, flush=True)
        sys.exit(0)
    executor.close()
"""


def script(**params):
    return textwrap.dedent(SCRIPT).format(here=str(HERE), params=params)


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_a_script_without_a_main_guard_runs_once(tmp_path, how):
    text = script()
    (tmp_path / "script.py").write_text(text)
    command = [sys.executable, "-"] if how == "stdin" else [sys.executable, "script.py"]
    given = {"input": text} if how == "stdin" else {}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=ENV,
        **given,
    )
    assert done.stdout.count("main runs") == 1, done.stderr
    assert "state done" in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""


@pytest.fixture
def busy(tmp_path):
    """A driver whose workers are both busy for long, and their process ids."""
    process = subprocess.Popen(
        [sys.executable, "-c", script(behavior="busy")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=ENV,
    )
    pids: list[int] = []
    while len(pids) < 2:
        words = process.stdout.readline().split()
        pids = [int(word) for word in words[1:]] if words[:1] == ["workers"] else []
    family = psutil.Process(process.pid).children(recursive=True)
    time.sleep(0.5)
    yield process, family
    process.kill()
    process.wait()
    process.stdout.close()


def test_no_orphan_is_left_when_the_driver_is_killed(busy):
    process, family = busy
    assert len(family) == 3  # the fork server and two workers
    os.kill(process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_no_orphan_is_left_when_driver_and_server_are_killed(busy):
    process, family = busy
    server = next(p for p in family if p.ppid() == process.pid)
    os.kill(server.pid, signal.SIGKILL)
    os.kill(process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_closes_soon_though_fits_would_run_for_ever(busy):
    process, family = busy
    os.killpg(process.pid, signal.SIGINT)
    rest = process.communicate(timeout=10)[0]
    line = next(line for line in rest.splitlines() if line.startswith("closed in"))
    assert float(line.split()[-1]) < 5.0
    assert process.returncode == 0
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]
