"""One run of a flow: compute what its outputs need, as cheaply as what is kept allows, and remember the version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mileage.catalog import CostRecord, VersionRecord
from mileage.core.events import EventBus, Listener
from mileage.core.fingerprint import Fingerprint
from mileage.engine import Executor, Outcome, Resources, backends
from mileage.errors import EngineError
from mileage.optimizer import PlanContext, optimize
from mileage.session.keep import DensityKeeper
from mileage.session.version_record import kept_with_version
from mileage.workflow import Action, PhysicalPlan, Port, Task, TaskKind
from mileage.workflow.flow import Deferred, Node, flow_tasks, node_of
from mileage.workflow.flow.node import FlowTask, calls_of
from mileage.workflow.identity import Identity, Part, changes

if TYPE_CHECKING:
    from mileage.session.session import Session

_UNKNOWN_S = 0.1  # a task that never ran: more than a small load, less than a long computation
_LOAD_FIXED_S, _LOAD_BYTES_S = 0.0015, 800e6
_KEEP = frozenset({TaskKind.CALL})


@dataclass(frozen=True)
class TaskReport:
    """What happened to one step of a version, and why."""

    label: str
    where: str
    task: Fingerprint
    action: Action
    why: str = ""
    seconds: float = 0.0
    size_bytes: int = 0
    identity: Identity = field(default=Identity(Fingerprint("")), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; :func:`reports_of` reads it again."""
        parts = [[p.kind, p.name, p.digest, p.where, p.shown] for p in self.identity.parts]
        return {
            "label": self.label, "where": self.where, "task": str(self.task), "action": str(self.action), "why": self.why,
            "seconds": self.seconds, "size_bytes": self.size_bytes, "code": str(self.identity.key), "parts": parts,
            "notes": [list(note) for note in self.identity.notes],
        }  # fmt: skip


@dataclass(frozen=True)
class Iteration:
    """A version of a flow: the values that were asked for, and what was done to get them."""

    version: VersionRecord
    values: Mapping[str, Any]
    tasks: tuple[TaskReport, ...]
    seconds: float
    forecast_s: float

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def count(self, action: Action) -> int:
        """Return how many steps were computed, loaded or pruned."""
        return sum(task.action is action for task in self.tasks)


def iterate(
    session: Session, outputs: Mapping[str, Deferred], *, flow: str = "flow", on_event: Listener | None = None
) -> Iteration:
    """Compute deferred values, and keep the run as a version of ``flow``.

    Raises
    ------
    EngineError
        If a step fails; the version is kept as failed, with what was computed before it.
    """
    started = time.monotonic()
    ports = {name: node_of(value) for name, value in outputs.items()}
    made = flow_tasks(ports.values())
    wanted = {name: made[port.node].port(port.output) for name, port in ports.items()}
    before = session.catalog.flows.head(flow)
    costs = _Costs(session, made)
    context = PlanContext(kept=session.store.has, shares=False, keep=_KEEP, costs=costs)
    plan, _ = optimize((one.task for one in made.values()), wanted.values(), context)
    forecast_s = sum(costs(p.task)[0] for p in plan if p.action is Action.COMPUTE)
    outcome = _run(session, plan, made, costs, on_event)
    reports = _reports(made, plan, outcome, reports_of(before))
    _note_costs(session, reports)
    record = {
        "tasks": [report.to_json() for report in reports],
        "outputs": {name: _shown(outcome, port) for name, port in wanted.items()},
        "wanted": {name: port.key for name, port in wanted.items()},
        "seconds": time.monotonic() - started,
        "forecast_s": forecast_s,
    }
    state = "finished" if outcome.state == "done" else "failed"
    more, blobs = kept_with_version(session, made, wanted, outcome)
    parent = before.id if before else None
    number = session.catalog.flows.add_version(flow, record | more, state=state, parent=parent, blobs=blobs)
    if outcome.error is not None:
        raise EngineError(str(outcome.error), code="X610", hint=outcome.error.trace.rstrip() or None)
    values = {name: outcome.values[port] for name, port in wanted.items()}
    version = session.catalog.flows.version(number)
    return Iteration(version, values, reports, time.monotonic() - started, forecast_s)


