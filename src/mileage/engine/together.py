"""Tasks of one job at the same time, in threads of this process: those that say so, in an order that a single thread keeps.

A task that does not say so runs alone, in the thread of the caller, as it would in a script. No task begins before one that
is ready and comes earlier in the plan, so that values live about as long as they do one after another.
"""

from __future__ import annotations

import contextvars
import heapq
import sys
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from queue import SimpleQueue
from typing import Any, Protocol

from mileage.core.fingerprint import Fingerprint
from mileage.workflow.task import Task


class Manner(StrEnum):
    """How a task may run: beside others in a thread, at once in the caller's thread, or with no other running."""

    BESIDE = "beside"
    AT_ONCE = "at once"
    ALONE = "alone"


class Steps(Protocol):
    """What is done for one task; only ``work`` is called in another thread."""

    def begin(self, task: Task) -> list[Any] | None:
        """Return the inputs; None if it cannot run."""

    def work(self, task: Task, inputs: list[Any], *, shared: bool) -> None:
        """Run it; ``shared`` if others run meanwhile."""

    def end(self, task: Task) -> None:
        """Let go of what no later task reads."""

    def leave(self) -> None:
        """What still runs is wanted no more."""


def run_together(
    tasks: Iterable[Task], steps: Steps, manner: Callable[[Task, list[Any]], Manner], n_threads: int
) -> None:
    """Run tasks of one job, at most ``n_threads`` at once.

    Parameters
    ----------
    tasks : iterable of Task
        In an order that can run.
    steps : Steps
        Does the work; ends each task in the calling thread.
    manner : callable
        Says how a task may run, given its inputs.
    n_threads : int
        At least 2.
    """
    run = _Together(list(tasks), steps, manner, n_threads)
    try:
        while run.ready or run.running:
            run.advance()
    except BaseException:
        steps.leave()
        raise


class _Together:
    def __init__(
        self, tasks: list[Task], steps: Steps, manner: Callable[[Task, list[Any]], Manner], n_threads: int
    ) -> None:
        self.tasks, self.steps, self.manner, self.n_threads = tasks, steps, manner, n_threads
        self.place = {task.fingerprint: i for i, task in enumerate(tasks)}
        self.readers: dict[Fingerprint, list[int]] = {}
        self.waits = [0] * len(tasks)
        for i, task in enumerate(tasks):
            for name in {port.task for port in task.inputs} & self.place.keys():
                self.readers.setdefault(name, []).append(i)
                self.waits[i] += 1
        self.ready = [i for i, n in enumerate(self.waits) if not n]
        self.running = 0
        self.finished: SimpleQueue[tuple[Task, BaseException | None]] = SimpleQueue()

    def advance(self) -> None:
        """Begin the first task that is ready, or wait for one that runs."""
        if not self.ready or self.running == self.n_threads:
            self._wait()
            return
        task = self.tasks[self.ready[0]]
        inputs = self.steps.begin(task)
        if inputs is None:
            heapq.heappop(self.ready)
            self._free_readers(task)
            return
        manner = self.manner(task, inputs)
        if manner is Manner.ALONE and self.running:
            del inputs
            self._wait()
            return
        heapq.heappop(self.ready)
        if manner is Manner.BESIDE and (self.running or self.ready):
            self._start(task, inputs)
            return
        self.steps.work(task, inputs, shared=bool(self.running))
        del inputs
        self._end(task)

    def _start(self, task: Task, inputs: list[Any]) -> None:
        """Run a task in a thread that sees the settings of this one: a daemon, so that Ctrl-C need not wait for it."""
        context, settings = contextvars.copy_context(), _settings()

        def body() -> None:
            try:
                settings()
                context.run(self.steps.work, task, inputs, shared=True)
            except BaseException as error:  # noqa: BLE001  (raised in the thread that waits)
                self.finished.put((task, error))
                return
            self.finished.put((task, None))

        self.running += 1
        threading.Thread(target=body, name=f"mileage {task.label}", daemon=True).start()

    def _wait(self) -> None:
        task, error = self.finished.get()
        self.running -= 1
        if error is not None:
            raise error
        self._end(task)

    def _end(self, task: Task) -> None:
        self.steps.end(task)
        self._free_readers(task)

    def _free_readers(self, task: Task) -> None:
        for i in self.readers.get(task.fingerprint, ()):
            self.waits[i] -= 1
            if not self.waits[i]:
                heapq.heappush(self.ready, i)


def _settings() -> Callable[[], None]:
    """Return what gives a new thread the settings of scikit-learn of this one, which are a thread's own."""
    if "sklearn" not in sys.modules:
        return lambda: None
    from sklearn import get_config, set_config

    settings = get_config()
    return lambda: set_config(**settings)
