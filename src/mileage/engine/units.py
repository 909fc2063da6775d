"""From a plan to units: what of it has to be computed now, in which groups, and what each group waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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
    """Tasks that run in one go, for one or more tickets; ``publish`` maps a port to whether it is kept.

    One that is ``aside`` does not wait until one of the workers for all others is idle.

    ``needs`` are the ports from outside, ``waits`` those of them that are not there yet; ``losses`` counts
    workers that were lost before they began the unit, and within it.
    """

    id: int
    on_driver: bool
    aside: bool = False
    tasks: list[Task] = field(default_factory=list)
    publish: dict[Port, bool] = field(default_factory=dict)
    needs: dict[Port, None] = field(default_factory=dict)
    waits: set[Port] = field(default_factory=set)
    tickets: set[int] = field(default_factory=set)
    running: bool = False
    over: bool = False
    losses: list[int] = field(default_factory=lambda: [0, 0])
    limits: Limits = field(default_factory=Limits)

    @property
    def priority(self) -> tuple[int, int]:
        """Lower is sooner: the first ticket that needs it, then its place in the plan."""
        return (min(self.tickets, default=0), self.id)


@dataclass
class Table:
    """What the run knows: where values are, who computes what, and what cannot be had.

    ``readers`` counts who will read a value: units that are not over, and plans that were asked for it.
    """

    store: Store | None = None
    located: dict[Port, Located] = field(default_factory=dict)
    owner: dict[Fingerprint, Unit] = field(default_factory=dict)
    failed: dict[Fingerprint, TaskError] = field(default_factory=dict)
    waiters: dict[Port, list[Unit]] = field(default_factory=dict)
    readers: Counter[Port] = field(default_factory=Counter)
    next_unit: int = 0

    def new_unit(self, *, on_driver: bool, aside: bool = False) -> Unit:
        """Return an empty unit."""
        self.next_unit += 1
        return Unit(self.next_unit, on_driver, aside)

    def own(self, unit: Unit) -> None:
        """Enter a unit with its final tasks: who computes them, what it needs and waits for."""
        names = {task.fingerprint for task in unit.tasks}
        self.owner |= dict.fromkeys(names, unit)
        self.readers.subtract(unit.needs.keys())
        unit.needs = dict.fromkeys(port for task in unit.tasks for port in task.inputs if port.task not in names)
        self.readers.update(unit.needs.keys())
        unit.waits = {port for port in unit.needs if port not in self.located}
        for port in unit.waits:
            self.waiters.setdefault(port, []).append(unit)

    def disown(self, unit: Unit) -> None:
        """Forget a unit: it computes its tasks no more, and reads nothing."""
        for task in unit.tasks:
            if self.owner.get(task.fingerprint) is unit:
                del self.owner[task.fingerprint]
        self.readers.subtract(unit.needs.keys())
        unit.needs = {}

    def arrive(self, port: Port, located: Located) -> list[Unit]:
        """Note where a value is; return the units that need wait no longer."""
        self.located[port] = located
        waiting = [unit for unit in self.waiters.pop(port, ()) if port in unit.waits]
        for unit in waiting:
            unit.waits.discard(port)
        return [unit for unit in waiting if not unit.waits]

    def coming_from(self, port: Port) -> Unit | None:
        """Return the unit that will publish the port; one that has not started can still be asked to, if it makes it."""
        unit = self.owner.get(port.task)
        if unit is None or (unit.running and port not in unit.publish):
            return None
        made = next(task.outputs for task in unit.tasks if task.fingerprint == port.task)
        return unit if port.output in made else None

    def is_coming(self, port: Port) -> bool:
        """Say whether the value is there, or some unit will publish it."""
        if port in self.located:
            return True
        unit = self.owner.get(port.task)
        return unit is not None and port in unit.publish

    def split(self, unit: Unit, ports: Iterable[Port]) -> Unit:
        """Take the tasks that ``ports`` need out of a unit that has not started, and return them as a unit.

        So that whoever shares a prefix neither waits for the rest of the unit nor falls with it.
        """
        ports, own = list(ports), {task.fingerprint: task for task in unit.tasks}
        names: set[Fingerprint] = set()
        stack = [port.task for port in ports]
        while stack:
            name = stack.pop()
            if name in own and name not in names:
                names.add(name)
                stack += [port.task for port in own[name].inputs]
        head = unit
        if len(names) < len(own):
            head = self.new_unit(on_driver=unit.on_driver, aside=unit.aside)
            head.tickets = set(unit.tickets)
            head.tasks = [task for task in unit.tasks if task.fingerprint in names]
            unit.tasks = [task for task in unit.tasks if task.fingerprint not in names]
            crossing = [port for task in unit.tasks for port in task.inputs if port.task in names]
            head.publish = dict.fromkeys(crossing, False) | {p: k for p, k in unit.publish.items() if p.task in names}
            unit.publish = {p: k for p, k in unit.publish.items() if p.task not in names}
            self.own(head)
            self.own(unit)
        for port in ports:
            head.publish.setdefault(port, False)
        return head


@dataclass
class Demand:
    """What a plan needs of the run: new units, units of earlier tickets, and the parts split off from those."""

    units: list[Unit] = field(default_factory=list)
    shared: list[Unit] = field(default_factory=list)
    heads: list[Unit] = field(default_factory=list)
    ports: dict[Port, bool] = field(default_factory=dict)
    n_loaded: int = 0
    n_shared: int = 0
    error: TaskError | None = None


def demand(plan: PhysicalPlan, table: Table, *, here: bool = False, aside: bool = False) -> Demand:
    """Return what has to happen for a plan; ``table`` learns of new units and of what they publish.

    New units run on workers, but for what only the driver can do, and for all of it if ``here``; those of workers are ``aside``.

    Only what the wanted and kept ports need is looked at. A task that a unit of an earlier ticket computes is awaited;
    a running unit that does not publish the port in question is no help, so the task is then computed again.
    """
    found = Demand()
    for planned in plan:
        if planned.action is Action.COMPUTE:
            found.ports |= {planned.task.port(name): True for name in planned.keep}
    found.ports |= {port: found.ports.get(port, False) for port in plan.wanted}
    awaited: dict[Unit, list[Port]] = {}
    compute = _walk(plan, table, found, awaited)
    if found.error is None:
        for unit, ports in awaited.items():
            _share(unit, ports, table, found)
        _group(plan, compute, table, found, here=here, aside=aside)
    return found


def _walk(plan: PhysicalPlan, table: Table, found: Demand, awaited: dict[Unit, list[Port]]) -> set[Fingerprint]:
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
        elif missing and not _await(missing, table, awaited):
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


def _await(missing: list[Port], table: Table, awaited: dict[Unit, list[Port]]) -> bool:
    """Wait for other tickets' units, if they will publish all that is missing."""
    units = [unit for port in missing if (unit := table.coming_from(port)) is not None]
    if len(units) < len(missing):
        return False
    for unit, port in zip(units, missing, strict=True):
        awaited.setdefault(unit, []).append(port)
    return True


