"""Running one job: the same code in the driver and in a worker process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from threading import Lock
from typing import Any

from mileage.engine.backend import Claim, Job, JobResult, JobState, Located, Place, WorkerSetup
from mileage.engine.limits import PeakMeter
from mileage.engine.scratch import MemoryCache, Store
from mileage.engine.tasks import TaskError, quiet, run_task
from mileage.engine.together import run_together
from mileage.engine.values import freeze, pack, size_of, unpack
from mileage.errors import InternalError
from mileage.workflow.task import Port, Task, TaskKind

NOT_KEPT = "not kept: "
_thread_s = getattr(time, "thread_time", time.perf_counter)  # of this thread alone, where the system can tell
Progress = Callable[[int, dict[Port, Located]], None]


def read(located: Located, *, store: Store | None, scratch: Store | None) -> Any:
    """Return the value of a port from where it is."""
    if located.place is Place.OBJECT:
        return located.value
    if located.place is Place.PACKED:
        return unpack(located.value)
    source = store if located.place is Place.STORE else scratch
    if source is None:
        message = f"no {located.place} to read {located.key} from"
        raise InternalError(message)
    return source.get(located.key)


class Runner:
    """Runs jobs one after another, with a cache of values that outlives a job.

    ``by_reference`` is for the driver's own process: published values stay objects and are not written anywhere.
    """

    def __init__(self, setup: WorkerSetup, *, by_reference: bool) -> None:
        self.setup = setup
        self.by_reference = by_reference
        self.cache = MemoryCache(0 if by_reference else setup.cache_bytes)
        self._meter = PeakMeter()

    def run(
        self,
        job: Job,
        *,
        progress: Progress | None = None,
        deadline_s: float | None = None,
    ) -> JobResult:
        """Return the result of a job; a failure is a result too.

        Parameters
        ----------
        job : Job
            The segment to run.
        progress : callable, optional
            Told, before each task, its index and the ports published since the last time.
        deadline_s : float, optional
            Monotonic clock; looked at between tasks.
        """
        started = time.perf_counter()
        self._meter.reset()
        once = _Once(self, job)
        resources = self.setup.resources
        together = resources.n_threads > 1 and resources.manner is not None and deadline_s is None
        if together and resources.manner is not None:
            run_together(job.tasks, once, resources.manner, resources.n_threads)
        for index, task in enumerate(() if together else job.tasks):
            if deadline_s is not None and time.monotonic() > deadline_s:
                once.stop(task)
                break
            if index and progress is not None:
                progress(index, once.out.published)
                once.out.published = {}
            once.step(task)
        result = once.result()
        result.wall_s = time.perf_counter() - started
        result.peak_bytes = self._meter.bytes()
        return result

    def publish(
        self, port: Port, value: Any, *, keep: bool, said: dict[str, None], size: int | None = None
    ) -> tuple[Located, bool, list[str]]:
        """Put a value where others can read it; return where, whether it is kept, and what left the cache."""
        kept = keep and self._keep(port.key, value, said)
        size = size_of(value) if size is None else size
        if self.by_reference:
            return Located(port.key, Place.OBJECT, value, size), kept, []
        packed = pack(value, size=size)
        if packed is not None:
            return Located(port.key, Place.PACKED, packed, len(packed)), kept, []
        if kept:
            located = Located(port.key, Place.STORE, None, size)
        else:
            assert self.setup.scratch is not None
            located = Located(port.key, Place.SCRATCH, None, self.setup.scratch.put(port.key, value))
        return located, kept, self.cache.put(port.key, value, located.size)

    def _keep(self, key: str, value: Any, said: dict[str, None]) -> bool:
        """Write to the store; a full disk must not fail a task whose result is good."""
        store = self.setup.store
        if store is None:
            return False
        try:
            if not store.has(key):
                store.put(key, value)
        except Exception as error:  # noqa: BLE001
            said.setdefault(f"{NOT_KEPT}{getattr(error, 'message', error)}")
            return False
        return True


class _Once:
    """The state of one run of one job."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self.runner, self.job = runner, job
        self.resources = replace(runner.setup.resources, fit_threads=job.limits.threads)
        self.located = {located.key: located for located in job.inputs}
        self.keep = dict(job.publish)
        self.values: dict[Port, Any] = {}
        self.uses = Counter(port for task in job.tasks for port in task.inputs)
        self.said: dict[str, None] = {}
        self.out = JobResult(job.id)
        self.kept: set[str] = set()
        self.cached: list[str] = []
        self.evicted: list[str] = []
        self.taking_out = Lock()
        self.is_left = False

    def step(self, task: Task) -> None:
        inputs = self.begin(task)
        if inputs is not None:
            self.work(task, inputs)
            del inputs
            self.end(task)

    def begin(self, task: Task) -> list[Any] | None:
        """Return the inputs of a task; None if it cannot run, for one of them did not come."""
        root = next(
            (self.out.errors[p.task] for p in task.inputs if p.task in self.out.errors),
            None,
        )
        if root is not None:
            self.out.errors[task.fingerprint] = root
            return None
        inputs: list[Any] = []
        try:
            for port in task.inputs:
                inputs.append(self._value(port))  # noqa: PERF401
        except Exception as error:  # noqa: BLE001
            self._fail(task, TaskError.of(error, task, inputs, kind="load"))
            self.end(task)
            return None
        return inputs

    def work(self, task: Task, inputs: list[Any], *, shared: bool = False) -> None:
        """Run a task and take its outputs out; an error is one of the job's."""
        try:
            self._run(task, inputs, _thread_s if shared else time.perf_counter)
        except Exception as error:  # noqa: BLE001
            self._fail(task, TaskError.of(error, task, inputs))

    def _run(self, task: Task, inputs: list[Any], clock: Callable[[], float]) -> None:
        claim = self._claim(task)
        try:
            outputs = self._made_elsewhere(task) if claim is not None else None
            if outputs is None:
                if claim is not None and claim.waited:  # it was not worth keeping there: nobody waits for it again
                    claim.release()
                started = clock()
                with self._around(task):
                    outputs = run_task(task, inputs, resources=self.resources)
                self.out.seconds[task.fingerprint] = clock() - started
            with self.taking_out:
                if not self.is_left:
                    self._take_out(task, outputs)
        finally:
            if claim is not None:
                claim.release()

    def _around(self, task: Task) -> AbstractContextManager[None]:
        """Return what a task runs in: a step of the user's own runs as it would in a script, threads, warnings and all."""
        return nullcontext() if task.kind is TaskKind.CALL else quiet(self.said)

    def _claim(self, task: Task) -> Claim | None:
        """Claim a task whose results may be kept, so that no other process computes it meanwhile."""
        setup = self.runner.setup
        if setup.keeper is None or not any(self.keep.get(task.port(name)) for name in task.outputs):
            return None
        made: Claim | None = getattr(setup.store, "claim", lambda _task: None)(str(task.fingerprint))
        return made

    def _made_elsewhere(self, task: Task) -> dict[str, Any] | None:
        """Return the outputs that another process has kept since the plan was made."""
        store, keys = self.runner.setup.store, {name: task.port(name).key for name in task.outputs}
        if store is None or not all(store.has(key) for key in keys.values()):
            return None
        try:
            return {name: store.get(key) for name, key in keys.items()}
        except KeyError:
            return None

    def _take_out(self, task: Task, outputs: Mapping[str, Any]) -> None:
        for name, value in outputs.items():
            port, frozen = task.port(name), freeze(value)
            self.values[port] = frozen
            self.out.sizes[port.key] = size_of(frozen)
            if port in self.keep:
                self._publish(port, frozen)

    def _publish(self, port: Port, value: Any) -> None:
        keep, keeper, size = self.keep[port], self.runner.setup.keeper, self.out.sizes[port.key]
        if keep and keeper is not None and port.task in self.out.seconds:
            keep = keeper.wants(port.task, port.key, seconds=self.out.seconds[port.task], size_bytes=size)
        located, kept, evicted = self.runner.publish(port, value, keep=keep, said=self.said, size=size)
        read_later = self.job.read_later is None or port in self.job.read_later
        self.out.published[port] = located if read_later else Located(port.key, Place.FREED, None, located.size)
        self.out.sizes[port.key] = max(located.size, self.out.sizes[port.key])
        if kept:
            self.kept.add(port.key)
        if located.place in {Place.SCRATCH, Place.STORE}:
            self.cached.append(port.key)
        self.evicted += evicted

    def _value(self, port: Port) -> Any:
        if port in self.values:
            return self.values[port]
        cache, key = self.runner.cache, port.key
        if key in cache:
            value = cache.get(key)
        else:
            located = self.located[key]
            value = freeze(
                read(
                    located,
                    store=self.runner.setup.store,
                    scratch=self.runner.setup.scratch,
                )
            )
            if located.place in {Place.SCRATCH, Place.STORE}:
                self.evicted += cache.put(key, value, located.size or size_of(value))
                self.cached.append(key)
        self.values[port] = value
        return value

    def end(self, task: Task) -> None:
        """Drop values that no later task of the job reads."""
        for port in task.inputs:
            self.uses[port] -= 1
            if self.uses[port] <= 0:
                self.values.pop(port, None)
        for name in task.outputs:
            if not self.uses[task.port(name)]:
                self.values.pop(task.port(name), None)

    def _fail(self, task: Task, error: TaskError) -> None:
        self.out.errors[task.fingerprint] = error
        self.out.error = self.out.error or error
        self.out.state = JobState.FAILED

    def leave(self) -> None:
        """Take nothing out any more of what still runs."""
        with self.taking_out:
            self.is_left = True

    def stop(self, task: Task) -> None:
        """Record that the time is over before this task."""
        limit = self.job.limits.timeout_s
        error = TaskError(
            "",
            f"stopped at its limit of {limit:.3g} s",
            "timeout",
            task.label,
            task.fingerprint,
        )
        self.out.error, self.out.state = error, JobState.TIMEOUT

    def result(self) -> JobResult:
        """Return the record of the job; its error is that of its first task that failed."""
        gone = set(self.evicted)
        if self.out.state is JobState.FAILED:
            self.out.error = next(
                self.out.errors[t.fingerprint] for t in self.job.tasks if t.fingerprint in self.out.errors
            )
        return replace(
            self.out,
            warnings=tuple(self.said),
            kept=frozenset(self.kept),
            cached=tuple(key for key in self.cached if key not in gone),
            evicted=tuple(gone),
        )
