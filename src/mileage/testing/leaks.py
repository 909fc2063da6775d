"""What rows really went into what, row by row: the truth that the check of plans is tested against.

:mod:`mileage.optimizer.provenance` decides from parts of a deal, before anything runs. Here the splits are dealt, and each row of each
output carries what was learned from. A plan leaks if a score is made of answers for other rows than its split keeps apart, or of
answers into which such a row, or a row of the same group, was learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mileage.core.fingerprint import Fingerprint
from mileage.data import Splits, SplitSpec, sampled
from mileage.data.reshuffle import reshuffled
from mileage.data.splits import deal_rows
from mileage.workflow import PhysicalPlan, Port, Task, TaskKind

_LEARN = {TaskKind.FIT, TaskKind.WHOLE, TaskKind.CUT, TaskKind.LEARN, TaskKind.TOGETHER, TaskKind.BIN, TaskKind.MUNGE}
_SHAPE = {TaskKind.APPLY, TaskKind.GATHER, TaskKind.PREDICT, TaskKind.JOIN, TaskKind.BLEND, TaskKind.SUMS}
_SCORES = {TaskKind.SCORE, TaskKind.SCORES}
Row = tuple[Fingerprint, int]  # source, number


@dataclass(frozen=True)
class Table:
    """The target of a source, and the columns that deal its rows."""

    y: Any
    aux: Any = None


@dataclass(frozen=True)
class _Value:
    """The rows of an output, in order if it has one, and all rows that were learned into it."""

    rows: tuple[Row, ...] = ()
    learned: frozenset[Row] = frozenset()


def leaks_of(plan: PhysicalPlan, tables: Mapping[Fingerprint, Table]) -> list[str]:
    """Return what leaks in a plan, one text a score; empty if nothing does.

    Parameters
    ----------
    plan : PhysicalPlan
    tables : mapping of fingerprint to Table
        By the task that reads them.

    Examples
    --------
    >>> leaks_of(PhysicalPlan((), (), ()), {})
    []
    """
    following = _Following(tables)
    return [leak for planned in plan for leak in following.add(planned.task)]


class _Following:
    def __init__(self, tables: Mapping[Fingerprint, Table]) -> None:
        self.tables = tables
        self.values: dict[Port, _Value] = {}
        self.splits: dict[Port, Splits] = {}
        self.masked: dict[Fingerprint, list[_Value]] = {}
        self.groups: dict[Fingerprint, Any] = {}  # of each row, where a deal keeps groups together

    def add(self, task: Task) -> list[str]:
        """Follow the rows through a task; return its leaks."""
        if task.kind in _SCORES:
            return [] if "place" in dict(task.params) else list(self._leaks(task))
        if "splits" in task.outputs:
            self.splits[task.port("splits")] = self._dealt(task)
        else:
            self.values |= {task.port(output): value for output, value in self._made(task).items()}
        return []

    # --- splits -------------------------------------------------------------------------------------------------------

    def _dealt(self, task: Task) -> Splits:
        params: dict[str, Any] = dict(task.params)
        if task.kind is TaskKind.DEAL:
            source = task.inputs[0].task
            table = self.tables[source]
            if params["groups"]:
                self.groups[source] = table.aux[list(params["groups"])].agg(tuple, axis=1).to_numpy()
            return deal_rows(SplitSpec(**params), table.y, table.aux)
        before = self.splits[task.inputs[0]]
        if task.kind is TaskKind.SAMPLE:
            return sampled(before, params["fraction"], seed=params["seed"])
        params.pop("seed")
        return reshuffled(before, **params)

    def _part(self, splits: Port, i: int, part: str, source: Fingerprint) -> tuple[Row, ...]:
        pair = self.splits[splits].pairs[i]
        rows = (pair.train if part == "train" else pair.test).indices()
        return tuple((source, int(row)) for row in rows)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _made(self, task: Task) -> dict[str, _Value]:
        params: dict[str, Any] = dict(task.params)
        if task.kind is TaskKind.SOURCE:
            rows = tuple((task.fingerprint, i) for i in range(len(self.tables[task.fingerprint].y)))
            return dict.fromkeys(task.outputs, _Value(rows))
        if task.kind in {TaskKind.TAKE, TaskKind.TARGET}:
            if params["part"] == "all":
                return {"out": self.values[task.inputs[0]]}
            source = self.values[task.inputs[0]].rows[0][0]
            return {"out": _Value(self._part(task.inputs[1], params["split"], params["part"], source))}
        if task.kind is TaskKind.CODE:
            return {"codes": self.values[task.inputs[0]]}
        if task.kind is TaskKind.CELLS:
            return {"out": self.values[task.inputs[0]]}
        if task.kind is TaskKind.LIFT:
            return {"out": _Value(self._lifted(task, params["split"], params["other"]))}
        if task.kind is TaskKind.MASKED:
            return self._masked(task, params)
        if task.kind is TaskKind.CUT and task.inputs[0].task in self.masked:
            return {"state": self.masked[task.inputs[0].task][params["place"]]}
        if task.kind is TaskKind.MERGE:
            return self._merged(task, params.get("places"))
        inputs = [self.values[port] for port in task.inputs if port in self.values]
        if task.kind in _LEARN:
            return _learned(task, inputs)
        if task.kind in _SHAPE or task.kind is TaskKind.IMAGE:
            return dict.fromkeys(task.outputs, _Value(_longest(inputs), _union(inputs)))
        return {}  # of layouts: names of columns, which carry no row; of weights, which no plan reads

    def _masked(self, task: Task, params: Mapping[str, Any]) -> dict[str, _Value]:
        made, width = list[_Value](), 1 + params["n_states"]
        for i, split in enumerate(params["places"]):
            splits, *states = task.inputs[3 + i * width : 3 + (i + 1) * width]
            rows = self._part(splits, split, "train", task.inputs[0].task)
            made.append(_Value((), _union([self.values[port] for port in states]) | set(rows)))
        self.masked[task.fingerprint] = made
        return {"state": _Value((), _union(made))}

    def _lifted(self, task: Task, split: int, other: int | None) -> tuple[Row, ...]:
        """Return the rows that a state is of: of a fold those that another one trains on, without those of smaller splits."""
        source, rows = task.inputs[0].task, set[Row]()
        for i, splits in enumerate(task.inputs[3:]):
            train = set(self._part(splits, split if other is None else other, "train", source))
            part = train if other is None else train & set(self._part(splits, split, "test", source))
            rows = rows - part if i else part
        return tuple(sorted(rows))

    def _merged(self, task: Task, places: Any) -> dict[str, _Value]:
        parts = [self.values[port] for port in task.inputs]
        if task.outputs == ("out",):
            return {"out": _Value(tuple(row for part in parts for row in part.rows), _union(parts))}
        chosen = {
            output: [part for j, part in enumerate(parts) if (j != i if places is None else places[j] == i)]
            for i, output in enumerate(task.outputs)
        }
        return {
            output: _Value(tuple(row for part in found for row in part.rows), _union(found))
            for output, found in chosen.items()
        }

    # --- scores -------------------------------------------------------------------------------------------------------

    def _leaks(self, task: Task) -> Iterator[str]:
        params: dict[str, Any] = dict(task.params)
        if params.get("whole"):
            *answers, y = task.inputs
            truths = [self.values[y].rows] * len(answers)
        elif "route" in params:
            yield from self._leaks_of_sums(task, params)
            return
        else:
            *answers, y, splits = task.inputs
            truths = [self._part(splits, i, "test", y.task) for i in range(len(answers))]
        for port, truth in zip(answers, truths, strict=True):
            yield from self._leak(task, self.values[port], truth)

    def _leaks_of_sums(self, task: Task, params: Mapping[str, Any]) -> Iterator[str]:
        *parts, _, y, splits = task.inputs
        width = 2 + params["n_states"]
        for i in range(len(parts) // width):
            fits, seen, *states = (self.values[port] for port in parts[i * width : (i + 1) * width])
            answer = _Value(tuple(sorted(seen.rows)), _union([fits, seen, *states]))
            yield from self._leak(task, answer, self._part(splits, i, "test", y.task))

    def _leak(self, task: Task, answer: _Value, truth: tuple[Row, ...]) -> Iterator[str]:
        if answer.rows != truth:
            yield f"{task.label} scores other rows than it reads the truth of"
        elif not answer.learned.isdisjoint(truth):
            yield f"{task.label} scores rows that were learned from"
        elif not self._groups(answer.learned).isdisjoint(self._groups(frozenset(truth))):
            yield f"{task.label} scores rows of a group that was learned from"

    def _groups(self, rows: frozenset[Row]) -> set[Any]:
        return {(source, self.groups[source][row]) for source, row in rows if source in self.groups}


def _learned(task: Task, inputs: list[_Value]) -> dict[str, _Value]:
    """Learn from all that is given; a transformer's output for its train rows is shaped by all of it."""
    rows = _longest(inputs)
    learned = _union(inputs) | {row for value in inputs for row in value.rows}
    return {output: _Value(rows if output == "out" else (), learned) for output in task.outputs}


def _longest(inputs: list[_Value]) -> tuple[Row, ...]:
    return max((value.rows for value in inputs), key=len, default=())


def _union(inputs: list[_Value]) -> frozenset[Row]:
    return frozenset().union(*(value.learned for value in inputs))
