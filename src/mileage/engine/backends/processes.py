"""Jobs in worker processes of this machine: a runaway fit is killed at its limit, a crash costs one job."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from mileage.engine.backend import Backend, Job, JobResult, JobState, WorkerSetup
from mileage.engine.forkserver import command, environment, server, without_interrupts
from mileage.engine.limits import Limits, MemoryMeter, memory_notice
from mileage.engine.tasks import TaskError
from mileage.errors import EngineError

_MEMORY_TICK_S = 0.02
_CLOSE_S = 0.8
_BAD_STARTS = 3
CAN_FORK = sys.platform == "linux"  # elsewhere system libraries do not survive a fork (macOS), or there is none


@dataclass(eq=False)
class _Worker:
    """A worker as the driver sees it; ``pid`` is 0 until it has said that it is ready."""

    connection: Any
    process: subprocess.Popen[bytes] | None = None
    pid: int = 0
    job: Job | None = None
    index: int = 0
    started_s: float | None = None
    peak_bytes: int = 0
    meter: MemoryMeter | None = None
    cached: set[str] = field(default_factory=set)

    def overlap(self, job: Job) -> int:
        """Bytes of the job's inputs that the worker's cache holds."""
        return sum(max(1, located.size) for located in job.inputs if located.key in self.cached)


def warm() -> None:
    """Start the fork server ahead of the first run, so that its imports are done when workers are asked for."""
    if CAN_FORK:
        server.warm()


class ProcessBackend(Backend):
    """A pool of processes with one pipe each; killed workers are replaced.

    Parameters
    ----------
    method : {"fork", "spawn"}, optional
        ``fork`` (Linux) takes workers from a server process that has everything imported; ``spawn`` starts each from
        scratch.
    """

    name = "processes"

    def __init__(self, method: str | None = None) -> None:
        self.method = method or ("fork" if CAN_FORK else "spawn")
        self.notice = memory_notice()
        self._workers: list[_Worker] = []
        self._setup = b""
        self._results: list[JobResult] = []
        self._bad_starts = 0

    def start(self, n_workers: int, setup: WorkerSetup) -> None:
        """Ask for workers; they report when they are ready."""
        self._setup = _packed(setup)
        self._workers = [self._launch() for _ in range(n_workers)]

    def _launch(self) -> _Worker:
        return _Worker(server.launch()) if self.method == "fork" else _spawn()

    def submit(self, job: Job) -> None:
        """Send a job to the idle worker that holds most of its inputs."""
        idle = [worker for worker in self._workers if worker.pid and worker.job is None]
        worker = max(idle, key=lambda worker: worker.overlap(job))
        worker.job, worker.index, worker.started_s, worker.peak_bytes = job, 0, None, 0
        with contextlib.suppress(OSError):  # a dead worker shows at the next poll
            worker.connection.send(job)

    def poll(self, timeout_s: float) -> list[JobResult]:
        """Wait until a job has ended, a worker has become idle, or the time is over; enforces the limits."""
        deadline = time.monotonic() + timeout_s
        idle = self.idle_workers()
        while not self._results and self._workers:
            pause = max(0.0, min(deadline - time.monotonic(), self._pause()))
            by_connection = {worker.connection: worker for worker in self._workers}
            for connection in wait(list(by_connection), pause):
                self._hear(by_connection[connection])
            for worker in list(self._workers):
                self._check(worker)
            if time.monotonic() >= deadline or self.idle_workers() > idle:
                break
        results, self._results = self._results, []
        return results

    def _pause(self) -> float:
        """Seconds until a limit has to be looked at."""
        pause, now = 3600.0, time.monotonic()
        for worker in self._workers:
            if worker.job is not None and worker.started_s is not None:
                limits = worker.job.limits
                if limits.memory_bytes is not None and not self.notice:
                    pause = min(pause, _MEMORY_TICK_S)
                if limits.timeout_s is not None:
                    pause = min(pause, worker.started_s + limits.timeout_s - now)
        return pause

    def _hear(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker)
            return
        match message:
            case ("ready", pid):
                self._greet(worker, pid)
            case ("task", job_id, index, published):
                worker.index = index
                if published:
                    self._results.append(JobResult(job_id, final=False, published=published))
                worker.started_s = worker.started_s or time.monotonic()
            case ("done", result):
                worker.job, worker.started_s = None, None
                worker.cached = (worker.cached - set(result.evicted)) | set(result.cached)
                self._results.append(result)

    def _greet(self, worker: _Worker, pid: int) -> None:
        self._bad_starts = 0
        worker.pid, worker.meter = pid, MemoryMeter(pid)
        with contextlib.suppress(OSError):
            worker.connection.send_bytes(self._setup)

    def _check(self, worker: _Worker) -> None:
        """Stop a worker that is beyond its limits."""
        job = worker.job
        if job is None or worker.started_s is None:
            return
        limits = job.limits
        if limits.timeout_s is not None and time.monotonic() - worker.started_s >= limits.timeout_s:
            self._stop(
                worker,
                JobState.TIMEOUT,
                f"stopped at its limit of {limits.timeout_s:.3g} s",
            )
        elif limits.memory_bytes is not None and worker.meter is not None:
            worker.peak_bytes = max(worker.peak_bytes, worker.meter.bytes())
            if worker.peak_bytes > limits.memory_bytes:
                self._stop(worker, JobState.MEMORY, _memory_text(limits, worker.peak_bytes))

    def _stop(self, worker: _Worker, state: JobState, why: str) -> None:
        """Kill a worker, report its job and put another in its place."""
        _kill(worker)
        self._report(worker, state, why)
        self._replace(worker)

    def _lose(self, worker: _Worker) -> None:
        """A worker has ended by itself."""
        code = self._exit_code(worker)
        if not worker.pid:
            self._bad_starts += 1
            if self._bad_starts >= _BAD_STARTS:
                tail = server.log_tail() if self.method == "fork" else ""
                message = f"worker processes do not start{': ' + tail if tail else ''}"
                raise EngineError(message, code="X605", hint="use the inline backend, and report this")
        if worker.job is not None:
            trace = server.log_tail() if self.method == "fork" else ""
            self._report(worker, JobState.LOST, f"its process died ({_exit_text(code)})", trace)
        self._replace(worker)

    def _report(self, worker: _Worker, state: JobState, why: str, trace: str = "") -> None:
        job = worker.job
        assert job is not None
        task = job.tasks[min(worker.index, len(job.tasks) - 1)]
        label = task.label or f"{task.kind} {task.operator}".strip()
        error = TaskError("", why, str(state), label, task.fingerprint, trace=trace)
        wall_s = time.monotonic() - worker.started_s if worker.started_s is not None else 0.0
        self._results.append(JobResult(job.id, state, error=error, peak_bytes=worker.peak_bytes, wall_s=wall_s))

    def _replace(self, worker: _Worker) -> None:
        worker.connection.close()
        self._workers[self._workers.index(worker)] = self._launch()

    def _exit_code(self, worker: _Worker) -> int | None:
        if worker.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return worker.process.wait(0.2)
            return None
        return server.exit_code(worker.pid, 0.2) if worker.pid else None

    def cancel(self, job_id: int) -> None:
        """Kill the worker that runs the job."""
        for worker in list(self._workers):
            if worker.job is not None and worker.job.id == job_id:
                self._stop(worker, JobState.CANCELLED, "cancelled")

    def idle_workers(self) -> int:
        """Return how many workers are ready and without a job."""
        return sum(bool(worker.pid) and worker.job is None for worker in self._workers)

    def close(self) -> None:
        """Kill all workers and wait until they are gone; the fork server stays for the next run."""
        workers, self._workers = self._workers, []
        for worker in workers:
            _kill(worker)
        deadline = time.monotonic() + _CLOSE_S
        for worker in workers:
            remaining = max(0.0, deadline - time.monotonic())
            if worker.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.process.wait(remaining)
            elif worker.pid:
                server.exit_code(worker.pid, remaining)
            worker.connection.close()

    def worker_pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers that are ready."""
        return tuple(worker.pid for worker in self._workers if worker.pid)


