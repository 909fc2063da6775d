"""Jobs in the thread of the caller: for debugging, tiny data, and platforms without processes."""

from __future__ import annotations

import time
from collections import deque

from mileage.engine.backend import Backend, Job, JobResult, JobState, WorkerSetup
from mileage.engine.segment import Runner
from mileage.engine.tasks import TaskError


class InlineBackend(Backend):
    """Runs one job in each :meth:`poll`, in the calling thread."""

    name = "inline"
    by_reference = True
    notice = "the inline backend looks at time limits only between tasks, and at memory limits not at all"

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._queue: deque[Job] = deque()
        self._results: list[JobResult] = []

    def start(self, n_workers: int, setup: WorkerSetup) -> None:
        """Take the setup; there is one worker, whatever is asked for."""
        del n_workers
        self._runner = Runner(setup, by_reference=True)

    def submit(self, job: Job) -> None:
        """Queue a job for the next poll."""
        self._queue.append(job)

    def poll(self, timeout_s: float) -> list[JobResult]:
        """Run one job, whatever ``timeout_s`` says."""
        del timeout_s
        if self._queue and self._runner is not None:
            job = self._queue.popleft()
            limit = job.limits.timeout_s
            deadline = None if limit is None else time.monotonic() + limit
            self._results.append(self._runner.run(job, deadline_s=deadline))
        results, self._results = self._results, []
        return results

    def cancel(self, job_id: int) -> None:
        """Take a job out of the queue."""
        for job in [job for job in self._queue if job.id == job_id]:
            self._queue.remove(job)
            error = TaskError("", "cancelled", "cancelled")
            self._results.append(JobResult(job_id, JobState.CANCELLED, error=error))

    def idle_workers(self) -> int:
        """Return 1 while the queue is empty."""
        return int(not self._queue and self._runner is not None)

    def close(self) -> None:
        """Drop the queue."""
        self._queue.clear()
        self._runner = None


inline = InlineBackend()
