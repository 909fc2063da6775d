"""The executor: many plans at once, every task at most once, results in the order of the tickets.

It knows plans, units and a backend; what to compute, keep or load was decided before. One executor serves one run
and belongs to one thread.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Self

from mileage.core.events import EventBus
from mileage.core.fingerprint import Fingerprint
from mileage.core.interrupts import heard
from mileage.engine.backend import (
    Backend,
    Job,
    JobResult,
    JobState,
    Keeper,
    Located,
    Place,
    WorkerSetup,
)
from mileage.engine.limits import Limits
from mileage.engine.live import Live
from mileage.engine.outcome import Outcome, Values
from mileage.engine.scratch import Scratch, Store
from mileage.engine.segment import Runner, read
from mileage.engine.tasks import Resources, TaskError
from mileage.engine.ticket import Ticket, allows_more, charge, loosest
from mileage.engine.units import Table, Unit, demand
from mileage.errors import InternalError
from mileage.workflow.plan import PhysicalPlan
from mileage.workflow.task import Port

_MEMORY_BYTES = 2 * 2**30
_CACHE_BYTES = 256 * 2**20
_CACHED = 0.25  # of a worker's memory, where that is limited
_LOST_BEFORE = 3
_Entry = tuple[tuple[int, int], int, Unit]


class Executor:
    """Runs plans on a backend.

    Parameters
    ----------
    backend : Backend
        Not started; the executor starts it and closes it.
    store : Store
        Where kept artifacts are, read from and written to.
    events : EventBus, optional
        Is told ``segment_started``, ``segment_finished`` and ``worker_lost``.
    resources : Resources, optional
        Handlers of driver tasks, session-local operators.
    memory_bytes : int, optional
        For all workers together; a ticket without a memory limit of its own gets an equal share for each segment. Values that
        wait in this process take as much; more of them wait on disk.
    n_workers : int, default 1
        Workers to start.
    keeps_one_free : bool, default False
        Start one more, which only takes what is submitted ``aside``.
    scratch_bytes : int, optional
        Of values that wait on disk, in a temporary folder; half of what is free there unless given. What is beyond that, and nobody
        waits for, is computed again when it is asked for.
    keeper : Keeper, optional
        Decides what is kept of what may be kept; all of it without one.
    on_close : callable, optional
        Called when the last worker has ended, such as to give a hold on the store back.

    Examples
    --------
    ``with Executor(backends.get("processes").new(), store, n_workers=2) as executor:
    executor.submit(plan, label="w1"); [outcome] = executor.wait(60)``
    """

    def __init__(  # noqa: PLR0913  (what a run is made of)
        self,
        backend: Backend,
        store: Store | None,
        *,
        events: EventBus | None = None,
        resources: Resources | None = None,
        memory_bytes: int | None = None,
        n_workers: int = 1,
        keeps_one_free: bool = False,
        scratch_bytes: int | None = None,
        keeper: Keeper | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.backend, self.store = backend, store
        self.events = events or EventBus()
        self.resources = resources or Resources()
        self.computed: Counter[Fingerprint] = Counter()
        self._memory_share = None if memory_bytes is None else memory_bytes // max(1, n_workers)
        self.scratch = Scratch()
        setup = WorkerSetup(
            store, self.scratch, self.resources, cache_bytes=_cache_bytes(self._memory_share), keeper=keeper
        )
        self._keeps_one_free, self._n_workers = keeps_one_free and not backend.by_reference, n_workers
        backend.start(n_workers + self._keeps_one_free, setup)
        self._runner = Runner(setup, by_reference=True)
        self._writer = Runner(WorkerSetup(store, self.scratch, cache_bytes=0), by_reference=False)
        self._table = Table(store)
        self.live = Live(self._table, self.scratch, memory_bytes or _MEMORY_BYTES, scratch_bytes)
        self._tickets: dict[int, Ticket] = {}
        self._ready: list[_Entry] = []
        self._ready_aside: list[_Entry] = []
        self._ready_driver: list[_Entry] = []
        self._running: dict[int, Unit] = {}
        self._finished: list[Outcome] = []
        self._tried: set[str] = set()
        self._last_ticket = 0
        self._last_job = 0
        self._last_push = 0
        self._closed = False
        self._on_close = on_close
        self._keeper = keeper

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- tickets ------------------------------------------------------------------------------------------------

    def submit(self, plan: PhysicalPlan, *, label: str = "", limits: Limits | None = None, aside: bool = False) -> int:
        """Take a plan and return its ticket, without waiting; earlier tickets go first.

        What is submitted ``aside`` is small, and need not wait for others: it runs on the worker that is kept free. Without
        one it runs in this process, inside :meth:`wait`, and nothing can stop it then.
        """
        if self._closed:
            message = "the executor is closed"
            raise InternalError(message)
        self._last_ticket += 1
        found = demand(plan, self._table, here=aside and not self._keeps_one_free, aside=aside)
        missing = {port for port in found.ports if port not in self._table.located}
        ticket = Ticket(
            self._last_ticket, label, self._limits(limits, aside=aside), found.ports, missing, frozenset(plan.wanted)
        )
        ticket.n_loaded, ticket.n_shared = found.n_loaded, found.n_shared
        self._tickets[ticket.id] = ticket
        self._table.readers.update(ticket.ports.keys())
        if found.error is not None:
            self._fail(ticket, found.error)
            return ticket.id
        for head in found.heads:
            for number in head.tickets:
                self._tickets[number].units.add(head)
        self._join(ticket, [*found.units, *found.shared])
        for unit in (*found.units, *found.heads):
            self._push(unit)
        if not ticket.missing:
            self._finish(ticket)
        self._dispatch()
        return ticket.id

    def _limits(self, limits: Limits | None, *, aside: bool) -> Limits:
        limits = limits or Limits()
        if limits.memory_bytes is None and self._memory_share is not None and not aside:
            return replace(limits, memory_bytes=self._memory_share)
        return limits

    def _join(self, ticket: Ticket, units: Iterable[Unit]) -> None:
        """Let a ticket need units and all that these wait for."""
        stack = [unit for unit in units if unit not in ticket.units]
        while stack:
            unit = stack.pop()
            if unit in ticket.units or unit.over:
                continue
            ticket.units.add(unit)
            unit.tickets.add(ticket.id)
            stack += [self._table.owner[port.task] for port in unit.waits if port.task in self._table.owner]

    def wait(self, timeout_s: float = 3600.0) -> list[Outcome]:
        """Run, and return the tickets that have ended; none if the time is over or nothing is left to do."""
        deadline = time.monotonic() + timeout_s
        while not self._finished and self._tickets:
            self._dispatch()
            if (unit := self._pop(self._ready_driver)) is not None:
                self._run_here(unit)
                continue
            if not self._running and not self._ready and not self._ready_aside:
                message = f"tickets {sorted(self._tickets)} wait for nothing"
                raise InternalError(message)
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            with heard():
                results = self.backend.poll(remaining)
            for result in results:
                self._settle(result)
        finished, self._finished = self._finished, []
        return finished

    def cancel(self, ticket_id: int) -> None:
        """End a ticket; what only it needs is stopped. Its outcome comes with the next :meth:`wait`."""
        ticket = self._tickets.get(ticket_id)
        if ticket is not None:
            self._fail(ticket, TaskError("", "cancelled", "cancelled", ticket.label))

    def cancel_all(self) -> None:
        """End all tickets."""
        for ticket_id in sorted(self._tickets, reverse=True):
            self.cancel(ticket_id)

    def close(self) -> None:
        """Stop all workers at once and remove what is not kept."""
        if self._closed:
            return
        self._closed = True
        self.backend.close()
        self.scratch.close()
        if self._on_close is not None:
            self._on_close()

    # ---- units --------------------------------------------------------------------------------------------------

    def _push(self, unit: Unit) -> None:
        if not unit.waits and not unit.over:
            self._last_push += 1
            ready = self._ready_driver if unit.on_driver else self._ready_aside if unit.aside else self._ready
            heapq.heappush(ready, (unit.priority, self._last_push, unit))

    def _pop(self, heap: list[_Entry]) -> Unit | None:
        while heap:
            unit = heapq.heappop(heap)[-1]
            if unit.tickets and not (unit.over or unit.running or unit.waits):
                return unit
        return None

    def _is_ready(self) -> bool:
        """Say whether a unit could run now."""
        return any(unit.tickets and not (unit.over or unit.running or unit.waits) for _, _, unit in self._ready)

    def _dispatch(self) -> None:
        for _ in range(self.backend.idle_workers()):
            unit = self._pop(self._ready_aside)
            if unit is None and sum(not unit.aside for unit in self._running.values()) < self._n_workers:
                unit = self._pop(self._ready)
            if unit is None:
                return
            self._start(unit)

    def _start(self, unit: Unit) -> None:
        self._last_job += 1
        unit.running = True
        unit.limits = loosest(self._tickets[number] for number in unit.tickets)
        if self._running or self._is_ready():
            unit.limits = replace(unit.limits, threads=1)
        located = tuple(self._reachable(port) for port in unit.needs)
        job = Job(
            self._last_job,
            tuple(unit.tasks),
            located,
            tuple(unit.publish.items()),
            unit.limits,
            self._read_later(unit),
        )
        self._running[job.id] = unit
        self._tell("segment_started", unit, job=job.id, n_tasks=len(unit.tasks))
        self.backend.submit(job)

    def _read_later(self, unit: Unit) -> frozenset[Port] | None:
        """Return what is read after a unit: wanted, or waited for; all of it where nothing decides what is kept."""
        if self._keeper is None:
            return None
        wanted = frozenset().union(*(ticket.wanted for ticket in self._waiting_for(unit)))
        return frozenset(port for port in unit.publish if port in wanted or self._table.waiters.get(port))

    def _reachable(self, port: Port, *, here: bool = False) -> Located:
        """Return where a unit can read a port: objects of this process are written out for other processes."""
        located = self._table.located[port]
        if located.place is Place.OBJECT and not (here or self.backend.by_reference):
            located = self._writer.publish(port, located.value, keep=False, said={})[0]
            self._table.located[port] = located
            self.live.add(port)
        self.live.touch(port)
        return located

    def _run_here(self, unit: Unit) -> None:
        """Run a unit of driver tasks in this thread."""
        self._last_job += 1
        unit.running = True
        self._tell("segment_started", unit, job=self._last_job, n_tasks=len(unit.tasks))
        inputs = tuple(self._reachable(port, here=True) for port in unit.needs)
        publish = tuple(unit.publish.items())
        job = Job(self._last_job, tuple(unit.tasks), inputs, publish, read_later=self._read_later(unit))
        self._running[job.id] = unit
        with heard():
            result = self._runner.run(job)
        self._settle(result)

    def _settle(self, result: JobResult) -> None:
        """Take a result in: values, units that waited for them, tickets."""
        if not result.final:
            self._take_in(self._running[result.job], result)
            return
        unit = self._running.pop(result.job)
        unit.running = False
        self._tell(
            "segment_finished",
            unit,
            job=result.job,
            state=str(result.state),
            seconds=result.wall_s,
        )
        if result.state is JobState.LOST:
            self._tell("worker_lost", unit, job=result.job, why=str(result.error))
        self.computed.update(result.seconds.keys())
        if self._again(unit, result):
            return
        charge(self._waiting_for(unit), result)
        unit.over = True
        self._table.disown(unit)
        self._table.failed |= {name: error for name, error in result.errors.items() if error.kind == "task"}
        self._tried |= result.kept
        if self._keeper is not None:  # what it declined is not kept at the end either
            self._tried |= {port.key for port, keep in unit.publish.items() if keep and port.task in result.seconds}
        self._take_in(unit, result)
        self._break(unit, result)
        for ticket in self._waiting_for(unit):
            if ticket.is_spent():
                self._fail(ticket, ticket.out_of_time())

    def _waiting_for(self, unit: Unit) -> list[Ticket]:
        return [self._tickets[number] for number in sorted(unit.tickets) if number in self._tickets]

    def _take_in(self, unit: Unit, result: JobResult) -> None:
        for port, located in result.published.items():
            if port in self._table.located or located.place is Place.FREED:
                continue
            for ready in self._table.arrive(port, located):
                self._push(ready)
            self.live.add(port)
        for ticket in self._waiting_for(unit):
            ticket.missing -= result.published.keys()
            if result.final:
                ticket.units.discard(unit)
            if not ticket.missing:
                self._finish(ticket)

    def _again(self, unit: Unit, result: JobResult) -> bool:
        """Run a unit once more if its worker was lost, or if a ticket that came later allows more than it was given."""
        if result.state is JobState.LOST and unit.tickets and _is_innocent(unit, result):
            for number in unit.tickets:
                self._tickets[number].compute_s += result.wall_s
            self._push(unit)
            return True
        if result.state not in {JobState.TIMEOUT, JobState.MEMORY} or result.error is None:
            return False
        tickets = [self._tickets[number] for number in sorted(unit.tickets)]
        patient = [ticket for ticket in tickets if allows_more(ticket, unit.limits, result.state)]
        if not patient:
            return False
        for ticket in tickets:
            if ticket not in patient:
                ticket.compute_s += result.wall_s
                self._fail(ticket, result.error)
        self._push(unit)
        return True

    def _break(self, unit: Unit, result: JobResult) -> None:
        """Fail whatever needs a port that will not come."""
        why = result.error or TaskError("", "its result did not come", "lost", unit.tasks[-1].label)
        table = self._table
        gone = {p: result.errors.get(p.task, why) for p in unit.publish if not table.is_coming(p)}
        hit, stack = set(unit.tickets), list(gone)
        while stack:
            port = stack.pop()
            for waiter in self._table.waiters.pop(port, ()):
                if waiter.over or port not in waiter.waits:
                    continue
                waiter.over = True
                hit |= waiter.tickets
                self._table.disown(waiter)
                fresh = [p for p in waiter.publish if p not in gone and not table.is_coming(p)]
                gone |= dict.fromkeys(fresh, gone[port])
                stack += fresh
        for number in sorted(hit):
            ticket = self._tickets.get(number)
            if ticket is None:
                continue
            # in the order of the plan, so that the same one of several errors is told in every process
            reason = next((gone[port] for port in ticket.ports if port in ticket.missing and port in gone), None)
            if reason is not None:
                self._fail(ticket, reason)

    # ---- ends ---------------------------------------------------------------------------------------------------

    def _finish(self, ticket: Ticket) -> None:
        self._keep(ticket)
        located = {port: self._table.located[port] for port in ticket.ports if port in self._table.located}
        self._end(ticket, JobState.DONE, Values(located, self._read), None)

    def _keep(self, ticket: Ticket) -> None:
        """Keep what a worker could not: ports of other tickets' units, or of tasks done before."""
        for port, keep in ticket.ports.items():
            located = self._table.located.get(port)
            if located is not None and keep and port.key not in self._tried and located.place is not Place.STORE:
                self._tried.add(port.key)
                self._runner.publish(port, self._read(located), keep=True, said=ticket.warnings)

    def _read(self, located: Located) -> Any:
        return read(located, store=self.store, scratch=self.scratch)

    def _fail(self, ticket: Ticket, error: TaskError) -> None:
        state = JobState(error.kind) if error.kind in set(JobState) else JobState.FAILED
        self._end(ticket, state, {}, error)

    def _end(self, ticket: Ticket, state: JobState, values: Any, error: TaskError | None) -> None:
        self._tickets.pop(ticket.id, None)
        kept = frozenset(port.key for port, keep in ticket.ports.items() if keep and self._is_kept(port))
        self._finished.append(ticket.outcome(state, values, kept, error))
        self._table.readers.subtract(port for port in ticket.ports if port not in values or port.key in kept)
        for unit in ticket.units:
            unit.tickets.discard(ticket.id)
            if not unit.tickets:
                self._drop(unit)

    def _is_kept(self, port: Port) -> bool:
        return self.store is not None and self.store.has(port.key)

    def _drop(self, unit: Unit) -> None:
        """Nobody needs the unit any more."""
        if unit.over:
            return
        self._table.disown(unit)
        if unit.running:
            self.backend.cancel(next(job for job, running in self._running.items() if running is unit))
        else:
            unit.over = True

    def _tell(self, kind: str, unit: Unit, **data: Any) -> None:
        label = next((ticket.label for ticket in self._waiting_for(unit)), "")
        self.events.tell(kind, tickets=tuple(sorted(unit.tickets)), label=label, **data)


def _cache_bytes(memory_share: int | None) -> int:
    """Return how much a worker holds of what it has read and made, in case that it is asked for again."""
    return _CACHE_BYTES if memory_share is None else min(_CACHE_BYTES, int(_CACHED * memory_share))


def _is_innocent(unit: Unit, result: JobResult) -> bool:
    """Say whether a unit may run again: its worker was lost before it began, or for the first time in it.

    The system may have killed the wrong one, or all of them; what two workers die of has a reason of its own.
    """
    unit.losses[result.wall_s > 0] += 1
    before, within = unit.losses
    return before <= _LOST_BEFORE and within <= 1
