"""The graph of a flow: immutable nodes, each a call with its inputs, and the tasks they become."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mileage.core.fingerprint import Fingerprint
from mileage.workflow.flow.calls import Call
from mileage.workflow.identity import Identity
from mileage.workflow.task import Port, Task, TaskKind


class Where(NamedTuple):
    """The user's line that made a node."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Where("", 0)


class NodePort(NamedTuple):
    """One output of a node."""

    node: Node
    output: int = 0


@dataclass(frozen=True, eq=False)
class Node:
    """A deferred step: what it does, to what, whose line it is, and what it is declared to do to rows."""

    call: Call
    inputs: tuple[NodePort, ...] = ()
    n_outputs: int = 1
    label: str = ""
    where: Where = NOWHERE
    rows: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return ("out",) if self.n_outputs == 1 else tuple(f"out{i}" for i in range(self.n_outputs))


@dataclass(frozen=True)
class FlowTask:
    """A node as a task, with the identity its fingerprint rests on; ``lineage`` is its key whatever it gave."""

    node: Node
    task: Task
    identity: Identity
    lineage: Fingerprint

    def port(self, output: int = 0) -> Port:
        """Return the port of an output."""
        return self.task.port(self.node.outputs[output])


def upstream(ports: Iterable[NodePort]) -> list[Node]:
    """Return the nodes that ports need, inputs first, each once; no recursion, so that a flow may be long."""
    order: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(port.node, False) for port in reversed(list(ports))]
    while stack:
        node, ready = stack.pop()
        if ready:
            order[node] = None
        elif node not in order:
            stack.append((node, True))
            stack += [(port.node, False) for port in reversed(node.inputs) if port.node not in order]
    return list(order)


@dataclass(frozen=True)
class Seen:
    """What was seen of outputs: tasks, by lineage or by node, that gave what another task gives; and identities."""

    lineages: Mapping[Fingerprint, Fingerprint] = field(default_factory=dict)
    nodes: dict[Node, Fingerprint] = field(default_factory=dict)
    identities: dict[int, Identity] = field(default_factory=dict)


def flow_tasks(ports: Iterable[NodePort], seen: Seen | None = None) -> dict[Node, FlowTask]:
    """Return the task of each node that ``ports`` need, in an order that can run.

    Two nodes that do the same to the same inputs become the same task, whatever they are called; so do two that were
    ``seen`` to give the same.
    """
    made: dict[Node, FlowTask] = {}
    with _without_collection():
        _fill(made, upstream(ports), seen or Seen())
    return made


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the collector still: keys are thousands of short-lived objects, and it would walk all that libraries hold."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _fill(made: dict[Node, FlowTask], nodes: Iterable[Node], seen: Seen) -> None:
    known = seen.identities  # some nodes share a call
    for node in nodes:
        identity = known.get(id(node.call)) or known.setdefault(id(node.call), node.call.identity())
        task = Task(
            TaskKind.CALL,
            params=(("code", str(identity.key)),),
            inputs=tuple(made[port.node].port(port.output) for port in node.inputs),
            outputs=node.outputs,
            label=node.label,
            step=str(node.where),
        )
        lineage = task.fingerprint
        same_as = seen.nodes.get(node) or seen.lineages.get(lineage)
        if same_as is not None and same_as != lineage:
            task = replace(task, same_as=same_as)
        made[node] = FlowTask(node, task, identity, lineage)
