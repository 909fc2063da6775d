"""Read only the columns that a fitted workflow looks at, where others are shown not to matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mileage.core.domains import Value
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.rule import PlanContext, rule
from mileage.workflow import PhysicalPlan, Port, Task, TaskKind
from mileage.workflow.projection import Asks, Law, Reads, law_of, reads_of

if TYPE_CHECKING:
    import numpy as np

_ROWS = frozenset({TaskKind.TAKE, TaskKind.APPLY, TaskKind.JOIN, TaskKind.PREDICT})


@rule(Exactness.FP)
def project_dead_columns(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Leave out what a fitted model does not look at, up to the columns of the source.

    ::

        read a, b, c → median → standard → logistic, weights (2, 0, 0)
        ⇒ read a → median [kept a] → standard [kept a] → logistic [kept a]

    A column is left out if no wanted number comes from it, by the law of each fitted step it goes through, and if its values,
    lowest, highest and missing ones, are shown to be such that no step would refuse them and zero times any is zero. What
    is not known of a step, or cannot be shown of a column, keeps the column.

    Law: the same rows with all columns predict the same; sums of fewer terms may differ in their last bits.
    """
    if context.fitted is None or len(plan.wanted) != 1:
        return plan
    way = _Way.to(plan, plan.wanted[0])
    if way is None:
        return plan
    reads = reads_of(context.fitted(way.tasks[-1].inputs[0]))
    if reads is None or (way.is_direct and len(reads.columns) == reads.n_columns):
        return plan
    if not _forward(way, context, reads):
        return plan
    return _rewritten(plan, way, _backward(way, reads))


@dataclass
class _Way:
    """The tasks from a source to a prediction, in order; ``ends`` holds three rows for each port that carries rows."""

    source: Task
    tasks: list[Task]
    laws: dict[Fingerprint, Law] = field(default_factory=dict)
    ends: dict[Fingerprint, np.ndarray] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        """Whether the model reads the joined columns as they are, so that no step before it leaves any out."""
        before = _rows_of(self.tasks[-1])[0].task
        return any(task.kind is TaskKind.JOIN and task.fingerprint == before for task in self.tasks)

    @classmethod
    def to(cls, plan: PhysicalPlan, port: Port) -> _Way | None:
        """Return the way to a prediction, if all of it is of kinds that can be narrowed."""
        tasks = {planned.task.fingerprint: planned.task for planned in plan}
        needed = {port.task}
        for task in reversed(tasks.values()):
            if task.fingerprint in needed and task.kind in _ROWS:
                needed |= {given.task for given in _rows_of(task)}
        way = [task for task in tasks.values() if task.fingerprint in needed]
        sources = [task for task in way if task.kind is TaskKind.SOURCE]
        rest = [task for task in way if task.kind in _ROWS]
        if len(sources) != 1 or len(rest) + 1 < len(way) or tasks[port.task].kind is not TaskKind.PREDICT:
            return None
        if any(task.kind is TaskKind.TAKE and dict(task.params).get("part") != "all" for task in rest):
            return None
        return cls(sources[0], rest)


def _rows_of(task: Task) -> tuple[Port, ...]:
    """Return the inputs that carry rows: not the fitted step."""
    return task.inputs[1:] if task.kind in {TaskKind.APPLY, TaskKind.PREDICT} else task.inputs


def _forward(way: _Way, context: PlanContext, reads: Reads) -> bool:
    """Follow the ends of all columns to the model; say whether each step on the way is known."""
    import numpy as np

    assert context.fitted is not None
    for task in way.tasks[:-1]:
        given = [way.ends[port.task] for port in _rows_of(task) if port.task in way.ends]
        if task.kind is TaskKind.TAKE:
            way.ends[task.fingerprint] = _ends_of(_columns(task), way.source, context)
        elif task.kind is TaskKind.JOIN:
            way.ends[task.fingerprint] = np.hstack(given)
        else:
            law = law_of(context.fitted(task.inputs[0]))
            if law is None or len(law.parts) != given[0].shape[1]:
                return False
            way.laws[task.fingerprint] = law
            with np.errstate(all="ignore"):
                way.ends[task.fingerprint] = law.ends(given[0])
    matrix = way.ends[_rows_of(way.tasks[-1])[0].task]
    return int(matrix.shape[1]) == reads.n_columns


def _ends_of(columns: Sequence[str], source: Task, context: PlanContext) -> np.ndarray:
    """Return the lowest and the highest value of each column, and a missing one if there may be any."""
    import numpy as np

    kinds: Any = dict(dict(source.params)["columns"])  # type: ignore[arg-type]
    made = np.zeros((3, len(columns)))
    for i, name in enumerate(columns):
        if kinds[name] == "numeric":
            low, high, may_miss = context.bounds(name)
            made[:, i] = (low, high, np.nan if may_miss else low)
    return np.clip(made, -np.finfo(float).max, np.finfo(float).max)  # infinite numbers are read as missing


