"""The engine: runs physical plans on a backend, each task at most once, within limits.

What to compute, load and keep is decided by the optimizer; the engine obeys. Next: :mod:`mileage.engine.executor` for
how plans become jobs, :mod:`mileage.engine.backends` for where jobs run.
"""

from mileage.engine.backend import (
    Backend,
    Job,
    JobResult,
    JobState,
    Located,
    Place,
    WorkerSetup,
)
from mileage.engine.backends import backends
from mileage.engine.executor import Executor
from mileage.engine.here import run_here
from mileage.engine.limits import Limits
from mileage.engine.outcome import Outcome
from mileage.engine.scratch import Scratch, Store
from mileage.engine.segment import NOT_KEPT
from mileage.engine.tasks import Resources, TaskError, run_task
from mileage.engine.together import Manner

__all__ = [
    "NOT_KEPT",
    "Backend",
    "Executor",
    "Job",
    "JobResult",
    "JobState",
    "Limits",
    "Located",
    "Manner",
    "Outcome",
    "Place",
    "Resources",
    "Scratch",
    "Store",
    "TaskError",
    "WorkerSetup",
    "backends",
    "run_here",
    "run_task",
]