def _packed(setup: WorkerSetup) -> bytes:
    import cloudpickle

    light = WorkerSetup(setup.store, setup.scratch, setup.resources.to_travel(), setup.cache_bytes)
    paths = [path or os.getcwd() for path in sys.path]  # noqa: PTH109
    return pickle.dumps((paths, cloudpickle.dumps(light, protocol=5)), protocol=5)


def _spawn() -> _Worker:
    if sys.platform == "win32":
        message = "worker processes are not supported on Windows yet"
        raise EngineError(message, code="X606", hint="use the inline backend")
    ours, theirs = socket.socketpair()
    with theirs, without_interrupts():
        process = subprocess.Popen(
            command("mileage.engine.worker", "spawned", theirs.fileno()),
            pass_fds=[theirs.fileno()],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return _Worker(Connection(ours.detach()), process)


def _kill(worker: _Worker) -> None:
    if worker.process is not None:
        worker.process.kill()
    elif worker.pid:
        with contextlib.suppress(OSError):
            os.kill(worker.pid, signal.SIGKILL)


def _memory_text(limits: Limits, used: int) -> str:
    from mileage.core.units import format_bytes

    assert limits.memory_bytes is not None
    return f"stopped at {format_bytes(used)}, over its limit of {format_bytes(limits.memory_bytes)}"


def _exit_text(code: int | None) -> str:
    if code is None:
        return "cause unknown"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"{name}, perhaps the system ran out of memory" if name == "SIGKILL" else name
    return f"signal {-code}"


processes = ProcessBackend()