def _backward(way: _Way, reads: Reads) -> dict[Fingerprint, frozenset[int]]:
    """Return the columns of each task's rows that are needed, from the model back."""
    wanted: dict[Fingerprint, set[int]] = {task.fingerprint: set() for task in way.tasks}
    for task in reversed(way.tasks):
        given = [port.task for port in _rows_of(task)]
        if task.kind is TaskKind.PREDICT:
            needed = set(reads.columns) or {0}  # rows without any column could not be counted
            wanted[given[0]] |= needed | _not_shown(way.ends[given[0]], needed, reads.asks)
        elif task.kind is TaskKind.JOIN:
            first = 0
            for name in given:
                width = way.ends[name].shape[1]
                wanted[name] |= {i - first for i in wanted[task.fingerprint] if first <= i < first + width}
                first += width
        elif task.kind is TaskKind.APPLY:
            law = way.laws[task.fingerprint]
            needed = set(law.inputs_of(wanted[task.fingerprint]))
            wanted[given[0]] |= needed | _not_shown(way.ends[given[0]], needed, law.asks)
    return {name: frozenset(columns) for name, columns in wanted.items()}


def _not_shown(ends: np.ndarray, needed: Iterable[int], asks: Asks) -> set[int]:
    """Return the columns that are not needed, but not shown to be what a step asks of them either."""
    import numpy as np

    if asks is Asks.NOTHING:
        return set()
    bad = ~np.isfinite(ends) if asks is Asks.FINITE else np.isinf(ends)
    return set(np.flatnonzero(bad.any(axis=0)).tolist()) - set(needed)


def _columns(task: Task) -> tuple[str, ...]:
    columns = dict(task.params)["columns"]
    assert isinstance(columns, tuple)
    return tuple(str(column) for column in columns)


def _rewritten(plan: PhysicalPlan, way: _Way, wanted: dict[Fingerprint, frozenset[int]]) -> PhysicalPlan:
    """Return the plan with the tasks of the way narrowed to what is wanted; branches without any column are gone."""
    narrowing = _Narrowing(way, wanted)
    if narrowing.new[way.source.fingerprint] == way.source:
        return plan
    for task in way.tasks:
        narrowing.add(task)
    tasks = [narrowing.new.get(planned.task.fingerprint, planned.task) for planned in plan]
    made = tuple(
        replace(planned, task=task) for planned, task in zip(plan.tasks, tasks, strict=True) if task is not None
    )
    return replace(plan, tasks=made, wanted=tuple(narrowing.port(port) for port in plan.wanted))


class _Narrowing:
    """The new tasks by the old ones, and which of its former output columns each gives."""

    def __init__(self, way: _Way, wanted: dict[Fingerprint, frozenset[int]]) -> None:
        self.way, self.wanted = way, wanted
        takes = [task for task in way.tasks if task.kind is TaskKind.TAKE]
        used = {_columns(task)[i] for task in takes for i in wanted[task.fingerprint]}
        columns: Any = dict(way.source.params)["columns"]
        source = _with(way.source, columns=tuple(pair for pair in columns if pair[0] in used))
        self.new: dict[Fingerprint, Task | None] = {way.source.fingerprint: source}
        self.gives: dict[Fingerprint, tuple[int, ...]] = {}

    def port(self, port: Port) -> Port:
        """Return where an output is found in the new plan."""
        task = self.new.get(port.task)
        return port if task is None else task.port(port.output)

    def add(self, task: Task) -> None:
        """Add a task whose inputs were added."""
        name, given = task.fingerprint, [port.task for port in _rows_of(task)]
        if task.kind is TaskKind.TAKE:
            self.gives[name] = tuple(sorted(self.wanted[name]))
            columns = _columns(task)
            narrow: dict[str, Value] = {"columns": tuple(columns[i] for i in self.gives[name])}
        elif task.kind is TaskKind.JOIN:
            self.gives[name] = self._joined(given)
            narrow = {}
        else:
            kept, width = self.gives[given[0]], self.way.ends[given[0]].shape[1]
            law = self.way.laws.get(name)
            self.gives[name] = law.outputs_of(kept) if law is not None else (0,)  # a model gives predictions
            narrow = {} if len(kept) == width else {"kept": kept}
        inputs = tuple(self.port(port) for port in task.inputs if self.gives.get(port.task) != ())
        self.new[name] = _with(task, inputs, **narrow) if self.gives[name] else None

    def _joined(self, given: Sequence[Fingerprint]) -> tuple[int, ...]:
        """Return the columns of a matrix that its parts still give."""
        made, first = [], 0
        for name in given:
            made += [first + i for i in self.gives[name]]
            first += self.way.ends[name].shape[1]
        return tuple(made)


def _with(task: Task, inputs: tuple[Port, ...] | None = None, **params: Value) -> Task:
    """Return a task with other inputs, and with parameters added or put in the place of others."""
    changed = tuple({**dict(task.params), **params}.items())
    return replace(task, params=changed, inputs=task.inputs if inputs is None else inputs)