class _Costs:
    """Seconds to compute and to load each task: as measured, else as tasks with the same code, else a guess."""

    def __init__(self, session: Session, made: Mapping[Node, FlowTask]) -> None:
        self.codes = {one.task.fingerprint: str(one.identity.key) for one in made.values()}
        self.known, self.means = session.catalog.flows.costs(self.codes, set(self.codes.values()))
        self.store = session.store

    def __call__(self, task: Task) -> tuple[float, float | None]:
        name = task.fingerprint
        known = self.known.get(name)
        compute_s = known.seconds if known else self.means.get(self.codes[name], _UNKNOWN_S)
        if not all(self.store.has(task.port(output).key) for output in task.outputs):
            return compute_s, None
        return compute_s, _LOAD_FIXED_S + (known.size_bytes if known else 0) / _LOAD_BYTES_S


def _run(
    session: Session, plan: PhysicalPlan, made: Mapping[Node, FlowTask], costs: _Costs, on_event: Listener | None
) -> Outcome:
    bus = EventBus()
    if on_event is not None:
        bus.listen(on_event)
    keeper = DensityKeeper.of(plan, costs)
    resources = Resources(calls=calls_of(made.values()))
    executor = Executor(backends.get("inline").new(), session.store, events=bus, resources=resources, keeper=keeper)
    with executor:
        executor.submit(plan, label="flow")
        while True:
            for outcome in executor.wait(1.0):
                return _with_values(outcome, plan.wanted)


def _with_values(outcome: Outcome, wanted: tuple[Port, ...]) -> Outcome:
    """Read the wanted values while the executor is open."""
    for port in wanted:
        if port in outcome.values:
            outcome.values[port]
    return outcome


def _reports(
    made: Mapping[Node, FlowTask], plan: PhysicalPlan, outcome: Outcome, before: Mapping[str, list[TaskReport]]
) -> tuple[TaskReport, ...]:
    actions = {planned.task.fingerprint: planned.action for planned in plan}
    reports: dict[Fingerprint, TaskReport] = {}
    for node, one in made.items():
        name = one.task.fingerprint
        action = actions[name]
        upstream = [reports[port.task].label for port in one.task.inputs if reports[port.task].action is Action.COMPUTE]
        reports[name] = TaskReport(
            node.label,
            str(node.where),
            name,
            action,
            _why(node, one, action, before.get(node.label, []), upstream, ran=name in outcome.seconds),
            outcome.seconds.get(name, 0.0),
            sum(size for key, size in outcome.sizes.items() if key.startswith(name)),
            one.identity,
        )
    return tuple(reports.values())


def _why(node: Node, one: FlowTask, action: Action, before: list[TaskReport], upstream: list[str], *, ran: bool) -> str:
    """Return why a step ran, was loaded or was not needed, naming what changed since the version before."""
    if action is Action.COMPUTE and not ran:
        return "it did not run: another step failed"
    if action is Action.PRUNE:
        return "nothing that runs needs it"
    if action is Action.LOAD:
        return "kept, and cheaper to load"
    if not before:
        return "new"
    if any(old.task == one.task.fingerprint for old in before):
        return "needed, and not worth keeping"
    old = next((old for old in before if old.where == str(node.where)), before[0])
    said = changes(old.identity, one.identity)
    if said:
        return "; ".join(said)
    if old.identity.key != one.identity.key:
        return "its arguments changed"
    return f"its input changed: {', '.join(dict.fromkeys(upstream)) or 'another step feeds it'}"


def reports_of(version: VersionRecord | None) -> dict[str, list[TaskReport]]:
    """Return the reports of a version by label; none for no version."""
    found: dict[str, list[TaskReport]] = {}
    for task in version.record["tasks"] if version is not None else ():
        parts = tuple(Part(*part) for part in task["parts"])
        identity = Identity(Fingerprint(task["code"]), parts, tuple((k, t) for k, t in task["notes"]))
        report = TaskReport(
            task["label"], task["where"], Fingerprint(task["task"]), Action(task["action"]), task["why"],
            task["seconds"], task["size_bytes"], identity,
        )  # fmt: skip
        found.setdefault(report.label, []).append(report)
    return found


def _note_costs(session: Session, reports: tuple[TaskReport, ...]) -> None:
    computed = [r for r in reports if r.action is Action.COMPUTE and r.seconds]
    session.catalog.flows.note_costs(
        CostRecord(str(r.task), str(r.identity.key), r.seconds, r.size_bytes) for r in computed
    )


def _shown(outcome: Outcome, port: Port) -> Any:
    """Return a number as it is, and of anything else a short text."""
    if port not in outcome.values:
        return None
    value = outcome.values[port]
    item = value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value
    return item if isinstance(item, bool | int | float) else str(value)[:400]
