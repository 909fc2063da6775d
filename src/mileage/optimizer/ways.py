"""How columns come to a step: by fitted steps each of whose outputs is a linear map of columns, so that sums or weights can be told through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mileage.core.domains import Value
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.from_sums import Linear
from mileage.workflow import Port, Task, TaskKind

KINDS = frozenset({"numeric", "categorical"})


@dataclass(frozen=True)
class Take:
    """Columns of the train rows as they are."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """The output of a fitted transformer for what comes before it."""

    fit: Task
    before: Way


@dataclass(frozen=True)
class Join:
    """Columns side by side."""

    parts: tuple[Way, ...]


Way = Take | Step | Join


def way_of(port: Port, tasks: Mapping[Fingerprint, Task]) -> Way | None:
    """Return how columns come to a step, if each step on the way is linear."""
    task = tasks[port.task]
    if task.kind is TaskKind.TAKE:
        columns = texts(dict(task.params)["columns"])
        kinds = kinds_of(tasks[task.inputs[0].task])
        return Take(columns) if {kinds.get(name) for name in columns} <= KINDS else None
    if task.kind is TaskKind.FIT and isinstance(operators.find(task.operator), Linear):
        before = way_of(task.inputs[0], tasks)
        return None if before is None else Step(task, before)
    if task.kind is TaskKind.JOIN and dict(task.params)["dense"]:
        parts = [way_of(part, tasks) for part in task.inputs]
        known = tuple(part for part in parts if part is not None)
        return Join(known) if len(known) == len(parts) else None
    return None


def columns_of(way: Way) -> Sequence[str]:
    """Return the source columns of a way, as often as they are read."""
    if isinstance(way, Take):
        return way.columns
    parts = way.parts if isinstance(way, Join) else (way.before,)
    return [name for part in parts for name in columns_of(part)]


def operators_of(way: Way) -> Iterator[str]:
    """Yield the operators that are fitted on a way."""
    if isinstance(way, Step):
        yield way.fit.operator
    for part in () if isinstance(way, Take) else way.parts if isinstance(way, Join) else (way.before,):
        yield from operators_of(part)


def route_of(way: Way) -> tuple[Value, list[Port]]:
    """Return a way as plain values, and the steps along it, as they are fitted on train rows."""
    if isinstance(way, Take):
        return ("take", way.columns), []
    if isinstance(way, Join):
        found = [route_of(part) for part in way.parts]
        return ("join", tuple(route for route, _ in found)), [port for _, ports in found for port in ports]
    route, states = route_of(way.before)
    return ("step", way.fit.operator, route), [*states, way.fit.port("state")]


def layout_of(source: Task, columns: Sequence[str]) -> Task:
    """Return the task that says about where the numbers of some columns of a source lie."""
    kinds = kinds_of(source)
    named: tuple[tuple[str, Value], ...] = tuple(
        (kind, tuple(name for name in columns if kinds[name] == kind)) for kind in sorted(KINDS)
    )
    return Task(TaskKind.LAYOUT, params=named, inputs=(source.port("X"),), label="lay out columns")


def kinds_of(source: Task) -> dict[str, str]:
    """Return the kind of each column of a source."""
    pairs = dict(source.params).get("columns", ())
    assert isinstance(pairs, tuple)
    return dict(map(texts, pairs))  # type: ignore[arg-type]


def texts(value: Value) -> tuple[str, ...]:
    """Return a tuple of texts."""
    assert isinstance(value, tuple)
    return tuple(str(one) for one in value)
