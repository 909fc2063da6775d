"""Early cut-off: a step that gives what it gave before is the step it was, so that what reads it is loaded, not computed.

Looked at are the columns that composite estimators take, and steps that were edited. They run first; where their outputs have
the digest of outputs of the version before, the tasks after them get the keys they had then, and the plan is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from mileage.core.fingerprint import Fingerprint
from mileage.engine import Outcome
from mileage.session.digest import digest_of
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task
from mileage.workflow.flow import Node, NodePort, Seen, flow_tasks
from mileage.workflow.flow.audit import Audit
from mileage.workflow.flow.calls import Call
from mileage.workflow.flow.estimators import TakeCall
from mileage.workflow.flow.node import FlowTask
from mileage.workflow.identity import Identity

if TYPE_CHECKING:
    from mileage.catalog import ArtifactStore, VersionRecord

_STAGES = 6
_FIXED_S, _BYTES_S = 0.02, 1e9  # planning again; reading and hashing what was kept
_UNKNOWN_BYTES = 10e6
Seconds = Callable[[Task], tuple[float, float | None]]


@dataclass(frozen=True)
class Given(Call):
    """Outputs that an earlier stage of the run has made."""

    values: tuple[Any, ...]
    pure: bool = True

    def identity(self) -> Identity:
        """None of its own: it stands for another call."""
        return Identity(Fingerprint(""))

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the outputs."""
        del inputs
        return self.values


