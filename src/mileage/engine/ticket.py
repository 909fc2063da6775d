"""A ticket: what one plan still waits for, may still spend, and has spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mileage.core.fingerprint import Fingerprint
from mileage.engine.backend import JobResult, JobState
from mileage.engine.limits import Limits
from mileage.engine.outcome import Outcome, Values
from mileage.engine.tasks import TaskError
from mileage.engine.units import Unit
from mileage.workflow.task import Port


@dataclass
class Ticket:
    """The account of one plan on the executor."""

    id: int
    label: str
    limits: Limits
    ports: dict[Port, bool]  # wanted or kept; True: kept
    missing: set[Port]
    wanted: frozenset[Port] = frozenset()
    units: set[Unit] = field(default_factory=set)
    seconds: dict[Fingerprint, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    n_loaded: int = 0
    n_shared: int = 0
    compute_s: float = 0.0
    peak_bytes: int = 0

    def left(self) -> Limits:
        """Return the limits for what is still to come."""
        limit = self.limits.timeout_s
        return Limits(
            None if limit is None else max(0.0, limit - self.compute_s),
            self.limits.memory_bytes,
            self.limits.threads,
        )

    def is_spent(self) -> bool:
        """Say whether it has used more time than it may."""
        return not self.limits.allows(seconds=self.compute_s)

    def out_of_time(self) -> TaskError:
        """Return the error of a ticket that is spent."""
        return TaskError("", f"stopped at its limit of {self.limits.timeout_s:.3g} s", "timeout", self.label)

    def outcome(
        self, state: JobState, values: Values | dict[Port, object], kept: frozenset[str], error: TaskError | None
    ) -> Outcome:
        """Return how it ended."""
        return Outcome(
            self.id,
            self.label,
            state,
            values,
            self.seconds,
            self.sizes,
            tuple(self.warnings),
            kept,
            error,
            len(self.seconds),
            self.n_loaded,
            self.n_shared,
            self.compute_s,
            self.peak_bytes,
        )


def charge(tickets: list[Ticket], result: JobResult) -> None:
    """Book a result: every ticket that needed it used the time; the first one gets the record."""
    for ticket in tickets:
        ticket.compute_s += result.wall_s
        ticket.peak_bytes = max(ticket.peak_bytes, result.peak_bytes)
        ticket.warnings |= dict.fromkeys(result.warnings)
    if tickets:
        tickets[0].seconds |= result.seconds
        tickets[0].sizes |= result.sizes


def loosest(tickets: Iterable[Ticket]) -> Limits:
    """Return what a unit that several tickets need may use: as much as one of them allows."""
    left = [ticket.left() for ticket in tickets]
    times = [limits.timeout_s for limits in left]
    sizes = [limits.memory_bytes for limits in left]
    return Limits(
        None if None in times else max(t for t in times if t is not None),
        None if None in sizes else max(s for s in sizes if s is not None),
        max(limits.threads for limits in left),
    )


def allows_more(ticket: Ticket, used: Limits, state: JobState) -> bool:
    """Say whether a ticket allows more of what ran out than was given."""
    limits = ticket.left()
    mine, theirs = (
        (limits.timeout_s, used.timeout_s) if state is JobState.TIMEOUT else (limits.memory_bytes, used.memory_bytes)
    )
    return theirs is not None and (mine is None or mine > theirs)