def _share(unit: Unit, ports: list[Port], table: Table, found: Demand) -> None:
    head = unit if unit.running else table.split(unit, ports)
    found.shared.append(head)
    if head is not unit:
        found.heads.append(head)
    if not head.running:
        head.publish |= {port: True for port in ports if found.ports.get(port)}


def _group(
    plan: PhysicalPlan, compute: set[Fingerprint], table: Table, found: Demand, *, here: bool, aside: bool
) -> None:
    """Put tasks into units by segment, depth first; a unit is split where it would wait for itself."""
    segment_of = {name: number for number, names in enumerate(plan.segments) for name in names}
    open_units: dict[tuple[object, bool], Unit] = {}
    unit_of: dict[Fingerprint, Unit] = {}
    sources: dict[Unit, set[Unit]] = {}
    for task in (planned.task for planned in plan if planned.task.fingerprint in compute):
        on_driver = here or task.kind in DRIVER_KINDS
        group = (segment_of.get(task.fingerprint, task.fingerprint), on_driver)
        before = {unit_of[port.task] for port in task.inputs if port.task in unit_of}
        unit = open_units.get(group)
        if unit is None or any(unit in _upstream(source, sources) for source in before - {unit}):
            unit = open_units[group] = table.new_unit(on_driver=on_driver, aside=aside)
            sources[unit] = set()
            found.units.append(unit)
        unit.tasks.append(task)
        sources[unit] |= before - {unit}
        unit_of[task.fingerprint] = unit
        for port in task.inputs:
            if (source := unit_of.get(port.task, unit)) is not unit:
                source.publish.setdefault(port, False)
    for port, keep in found.ports.items():
        if port.task in unit_of:
            unit_of[port.task].publish[port] = keep
    numbers = [unit.id for unit in found.units]
    found.units = list(_depth_first(found.units, sources))
    for number, unit in zip(numbers, found.units, strict=True):
        unit.id = number
        table.own(unit)


def _depth_first(units: list[Unit], sources: dict[Unit, set[Unit]]) -> Iterator[Unit]:
    """Yield each unit after those it waits for, and what waits for it as soon as may be: so few values wait for their last reader."""
    readers: dict[Unit, list[Unit]] = {unit: [] for unit in units}
    waits = {unit: len(sources[unit]) for unit in units}
    for unit in units:
        for source in sources[unit]:
            readers[source].append(unit)
    stack = [unit for unit in reversed(units) if not waits[unit]]
    while stack:
        unit = stack.pop()
        yield unit
        for reader in reversed(readers[unit]):
            waits[reader] -= 1
            if not waits[reader]:
                stack.append(reader)


def _upstream(unit: Unit, sources: dict[Unit, set[Unit]]) -> Iterator[Unit]:
    """Yield the unit and all new units it waits for."""
    seen, stack = {unit}, [unit]
    while stack:
        current = stack.pop()
        yield current
        fresh = sources[current] - seen
        seen |= fresh
        stack += fresh
