"""What to keep of a run of a flow: what the policy knows, from the catalog, and what the engine and the store ask it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mileage.catalog.container import Packing
from mileage.catalog.flows import CostRecord, VersionRecord
from mileage.catalog.room import Kept
from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.changes import ChangeModel, expected_reads
from mileage.optimizer.policies import PACKED_SHARE, Item, Known, Part, Policy, make_room
from mileage.session.parts import parts_of
from mileage.workflow import Action, PhysicalPlan
from mileage.workflow.flow.node import FlowTask

if TYPE_CHECKING:
    from mileage.session.iterate import Costs
    from mileage.session.session import Session

_DAY_S = 86400.0
_UNKNOWN_S = 1.0  # a result of a query, or of a catalog that was lost
_REMEMBERED = 30  # versions to learn from


class Keeping:
    """Answers for one run: is a result worth keeping, and which others leave for it.

    The engine asks :meth:`wants`, the store :meth:`order`, from another thread. ``reads`` are the keys the plan loads.
    What ``is_of_one_run``, and all that is made from it, is never kept: its key does not say what it is.
    """

    def __init__(
        self,
        policy: Policy,
        known: Known,
        n_outputs: Mapping[str, int],
        reads: Iterable[str],
        is_of_one_run: Callable[[Fingerprint], bool] = lambda _: False,
        packing_for: Callable[[int], Packing | None] = lambda _: None,
    ) -> None:
        self.policy, self.known, self.reads = policy, known, frozenset(reads)
        self._n_outputs, self._is_of_one_run, self._packing_for = n_outputs, is_of_one_run, packing_for
        self._decided: dict[str, bool] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(
        cls,
        session: Session,
        flow: str,
        tasks: Sequence[FlowTask],
        plan: PhysicalPlan,
        costs: Costs,
        is_of_one_run: Callable[[Fingerprint], bool] = lambda _: False,
    ) -> Keeping:
        """Return what decides for a plan; it looks into the history only where something is computed."""
        policy = session.policy
        known = Known({}, session.store.quota_bytes)
        if plan.count(Action.COMPUTE):
            known.items |= _past(session)
            model = learned_changes(session.catalog.flows.versions(flow, most=_REMEMBERED))
            known.items |= _present(tasks, plan, costs, model)
            known.undo = model.undo
        loads = [planned.task for planned in plan if planned.action is Action.LOAD]
        return cls(
            policy,
            known,
            {str(one.task.fingerprint): len(one.task.outputs) for one in tasks},
            (task.port(name).key for task in loads for name in task.outputs),
            is_of_one_run,
            session.store.room.packing_for,
        )

    def wants(self, task: Fingerprint, key: str, *, seconds: float, size_bytes: int) -> bool:
        """Say whether to keep an output; all of a task's are kept, or none, since none is loaded alone."""
        del key
        name = str(task)
        with self._lock:
            if name not in self._decided:
                item = self.known.items.setdefault(name, Item())
                item.seconds, item.size_bytes = seconds, size_bytes * self._n_outputs.get(name, 1)
                packing = self._packing_for(size_bytes)
                item.disk_bytes = int(item.size_bytes * (1.0 if packing is None else PACKED_SHARE))
                item.small = packing is Packing.SMALL
                item.last_used = time.time()
                stays = not any(self._is_of_one_run(Fingerprint(other)) for other in self._behind(name))
                item.kept = self._decided[name] = stays and self.policy.wants(self.known, name)
            return self._decided[name]

    def _behind(self, task: str) -> set[str]:
        """Return a task and all that it is made from."""
        seen, stack = {task}, [task]
        while stack:
            item = self.known.items.get(stack.pop())
            fresh = set(item.inputs if item is not None else ()) - seen
            seen |= fresh
            stack += fresh
        return seen

    def order(self, kept: Sequence[Kept], need_bytes: int, incoming: Kept | None) -> Iterable[str] | None:
        """Return the keys that leave the store, the least worth first; None if what comes is worth less."""
        with self._lock:
            files: dict[str, list[Kept]] = {}
            for file in kept:
                files.setdefault(file.key.partition(".")[0], []).append(file)
            for name, found in files.items():
                self._enter(name, found)
            if incoming is None:
                listed = sorted(files, key=lambda name: (self.policy.score(self.known, name), name))
                return [file.key for name in listed for file in files[name]]
            task = incoming.key.partition(".")[0]
            item = self.known.items.setdefault(task, Item(_UNKNOWN_S, incoming.size_bytes, last_used=time.time()))
            item.disk_bytes = incoming.size_bytes * self._n_outputs.get(task, 1)
            stays = {name for name, item in self.known.items.items() if item.kept and name not in files}
            gone = make_room(self.policy, self.known, need_bytes, incoming=task, stays={*stays, task})
            for name in gone if gone is not None else (task,):
                self.known.items[name].kept = False
            return None if gone is None else [file.key for name in gone for file in files[name]]

    def _enter(self, name: str, found: list[Kept]) -> None:
        last_used = max(file.last_used for file in found)
        if name not in self.known.items:
            self.known.items[name] = Item(_UNKNOWN_S, age=int((time.time() - last_used) // _DAY_S))
        item = self.known.items[name]
        item.kept, item.disk_bytes = True, sum(file.size_bytes for file in found)
        item.size_bytes = item.size_bytes or item.disk_bytes
        item.last_used = max(item.last_used, last_used)


def learned_changes(versions: Sequence[VersionRecord]) -> ChangeModel:
    """Return what the versions of a flow, oldest first, say about its next change."""
    model = ChangeModel()
    before: dict[str, str] = {}
    seen: list[frozenset[str]] = []
    for version in versions:
        tasks = version.record["tasks"]
        codes = {_step(task): str(task["code"]) for task in tasks}
        whole = frozenset(task["task"] for task in tasks)
        changed = [step for step, code in codes.items() if before.get(step) != code]
        if seen and whole != seen[-1]:
            model.observe(changed, undo=whole in seen)
        before = codes
        seen.append(whole)
    return model


def _step(task: Mapping[str, str]) -> str:
    return task["label"]


def _inputs(tasks: Sequence[FlowTask]) -> dict[str, tuple[str, ...]]:
    return {
        str(one.task.fingerprint): tuple(dict.fromkeys(str(port.task) for port in one.task.inputs)) for one in tasks
    }


def _past(session: Session) -> dict[str, Item]:
    """Return the tasks of all versions as the catalog knows them."""
    flow_of = dict(session.catalog.flows.numbers())
    versions: dict[str | None, list[int]] = {}
    for number, flow in flow_of.items():
        versions.setdefault(flow, []).append(number)
    made = {}
    for name, record in session.catalog.flows.all_costs().items():
        listed = versions.get(flow_of.get(record.last_version), [])
        made[name] = _item(record, age=1 + len(listed) - bisect_right(listed, record.last_version))
    return made


def _item(record: CostRecord, age: int) -> Item:
    part = Part(record.part) if record.part else Part.PREPROCESSING
    return Item(
        record.seconds, record.size_bytes, record.inputs, part, age=age, hits=record.hits, misses=record.misses
    )  # fmt: skip


def _present(tasks: Sequence[FlowTask], plan: PhysicalPlan, costs: Costs, model: ChangeModel) -> dict[str, Item]:
    """Return the tasks of the plan, with how often each result will be read."""
    inputs = _inputs(tasks)
    parts = {str(task): part for task, part in parts_of(tasks).items()}
    steps = {str(one.task.fingerprint): one.node.label for one in tasks}
    by_step = model.chances({steps[name]: part for name, part in parts.items()})
    shared = {step: sum(other == step for other in steps.values()) for step in by_step}
    chances = {name: by_step[step] / shared[step] for name, step in steps.items()}
    reads = expected_reads(inputs, chances, {str(port.task) for port in plan.wanted}, model.undo)
    made = {}
    for planned in plan:
        name = str(planned.task.fingerprint)
        seconds, load_s = costs(planned.task)
        record = costs.known.get(name)
        made[name] = Item(
            seconds, record.size_bytes if record else 0, inputs[name], parts[name], kept=load_s is not None,
            reuse=reads[name], hits=record.hits if record else 0, misses=record.misses if record else 0,
            disk_bytes=costs.disk_bytes(planned.task) or 0, small=record is not None and costs.is_small(record.size_bytes),
        )  # fmt: skip
    return made
