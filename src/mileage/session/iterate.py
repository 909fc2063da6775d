"""One run of a flow: compute what its outputs need, as cheaply as what is kept allows, and remember the version."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mileage.catalog import CostRecord, VersionRecord, WriteBehind
from mileage.catalog.container import Packing
from mileage.core.collector import only_new_objects
from mileage.core.cores import n_cores
from mileage.core.events import EventBus, Listener
from mileage.core.fingerprint import Fingerprint
from mileage.engine import Executor, Manner, Outcome, Resources, TaskError
from mileage.engine.backends.inline import InlineBackend
from mileage.errors import EngineError
from mileage.optimizer import PlanContext, optimize
from mileage.optimizer.policies import Item
from mileage.session.approximate import keep_scored, sample_of, sample_record
from mileage.session.cutoff import CutOff, Given
from mileage.session.flow_errors import ARROW, shows_own_code
from mileage.session.keep import Keeping
from mileage.session.known_files import known_hash
from mileage.session.parts import parts_of
from mileage.session.version_record import kept_with_version
from mileage.workflow import Action, PhysicalPlan, Port, Task, TaskKind
from mileage.workflow.flow import Deferred, Node, NodePort, Scored, node_of, push_down
from mileage.workflow.flow.audit import Audit
from mileage.workflow.flow.beside import may_run_beside
from mileage.workflow.flow.contents import hashed_by
from mileage.workflow.flow.node import NOWHERE, FlowTask
from mileage.workflow.flow.sample import Sample
from mileage.workflow.identity import Identity, Part, changes

if TYPE_CHECKING:
    from mileage.session.session import Session

_WORTH_A_THREAD_S = 0.02
_UNKNOWN_S = 0.1  # a task that never ran: more than a small load, less than a long computation
_ATTEMPTS = 4
_ELSEWHERE = "another process was computing it"
_AS_BEFORE = "it gave what it gave before"
_KEEP = frozenset({TaskKind.CALL})


@dataclass(frozen=True)
class TaskReport:
    """What happened to one step of a version, and why.

    ``undeclared`` is what it turned out to depend on that is no input of it: then its result was not kept.
    """

    label: str
    where: str
    task: Fingerprint
    action: Action
    why: str = ""
    seconds: float = 0.0
    size_bytes: int = 0
    identity: Identity = field(default=Identity(Fingerprint("")), repr=False)
    undeclared: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; :func:`reports_of` reads it again."""
        parts = [[p.kind, p.name, p.digest, p.where, p.shown] for p in self.identity.parts]
        return {
            "label": self.label, "where": self.where, "task": str(self.task), "action": str(self.action), "why": self.why,
            "seconds": self.seconds, "size_bytes": self.size_bytes, "code": str(self.identity.key), "parts": parts,
            "notes": [list(note) for note in self.identity.notes], "undeclared": list(self.undeclared),
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


@only_new_objects()
def iterate(
    session: Session,
    outputs: Mapping[str, Deferred],
    *,
    flow: str = "flow",
    approximate: float | Sample | None = None,
    on_event: Listener | None = None,
) -> Iteration:
    """Compute deferred values, and keep the run as a version of ``flow``; on a share of the rows if ``approximate``.

    Raises
    ------
    EngineError
        If a step fails; the version is kept as failed, with what was computed before it.
    """
    started = time.monotonic()
    asked = {name: node_of(value) for name, value in outputs.items()}
    asked, left_out = push_down(asked)
    ports, about_sample = _on_sample(session, asked, approximate)
    before = session.catalog.flows.head(flow)
    with hashed_by(partial(known_hash, session.store)):
        cut, audit = CutOff(ports, before, session.store), Audit()
    plan, outcome, forecast_s, notes = _planned_and_run(session, flow, cut, audit, on_event)
    made, wanted = cut.made, cut.wanted
    reports = _reports(made, plan, outcome, audit, reports_of(before))
    record = {
        "tasks": [report.to_json() for report in reports],
        "outputs": {name: _shown(outcome, port) for name, port in wanted.items()},
        "wanted": {name: port.key for name, port in wanted.items()},
        "seconds": time.monotonic() - started,
        "forecast_s": forecast_s,
        "notes": [*left_out, *notes],
        "scored": [name for name, port in wanted.items() if isinstance(outcome.values.get(port), Scored)],
        **about_sample,
        **cut.record(audit),
    }
    state = "finished" if outcome.state == "done" else "failed"
    more, blobs = kept_with_version(session, made, wanted, outcome, before)
    parent = before.id if before else None
    loaded = [str(r.task) for r in reports if r.action is Action.LOAD]
    version = session.catalog.flows.add_version(
        flow, record | more, state=state, parent=parent, blobs=blobs, costs=_spent(made, reports), loaded=loaded
    )
    if outcome.error is not None:
        raise EngineError(str(outcome.error), code="X610", hint=_at_its_line(outcome.error, made))
    values = {name: outcome.values[port] for name, port in wanted.items()}
    keep_scored(session, record["wanted"], values)
    return Iteration(version, values, reports, time.monotonic() - started, forecast_s)


def _at_its_line(error: TaskError, made: Mapping[Node, FlowTask]) -> str | None:
    """Return the lines that led to an error; first the line that made the step, if none of the user's is among them."""
    where = next((node.where for node, one in made.items() if one.task.fingerprint == error.task), NOWHERE)
    trace = error.trace.rstrip()
    if where == NOWHERE or shows_own_code(trace):
        return trace or None
    return f"{ARROW}{where}\n{trace}".rstrip()


def _on_sample(
    session: Session, ports: dict[str, NodePort], approximate: float | Sample | None
) -> tuple[Mapping[str, NodePort], dict[str, Any]]:
    """Return the outputs as they are to be computed, and what the version's record says of a sample."""
    if approximate is None:
        return ports, {}
    from mileage.workflow.flow.sampling import on_sample

    sample = sample_of(session, approximate)
    if sample.fraction == 1:
        return ports, {}
    sampled = on_sample(ports, sample)
    return sampled.ports, {"approximate": sample_record(sampled, sample)}


class Costs:
    """Seconds to compute and to load each task: as measured, else as tasks with the same code, else a guess."""

    def __init__(self, session: Session, cut: CutOff) -> None:
        self.codes = {one.task.fingerprint: str(one.identity.key) for one in cut.made.values()}
        self.known, self.means = session.catalog.flows.costs(self.codes, set(self.codes.values()))
        self.store, self._is_given = session.store, cut.is_given
        self._sizes: dict[str, int | None] = {}

    def kept_bytes(self, key: str) -> int | None:
        """Return the bytes of a kept output, None if it is not kept; looked up once, since every rule asks."""
        if key not in self._sizes:
            self._sizes[key] = self.store.size_of(key)
        return self._sizes[key]

    def has(self, key: str) -> bool:
        """Say whether an output is kept."""
        return self.kept_bytes(key) is not None

    def disk_bytes(self, task: Task) -> int | None:
        """Return the bytes of all outputs of a task on the disk; None if one is not kept."""
        sizes = [self.kept_bytes(task.port(output).key) for output in task.outputs]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def is_small(self, size: int) -> bool:
        """Say whether a kept output of so many bytes in memory is packed small, and takes longer to read."""
        return self.store.room.packing_for(size) is Packing.SMALL

    def __call__(self, task: Task) -> tuple[float, float | None]:
        """Return both; None for the load of what is not kept."""
        name = task.fingerprint
        if self._is_given(task):
            return 0.0, None
        known = self.known.get(name)
        compute_s = known.seconds if known else self.means.get(self.codes[name], _UNKNOWN_S)
        disk_bytes = self.disk_bytes(task)
        if disk_bytes is None:
            return compute_s, None
        size = known.size_bytes if known else 0
        return compute_s, Item(size_bytes=size, disk_bytes=disk_bytes, small=self.is_small(size)).load_s


def _planned_and_run(
    session: Session, flow: str, cut: CutOff, audit: Audit, on_event: Listener | None
) -> tuple[PhysicalPlan, Outcome, float, list[str]]:
    """Plan and run; once more if what was to be loaded turns out to be damaged, or is gone.

    Returns the plan, its outcome, the seconds that were foreseen, and what was not trusted or could not be kept.
    """
    known = len(session.store.findings)
    with WriteBehind(session.store) as store:
        for attempt in range(_ATTEMPTS):
            plan, outcome, forecast_s = _in_stages(session, flow, cut, audit, store, on_event)
            if attempt + 1 == _ATTEMPTS or (
                outcome is not None and (outcome.error is None or outcome.error.kind != "load")
            ):
                break
        store.flush()
    if outcome is None:
        raise EngineError("a kept result was damaged or removed again and again", code="X610", hint="run it again")
    said = [f"not trusted, and computed again: {item.key} ({item.why})" for item in session.store.findings[known:]]
    said += [f"not kept: {why}" for why in dict.fromkeys(item.why for item in store.failed)]
    return cut.as_run(plan), cut.whole(outcome), forecast_s, said


def _in_stages(
    session: Session, flow: str, cut: CutOff, audit: Audit, store: WriteBehind, on_event: Listener | None
) -> tuple[PhysicalPlan, Outcome | None, float]:
    """Run first what may make the rest needless, as long as there is such; then the rest."""
    forecast_s = 0.0
    while True:
        with session.store.hold(cut.keys()) as hold:  # what the plan finds must be there when it is read
            costs = Costs(session, cut)
            plan = _planned(cut, costs)
            early = cut.early(plan, costs)
            part = plan if early is None else early
            forecast_s += sum(costs(p.task)[0] for p in part if p.action is Action.COMPUTE)
            keeping = Keeping.of(session, flow, cut.unique(), part, costs, audit.is_of_one_run)
            hold.keys = keeping.reads
            outcome = _run(session, part, _resources(cut, audit, costs), keeping, store, on_event)
        if early is None or outcome is None or outcome.error is not None:
            return plan, outcome, forecast_s
        cut.take_in(outcome, early, audit)


def _planned(cut: CutOff, costs: Costs) -> PhysicalPlan:
    context = PlanContext(kept=costs.has, shares=False, keep=_KEEP, costs=costs)
    plan, _ = optimize(cut.tasks(), cut.wanted.values(), context)
    unkept = cut.unkept()
    return replace(plan, tasks=tuple(replace(p, keep=()) if p.task.fingerprint in unkept else p for p in plan))


def _resources(cut: CutOff, audit: Audit, costs: Costs) -> Resources:
    """Return what the engine runs: the calls, and how each may run, by what it is and the seconds it may take."""
    calls, plain = cut.calls(audit), {one.task.fingerprint: one.node.call for one in cut.unique()}

    def manner(task: Task, inputs: list[Any]) -> Manner:
        if isinstance(calls[task.fingerprint], Given):
            return Manner.AT_ONCE
        if not may_run_beside(plain[task.fingerprint], inputs):
            return Manner.ALONE
        return Manner.BESIDE if costs(task)[0] > _WORTH_A_THREAD_S else Manner.AT_ONCE

    return Resources(calls=calls, n_threads=n_cores(), manner=manner)


def _run(
    session: Session,
    plan: PhysicalPlan,
    resources: Resources,
    keeping: Keeping,
    store: WriteBehind,
    on_event: Listener | None,
) -> Outcome | None:
    """Run a plan; return its outcome; None if a wanted value cannot be loaded."""
    bus = EventBus()
    if on_event is not None:
        bus.listen(on_event)
    session.store.order = keeping.order
    try:
        with Executor(InlineBackend(), store, events=bus, resources=resources, keeper=keeping) as executor:
            whole = tuple(name for segment in plan.segments for name in segment)  # one thread sees all that is ready
            executor.submit(replace(plan, segments=(whole,)) if resources.n_threads > 1 else plan, label="flow")
            return _with_values(_outcome(executor), plan.wanted)
    finally:
        session.store.order = None


def _outcome(executor: Executor) -> Outcome:
    while True:
        for outcome in executor.wait(1.0):
            return outcome


def _with_values(outcome: Outcome, wanted: tuple[Port, ...]) -> Outcome | None:
    """Read the wanted values while the executor is open; None if one cannot be had any more."""
    try:
        for port in wanted:
            if port in outcome.values:
                outcome.values[port]
    except KeyError:
        return None
    return outcome


def _reports(
    made: Mapping[Node, FlowTask],
    plan: PhysicalPlan,
    outcome: Outcome,
    audit: Audit,
    before: Mapping[str, list[TaskReport]],
) -> tuple[TaskReport, ...]:
    actions = {planned.task.fingerprint: planned.action for planned in plan}
    reports: dict[Fingerprint, TaskReport] = {}
    for node, one in made.items():
        name = one.task.fingerprint
        action, ran = actions[name], name in outcome.seconds
        elsewhere = action is Action.COMPUTE and not ran and outcome.error is None
        action = Action.LOAD if elsewhere else action
        upstream = [reports[port.task].label for port in one.task.inputs if reports[port.task].action is Action.COMPUTE]
        reports[name] = TaskReport(
            node.label,
            str(node.where),
            name,
            action,
            _ELSEWHERE if elsewhere else _why(node, one, action, before.get(node.label, []), upstream, ran=ran),
            outcome.seconds.get(name, 0.0),
            sum(size for key, size in outcome.sizes.items() if key.startswith(name)),
            one.identity,
            tuple(str(notice) for notice in audit.found.get(name, ())),
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
    as_before = one.lineage != one.task.fingerprint  # another task gave the same, and it goes by that one's name
    same = [old for old in before if old.task == one.task.fingerprint]
    if any(old.undeclared for old in same):
        return "not kept: it depends on what is not declared"
    if same and not as_before:
        return "needed, and not worth keeping"
    old = next((old for old in before if old.where == str(node.where)), before[0])
    said = list(changes(old.identity, one.identity))
    if not said and old.identity.key != one.identity.key:
        said = ["its arguments changed"]
    if not said:
        said = [f"its input changed: {', '.join(dict.fromkeys(upstream)) or 'another step feeds it'}"]
    return "; ".join([*said, _AS_BEFORE] if as_before else said)


def reports_of(version: VersionRecord | None) -> dict[str, list[TaskReport]]:
    """Return the reports of a version by label; none for no version."""
    found: dict[str, list[TaskReport]] = {}
    for task in version.record["tasks"] if version is not None else ():
        parts = tuple(Part(*part) for part in task["parts"])
        identity = Identity(Fingerprint(task["code"]), parts, tuple((k, t) for k, t in task["notes"]))
        report = TaskReport(
            task["label"], task["where"], Fingerprint(task["task"]), Action(task["action"]), task["why"],
            task["seconds"], task["size_bytes"], identity, tuple(task.get("undeclared", ())),
        )  # fmt: skip
        found.setdefault(report.label, []).append(report)
    return found


def _spent(made: Mapping[Node, FlowTask], reports: tuple[TaskReport, ...]) -> list[CostRecord]:
    """Return what the steps that ran have cost."""
    parts = parts_of(made.values())
    inputs = {one.task.fingerprint: tuple(str(port.task) for port in one.task.inputs) for one in made.values()}
    return [
        CostRecord(str(r.task), str(r.identity.key), r.seconds, r.size_bytes, inputs[r.task], parts[r.task])
        for r in reports if r.action is Action.COMPUTE and r.seconds
    ]  # fmt: skip


def _shown(outcome: Outcome, port: Port) -> Any:
    """Return a number as it is, and of anything else a short text."""
    if port not in outcome.values:
        return None
    value = outcome.values[port]
    item = value.item() if hasattr(value, "item") and getattr(value, "size", 0) == 1 else value
    return item if isinstance(item, bool | int | float) else str(value)[:400]
