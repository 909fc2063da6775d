"""The contract of a backend: where jobs run. Next: :mod:`mileage.engine.backends`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from mileage.core.fingerprint import Fingerprint
from mileage.engine.limits import Limits
from mileage.engine.scratch import Store
from mileage.engine.tasks import Resources, TaskError
from mileage.workflow.task import Port, Task


class Place(StrEnum):
    """Where the value of a port is."""

    OBJECT = "object"  # this process, as it is
    PACKED = "packed"  # this process, pickled: small enough to travel with a job
    SCRATCH = "scratch"
    STORE = "store"
    FREED = "freed"  # it was there, and nobody was to read it any more


@dataclass(frozen=True, slots=True)
class Located:
    """The value of a port, or where to read it; ``size`` in bytes."""

    key: str
    place: Place
    value: Any = None
    size: int = 0


class Keeper(Protocol):
    """Decides, once a value is there, whether keeping it is worth its bytes."""

    def wants(self, task: Fingerprint, key: str, *, seconds: float, size_bytes: int) -> bool:
        """Say whether to keep an output of a task that took so long."""


class Claim(Protocol):
    """What a store gives to who means to compute a task; ``waited`` says that another process has just done so."""

    @property
    def waited(self) -> bool:
        """Whether the results may be there by now."""

    def release(self) -> None:
        """Let others look for the results."""


class JobState(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Job:
    """One segment: tasks to run in order on one worker.

    ``inputs`` says where values from outside are; ``publish`` which ports leave the worker, and whether they are kept.
    Of these ``read_later`` are read once the job is over, all of them unless said; the others are freed after their last reader.
    """

    id: int
    tasks: tuple[Task, ...]
    inputs: tuple[Located, ...] = ()
    publish: tuple[tuple[Port, bool], ...] = ()
    limits: Limits = field(default_factory=Limits)
    read_later: frozenset[Port] | None = None


@dataclass(slots=True)
class JobResult:
    """What came of a job.

    A task that failed takes with it only the tasks that need it: ``errors`` names them all with the root's error,
    ``published`` has the ports that came about nevertheless. ``seconds`` is by task, ``sizes`` by port key.
    A result that is not ``final`` brings ports that are there before the job has ended, and nothing else.
    """

    job: int
    state: JobState = JobState.DONE
    final: bool = True
    seconds: dict[Fingerprint, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: TaskError | None = None
    errors: dict[Fingerprint, TaskError] = field(default_factory=dict)
    published: dict[Port, Located] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    peak_bytes: int = 0
    wall_s: float = 0.0
    cached: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkerSetup:
    """What every worker needs: stores, session-local resources and the budget of its cache.

    Without a ``keeper`` all is kept that the plan says may be kept.
    """

    store: Store | None = None
    scratch: Store | None = None
    resources: Resources = field(default_factory=Resources)
    cache_bytes: int = 256 * 2**20
    sys_path: tuple[str, ...] = ()
    keeper: Keeper | None = None


class Backend(ABC):
    """A place where jobs run; one instance serves one run, from one thread.

    Laws (checked by :func:`mileage.testing.backends.check_backend`): the same job gives the same values on every
    backend; each submitted job gives exactly one final result; a failing job spoils no other; limits hold while
    :meth:`poll` is called, unless ``notice`` says otherwise; ``start`` returns at once; after ``close`` no worker
    is left.

    Attributes
    ----------
    name : str
        Name in the registry and in settings.
    notice : str
        What this backend cannot do here, for the user; empty if nothing.
    by_reference : bool
        Whether jobs run in the driver's process, so that values need not be written to travel.
    """

    name: ClassVar[str]
    by_reference: ClassVar[bool] = False
    notice: str = ""

    def new(self) -> Self:
        """Return another backend of this kind, not yet started: registered ones are only patterns."""
        return type(self)()

    @abstractmethod
    def start(self, n_workers: int, setup: WorkerSetup) -> None:
        """Begin to start workers, without waiting for them."""

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Hand a job to an idle worker, best to one whose cache holds its inputs; there must be one."""

    @abstractmethod
    def poll(self, timeout_s: float) -> list[JobResult]:
        """Wait for results; may return none, and early, when a worker has become idle."""

    @abstractmethod
    def cancel(self, job_id: int) -> None:
        """Stop a job; its result, ``cancelled`` unless it was faster, comes with a later :meth:`poll`."""

    @abstractmethod
    def idle_workers(self) -> int:
        """Return how many jobs can be submitted now."""

    @abstractmethod
    def close(self) -> None:
        """Stop all workers at once; calling it twice is fine."""

    def worker_pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers, where workers are processes."""
        return ()