@dataclass(frozen=True)
class Digested(Call):
    """A call whose outputs are hashed behind it, in a thread."""

    call: Call
    note: Callable[[tuple[Any, ...]], None]

    def identity(self) -> Identity:
        """That of the call."""
        return self.call.identity()

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Run the call."""
        made = self.call.run(inputs)
        self.note(made)
        return made


class CutOff:
    """The tasks of one run of a flow, with what was seen of outputs in the version before and in this run.

    ``made`` are the tasks by node as they are known so far; ``before`` the tasks of the version before by label.
    """

    def __init__(self, ports: Mapping[str, NodePort], version: VersionRecord | None, store: ArtifactStore) -> None:
        record = version.record if version is not None else {}
        self.ports, self.store = ports, store
        self.seen = Seen({Fingerprint(a): Fingerprint(b) for a, b in record.get("same", {}).items()})
        self.made = flow_tasks(ports.values(), self.seen)
        self._known: dict[str, str] = dict(record.get("digests", {}))
        self._by_digest = {digest: Fingerprint(task) for task, digest in self._known.items()}
        self._before: dict[str, list[Mapping[str, Any]]] = {}
        for task in record.get("tasks", ()):
            self._before.setdefault(task["label"], []).append(task)
        self._given: dict[Node, tuple[Any, ...]] = {}
        self._spent: dict[Node, tuple[float, dict[str, int]]] = {}
        self._loaded: set[Node] = set()
        self._fresh: dict[Node, Future[str | None]] = {}
        self._looked_at: set[Node] = set()
        self._stages = 0
        self._pool: ThreadPoolExecutor | None = None
        self._starting = Lock()

    # --- what runs ----------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> dict[str, Port]:
        """The ports of the outputs, by name."""
        return {name: self.made[port.node].port(port.output) for name, port in self.ports.items()}

    def tasks(self) -> list[Task]:
        """Return the tasks to plan: those whose outputs are there need no inputs."""
        return [
            replace(one.task, inputs=(), same_as=one.task.fingerprint) if node in self._given else one.task
            for node, one in self.made.items()
        ]

    def keys(self) -> set[str]:
        """Return the keys of all outputs."""
        return {one.task.port(name).key for one in self.made.values() for name in one.task.outputs}

    def unique(self) -> tuple[FlowTask, ...]:
        """Return the tasks, of equal ones the first: its inputs come before all that reads it."""
        made: dict[Fingerprint, FlowTask] = {}
        for one in self.made.values():
            made.setdefault(one.task.fingerprint, one)
        return tuple(made.values())

    def unkept(self) -> set[Fingerprint]:
        """Return the tasks whose outputs are not to be kept: parts of others', or made in an earlier stage."""
        views = {node for node in self.made if getattr(node.call, "is_view", False)}
        return {self.made[node].task.fingerprint for node in views | self._given.keys()}

    def is_given(self, task: Task) -> bool:
        """Say whether the outputs of a task are there."""
        return task.fingerprint in {self.made[node].task.fingerprint for node in self._given}

    def calls(self, audit: Audit) -> dict[Fingerprint, Call]:
        """Return what the engine runs, by the fingerprint of the task; of equal tasks the first."""
        made: dict[Fingerprint, Call] = {}
        tasks = self.unique()
        watched = audit.over(tasks)
        for one in tasks:
            call: Call = watched[one.task.fingerprint]
            if one.node in self._given:
                call = Given(self._given[one.node])
            elif isinstance(one.node.call, TakeCall):
                call = Digested(call, partial(self._hash, one.node))
            made[one.task.fingerprint] = call
        return made

    def _hash(self, node: Node, values: tuple[Any, ...]) -> None:
        with self._starting:  # steps run at the same time
            self._pool = self._pool or ThreadPoolExecutor(1, "mileage-digest")
        self._fresh[node] = self._pool.submit(digest_of, values)

    # --- what runs first ----------------------------------------------------------------------------------------------

    def early(self, plan: PhysicalPlan, costs: Seconds) -> PhysicalPlan | None:
        """Return the part of a plan that is to run first, to see whether the rest is needed; None if nothing is."""
        if self._stages == _STAGES or not self._before:
            return None
        computed = {planned.task.fingerprint for planned in plan if planned.action is Action.COMPUTE}
        after = self._seconds_after(computed, costs)
        chosen, behind = [], set()  # ``behind``: what may change its key once a candidate was looked at
        for node, one in self.made.items():
            inputs = [port.node for port in node.inputs]
            take = isinstance(node.call, TakeCall)
            waits = any(i in behind and not (take and isinstance(i.call, TakeCall)) for i in inputs)
            candidate = one.task.fingerprint in computed and self._may_end_here(node, one, after[node])
            if candidate and not waits:
                chosen.append(node)
            if waits or candidate or any(i in behind for i in inputs):
                behind.add(node)
        self._looked_at |= set(chosen)
        self._stages += 1
        return _part(plan, {self.made[node].task.fingerprint for node in chosen}) if chosen else None

    def _seconds_after(self, computed: set[Fingerprint], costs: Seconds) -> dict[Node, float]:
        """Return for each node the seconds of all that is computed after it."""
        nodes = list(self.made)
        place = {node: i for i, node in enumerate(nodes)}
        tasks = [self.made[node].task for node in nodes]
        seconds = [costs(task)[0] if task.fingerprint in computed else 0.0 for task in tasks]
        masks = [0] * len(nodes)
        for node in reversed(nodes):
            for port in node.inputs:
                masks[place[port.node]] |= masks[place[node]] | 1 << place[node]
        return {
            node: sum(s for i, s in enumerate(seconds) if s and masks[place[node]] >> i & 1) for node in nodes
        }  # fmt: skip

    def _may_end_here(self, node: Node, one: FlowTask, after_s: float) -> bool:
        if node in self._given or node in self._looked_at or after_s < _FIXED_S:
            return False
        if isinstance(node.call, TakeCall):
            return bool(self._by_digest)
        old = self._old(node, one)
        return old is not None and after_s > _FIXED_S + 2 * old["size_bytes"] / _BYTES_S

    def _old(self, node: Node, one: FlowTask) -> Mapping[str, Any] | None:
        """Return the task of the version before that a step was edited from, if its outputs are kept."""
        found = self._before.get(node.label, [])
        old = next((task for task in found if task["where"] == str(node.where)), found[0] if len(found) == 1 else None)
        if old is None or old["code"] == str(one.identity.key) or old["task"] == one.task.fingerprint:
            return None
        return old if all(self.store.has(f"{old['task']}.{name}") for name in node.outputs) else None

    # --- what was seen ------------------------------------------------------------------------------------------------

    def take_in(self, outcome: Outcome, part: PhysicalPlan, audit: Audit) -> None:
        """Take in what ran first: outputs, seconds, and which tasks gave what others gave before."""
        ran, read = (
            {planned.task.fingerprint for planned in part if planned.action is action}
            for action in (Action.COMPUTE, Action.LOAD)
        )
        self._loaded |= {node for node, one in self.made.items() if one.task.fingerprint in read}
        old = dict(self.made)
        for node, one in old.items():
            name = one.task.fingerprint
            if name not in ran or node in self._given:
                continue
            ports = [one.port(i) for i in range(node.n_outputs)]
            self._given[node] = tuple(outcome.values[port] for port in ports)
            sizes = {port.output: outcome.sizes[port.key] for port in ports if port.key in outcome.sizes}
            self._spent[node] = (outcome.seconds.get(name, 0.0), sizes)
            if node in self._looked_at and not self._is_of_one_run(node, audit):
                self._compare(node, one)
        self.made = flow_tasks(self.ports.values(), self.seen)
        there = {self.made[node].task.fingerprint: values for node, values in self._given.items()}
        self._given |= {n: there[o.task.fingerprint] for n, o in self.made.items() if o.task.fingerprint in there}
        for node in self._spent:
            if found := audit.found.get(old[node].task.fingerprint):
                audit.found[self.made[node].task.fingerprint] = found

    def _compare(self, node: Node, one: FlowTask) -> None:
        before = self._old(node, one)
        if before is not None:
            kept = digest_of([self.store.get(f"{before['task']}.{name}") for name in node.outputs])
            if kept is not None:
                self._by_digest.setdefault(kept, Fingerprint(before["task"]))
                self._known.setdefault(before["task"], kept)
            self._hash(node, self._given[node])
        future = self._fresh.get(node)
        digest = future.result() if future is not None else None
        if digest is not None and digest in self._by_digest:
            self.seen.nodes[node] = self._by_digest[digest]

    def _is_of_one_run(self, node: Node, audit: Audit) -> bool:
        """Say whether a node, or one that it is made from, may give something else next time."""
        seen, stack = {node}, [node]
        while stack:
            one = stack.pop()
            if audit.is_of_one_run(self.made[one].task.fingerprint):
                return True
            fresh = {port.node for port in one.inputs} - seen
            seen |= fresh
            stack += fresh
        return False

    # --- what is said of it -------------------------------------------------------------------------------------------

    def as_run(self, plan: PhysicalPlan) -> PhysicalPlan:
        """Return the plan of the last stage with what the earlier ones computed and loaded, be it needed in the end or not."""
        ran = {self.made[node].task.fingerprint: Action.LOAD for node in self._loaded}
        ran |= {self.made[node].task.fingerprint: Action.COMPUTE for node in self._spent}
        actions = ((p, ran.get(p.task.fingerprint, p.action)) for p in plan)
        done = tuple(replace(p, action=action) if p.action is Action.PRUNE else p for p, action in actions)
        return replace(plan, tasks=done)

    def whole(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the last stage with what the earlier ones took."""
        names = {node: self.made[node].task.fingerprint for node in self._given}
        seconds = {name: s for name, s in outcome.seconds.items() if name not in names.values()}
        seconds |= {names[node]: spent for node, (spent, _) in self._spent.items()}
        sizes = dict(outcome.sizes)
        for node, (_, found) in self._spent.items():
            sizes |= {f"{names[node]}.{output}": size for output, size in found.items()}
        return replace(outcome, seconds=seconds, sizes=sizes)

    def record(self, audit: Audit) -> dict[str, Any]:
        """Return what the next version needs to know, as plain data."""
        tasks = {str(one.task.fingerprint) for one in self.made.values()}
        digests = {task: digest for task, digest in self._known.items() if task in tasks}
        for node, future in self._fresh.items():
            if (digest := future.result()) is not None and not self._is_of_one_run(node, audit):
                digests[str(self.made[node].task.fingerprint)] = digest
        same = {str(one.lineage): str(one.task.fingerprint) for one in self.made.values()}
        same = {lineage: task for lineage, task in same.items() if lineage != task}
        if self._pool is not None:
            self._pool.shutdown()
        return {name: found for name, found in (("same", same), ("digests", digests)) if found}


def _part(plan: PhysicalPlan, wanted: Iterable[Fingerprint]) -> PhysicalPlan:
    """Return what a plan does for some of its tasks, with all outputs of what it computes."""
    needed = set(wanted)
    kept: list[PlannedTask] = []
    for planned in reversed(plan.tasks):
        if planned.task.fingerprint in needed:
            kept.append(planned)
            if planned.action is Action.COMPUTE:
                needed |= {port.task for port in planned.task.inputs}
    computed = [planned.task for planned in kept if planned.action is Action.COMPUTE]
    ports = tuple(task.port(name) for task in computed for name in task.outputs)
    names = {task.fingerprint for task in computed}
    segments = tuple(tuple(name for name in segment if name in names) for segment in plan.segments)
    return PhysicalPlan(tuple(reversed(kept)), ports, tuple(segment for segment in segments if segment))
