"""From a plan to units: what of it has to be computed now, in which groups, and what each group waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint
from mileage.engine.backend import Located, Place
from mileage.engine.limits import Limits
from mileage.engine.tasks import DRIVER_KINDS, TaskError
from mileage.workflow.plan import Action, PhysicalPlan
from mileage.workflow.task import Port, Task

if TYPE_CHECKING:
    from mileage.engine.scratch import Store


@dataclass(eq=False)
class Unit:
    """Tasks that run in one go, for one or more tickets; ``publish`` maps a port to whether it is kept."""

    id: int
    on_driver: bool
    tasks: list[Task] = field(default_factory=list)
    publish: dict[Port, bool] = field(default_factory=dict)
    needs: dict[Port, None] = field(default_factory=dict)
    sources: set[Unit] = field(default_factory=set)
    waits_for: set[Unit] = field(default_factory=set)
    dependents: list[Unit] = field(default_factory=list)
    tickets: set[int] = field(default_factory=set)
    running: bool = False
    over: bool = False
    limits: Limits = Limits()

    @property
    def priority(self) -> tuple[int, int]:
        """Lower is sooner: the first ticket that needs it, then its place in the plan."""
        return (min(self.tickets, default=0), self.id)


@dataclass
class Table:
    """What the run knows: where values are, who computes what, and what cannot be had."""

    store: Store | None = None
    located: dict[Port, Located] = field(default_factory=dict)
    owner: dict[Fingerprint, Unit] = field(default_factory=dict)
    failed: dict[Fingerprint, TaskError] = field(default_factory=dict)
    next_unit: int = 0

    def new_unit(self, *, on_driver: bool) -> Unit:
        """Return an empty unit."""
        self.next_unit += 1
        return Unit(self.next_unit, on_driver)

    def coming_from(self, port: Port) -> Unit | None:
        """Return the unit that will publish the port; one that waits can still be asked to."""
        unit = self.owner.get(port.task)
        if unit is None or (unit.running and port not in unit.publish):
            return None
        return unit


@dataclass
class Demand:
    """What a plan needs of the run: tasks to compute in new units, and units of others to wait for."""

    units: list[Unit] = field(default_factory=list)
    shared: set[Unit] = field(default_factory=set)
    ports: dict[Port, bool] = field(default_factory=dict)
    n_loaded: int = 0
    n_shared: int = 0
    error: TaskError | None = None


def demand(plan: PhysicalPlan, table: Table) -> Demand:
    """Return what has to happen for a plan; ``table`` learns of new units and of what they publish.

    Only what the wanted and kept ports need is looked at. A task that a unit of an earlier ticket computes is awaited;
    a running unit that does not publish the port in question is no help, so the task is then computed again.
    """
    found = Demand()
    for planned in plan:
        if planned.action is not Action.PRUNE:
            found.ports |= {planned.task.port(name): planned.action is Action.COMPUTE for name in planned.keep}
    found.ports |= {port: found.ports.get(port, False) for port in plan.wanted}
    compute = _walk(plan, table, found)
    if found.error is None:
        _group(plan, compute, table, found)
    return found


def _walk(plan: PhysicalPlan, table: Table, found: Demand) -> set[Fingerprint]:
    """From the wanted ports backward: which tasks are computed anew."""
    needed: dict[Fingerprint, dict[str, None]] = {}
    for port in found.ports:
        needed.setdefault(port.task, {})[port.output] = None
    compute: set[Fingerprint] = set()
    for planned in reversed(plan.tasks):
        task = planned.task
        ports = [task.port(name) for name in needed.get(task.fingerprint, ())]
        missing = [port for port in ports if port not in table.located]
        if planned.action is Action.LOAD:
            found.n_loaded += bool(ports)
            _load(task, missing, table, found)
        elif task.fingerprint in table.failed and ports:
            found.error = found.error or table.failed[task.fingerprint]
        elif missing and not _await(missing, table, found):
            compute.add(task.fingerprint)
            for port in task.inputs:
                needed.setdefault(port.task, {})[port.output] = None
        else:
            found.n_shared += bool(ports)
    return compute


def _load(task: Task, missing: list[Port], table: Table, found: Demand) -> None:
    for port in missing:
        if table.store is None or not table.store.has(port.key):
            text = f"the kept artifact {port.key} is gone"
            found.error = found.error or TaskError("", text, "load", task.label or port.key, task.fingerprint)
        else:
            table.located[port] = Located(port.key, Place.STORE)


def _await(missing: list[Port], table: Table, found: Demand) -> bool:
    """Wait for another ticket's unit, if it will publish all that is missing."""
    units = {table.coming_from(port) for port in missing}
    if None in units:
        return False
    for port in missing:
        unit = table.owner[port.task]
        unit.publish[port] = unit.publish.get(port, False) or found.ports.get(port, False)
        found.shared.add(unit)
    return True


def _group(plan: PhysicalPlan, compute: set[Fingerprint], table: Table, found: Demand) -> None:
    """Put tasks into units by segment; a unit is split where it would wait for itself."""
    segment_of = {name: number for number, names in enumerate(plan.segments) for name in names}
    open_units: dict[tuple[object, bool], Unit] = {}
    unit_of: dict[Fingerprint, Unit] = {}
    for task in (planned.task for planned in plan if planned.task.fingerprint in compute):
        on_driver = task.kind in DRIVER_KINDS
        group = (segment_of.get(task.fingerprint, task.fingerprint), on_driver)
        sources = {unit for port in task.inputs if (unit := _source(port, unit_of, table)) is not None}
        unit = open_units.get(group)
        if unit is None or any(unit in _upstream(source) for source in sources - {unit}):
            unit = open_units[group] = table.new_unit(on_driver=on_driver)
            found.units.append(unit)
        unit.tasks.append(task)
        unit.sources |= sources - {unit}
        unit_of[task.fingerprint] = unit
        for port in task.inputs:
            if unit_of.get(port.task) is not unit:
                unit.needs[port] = None
                source = unit_of.get(port.task)
                if source is not None:
                    source.publish.setdefault(port, False)
    for port, keep in found.ports.items():
        if port.task in unit_of:
            unit_of[port.task].publish[port] = keep
    for unit in found.units:
        unit.waits_for = set(unit.sources)
        for source in unit.sources:
            source.dependents.append(unit)
    table.owner |= unit_of


def _source(port: Port, unit_of: dict[Fingerprint, Unit], table: Table) -> Unit | None:
    """Return the unit that the port comes from, or None if its value is there already."""
    if port.task in unit_of:
        return unit_of[port.task]
    return None if port in table.located else table.owner.get(port.task)


def _upstream(unit: Unit) -> Iterator[Unit]:
    """Yield the unit and all it waits for."""
    seen, stack = {unit}, [unit]
    while stack:
        current = stack.pop()
        yield current
        fresh = current.sources - seen
        seen |= fresh
        stack += fresh
