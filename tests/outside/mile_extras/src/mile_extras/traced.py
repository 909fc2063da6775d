"""``traced``: jobs in this process, each told in a line of a file; to see what an estimator was given, and when."""

import json
import os
import time
from collections import deque
from pathlib import Path

from mileage.engine import Backend, Job, JobResult, JobState, TaskError, WorkerSetup
from mileage.engine.segment import Runner


class Traced(Backend):
    """Run one job in each poll, and append its tasks and seconds to the file that ``MILE_TRACE`` names."""

    name = "traced"
    by_reference = True
    notice = "the traced backend looks at time limits only between tasks, and at memory limits not at all"

    def __init__(self) -> None:
        self._runner: Runner | None = None
        self._waiting: deque[Job] = deque()
        self._cancelled: list[JobResult] = []
        self._file = Path(os.environ.get("MILE_TRACE", "mile-trace.jsonl"))

    def start(self, n_workers: int, setup: WorkerSetup) -> None:
        """Take the setup; there is one worker, whatever is asked for."""
        self._runner = Runner(setup, by_reference=True)

    def submit(self, job: Job) -> None:
        """Keep the job for the next poll."""
        self._waiting.append(job)

    def poll(self, timeout_s: float) -> list[JobResult]:
        """Run a job; it takes as long as it takes."""
        results, self._cancelled = self._cancelled, []
        if self._waiting and self._runner is not None:
            job = self._waiting.popleft()
            limit = job.limits.timeout_s
            results.append(self._runner.run(job, deadline_s=None if limit is None else time.monotonic() + limit))
            self._tell(job, results[-1])
        return results

    def _tell(self, job: Job, result: JobResult) -> None:
        line = {"job": job.id, "tasks": [task.label for task in job.tasks], "state": result.state, "s": result.wall_s}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def cancel(self, job_id: int) -> None:
        """Forget a job that waits; one that runs is over before anybody can ask."""
        for job in [job for job in self._waiting if job.id == job_id]:
            self._waiting.remove(job)
            error = TaskError("", "cancelled", "cancelled")
            self._cancelled.append(JobResult(job_id, JobState.CANCELLED, error=error))

    def idle_workers(self) -> int:
        """Return 1 while no job waits."""
        return int(not self._waiting and self._runner is not None)

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._runner = None


TRACED = Traced()
