"""Which rows went into what: a plan is checked for leaks before it runs.

The rows of a source are dealt to parts: folds, or the parts that splits of a workflow's own are put together from. A set of rows is a
bitmap over the parts of one deal, so a check is a few operations on whole numbers for each task. Sets over different deals of one source are
taken to meet. A sample of train rows counts as all of them.

What is checked, of whatever rules have made of a plan:

I1. Whatever shaped the train rows of a fit has learned from these rows only.
I2. Whatever shapes or answers for rows that score has not learned from any of them, and each score reads the rows of its split.
I3. A table that is kept apart to score on is learned from by nothing.
I4. What has learned from all rows of a table does not shape some of them. ``layout``, which names the columns of sums for all folds, and
    ``code``, which names categories for all, are no exceptions that matter: what is fitted gives no weight to what its train rows do not have.

Steps of a user's own flow say nothing of their rows, and are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import is_
from typing import Any

from mileage.core.domains import whole_number
from mileage.core.fingerprint import Fingerprint
from mileage.errors import InternalError
from mileage.workflow import PhysicalPlan, Port, Task, TaskKind

Deal = tuple[
    Fingerprint, Fingerprint | None, int
]  # source, task that deals its rows (None: all are one part), which deal of it
Seen = Mapping[Deal, int]
_ALL = -1  # every part
_NONE: Seen = {}


@dataclass(frozen=True, slots=True)
class Rows:
    """A set of rows of a source, as a bitmap over the parts of a deal."""

    deal: Deal
    parts: int

    def meets(self, seen: Seen) -> bool:
        """Say whether some of the rows may be among others."""
        return any(
            deal[0] == self.deal[0] and (parts & self.parts if deal == self.deal else parts and self.parts)
            for deal, parts in seen.items()
        )

    def has(self, seen: Seen) -> bool:
        """Say whether all others are surely among the rows."""
        if self.deal[1] is None:
            return all(deal[0] == self.deal[0] for deal in seen)
        return all(deal == self.deal and not parts & ~self.parts for deal, parts in seen.items())


@dataclass(frozen=True, slots=True)
class Held:
    """What an output holds: rows, each as it is or summed up, and what its values were learned from besides."""

    rows: Rows | None = None
    seen: Seen = field(default_factory=dict)


_NOTHING = Held()


class Traced:
    """Tasks that were checked in plans before, with what was given to them and what they hold, up to a number of them.

    A task is looked at again unless it is the very same one, and was given the very same.
    """

    def __init__(self, most: int = 5000) -> None:
        self._most = most
        self._known: dict[int, tuple[Task, list[Held], Mapping[Port, Held]]] = {}

    def of(self, task: Task, given: list[Held]) -> Mapping[Port, Held] | None:
        """Return what a task holds, if it was checked with what is given."""
        known = self._known.get(id(task))
        return known[2] if known is not None and all(map(is_, known[1], given)) else None

    def add(self, task: Task, given: list[Held], made: Mapping[Port, Held]) -> None:
        """Remember a task that was checked."""
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[id(task)] = (task, given, made)  # with the task, so that no other one gets its id


def check_leaks(plan: PhysicalPlan, traced: Traced | None = None) -> None:
    """Check that no task of a plan is given what rows that it must not know were learned into.

    What was ``traced`` in plans before is not looked at again.

    Raises
    ------
    InternalError
        If one is: a rule, or what made the tasks, has broken the plan.

    Examples
    --------
    >>> check_leaks(PhysicalPlan((), (), ()))
    """
    tracing = _Tracing(traced)
    for planned in plan:
        tracing.add(planned.task)


def _leak(law: str, task: Task, what: str) -> InternalError:
    return InternalError(f"the plan leaks ({law}): {task.label or task.kind} {what}")


def _union(seen: Iterable[Seen]) -> Seen:
    made: Seen = _NONE
    for one in seen:
        if not made or made is one:
            made = one
        elif one:
            made = {deal: made.get(deal, 0) | one.get(deal, 0) for deal in (*made, *one)}
    return made


class _Tracing:
    """What each output holds, task by task."""

    def __init__(self, traced: Traced | None = None) -> None:
        self.traced = traced
        self.tasks: dict[Fingerprint, Task] = {}
        self.held: dict[Port, Held] = {}
        self.masked: dict[Fingerprint, list[Held]] = {}  # of each model, which ``cut`` takes one of

    def add(self, task: Task) -> None:
        self.tasks.setdefault(task.fingerprint, task)
        if self.traced is None or task.kind not in _TRACED:
            self.held.update(self._holds(task))
            return
        given = self.of(task.inputs)
        made = self.traced.of(task, given)
        if made is None:
            made = self._holds(task)
            self.traced.add(task, given, made)
        self.held.update(made)

    def _holds(self, task: Task) -> dict[Port, Held]:
        made = _HOLDS[task.kind](self, task)
        if isinstance(made, Held):
            made = dict.fromkeys(task.outputs, made)
        return {task.port(output): held for output, held in made.items()}

    def of(self, ports: Iterable[Port]) -> list[Held]:
        try:
            return [self.held[port] for port in ports]
        except KeyError as error:
            raise InternalError(f"the plan does not say which rows went into {error}") from error

    def split(self, splits: Port, i: int, source: Fingerprint) -> tuple[Rows, Rows]:
        """Return the train rows and the test rows of a split."""
        dealt = self.tasks[splits.task]
        if dealt.kind is TaskKind.SAMPLE:
            return self.split(dealt.inputs[0], i, source)
        name, params = dealt.fingerprint, dict(dealt.params)
        if dealt.kind is TaskKind.RESHUFFLE:
            name = dealt.inputs[0].task
            n = whole_number(dict(self.tasks[name].params)["n"])
            tested = _tested(n, tuple(whole_number(params[k]) for k in ("per_round", "n_tested", "private", "repeat")))[
                i
            ]
            return _both((source, name, 0), (1 << n) - 1 & ~tested, tested)
        if params.get("method") != "folds":
            return _both((source, name, i), 1, 2)
        n = whole_number(params["n"])
        if params["order_by"] is not None:
            return _both((source, name, 0), (2 << i) - 1, 2 << i)
        return _both((source, name, i // n), (1 << n) - 1 & ~(1 << i % n), 1 << i % n)


def _both(deal: Deal, train: int, test: int) -> tuple[Rows, Rows]:
    return Rows(deal, train), Rows(deal, test)


@lru_cache(maxsize=4096)
def _tested(n: int, params: tuple[int, ...]) -> tuple[int, ...]:
    from mileage.data.reshuffle import parts_tested

    per_round, n_tested, private, repeat = params
    splits = parts_tested(n, per_round, n_tested, private=private, repeat=repeat)
    return tuple(sum(1 << part for part, is_tested in enumerate(tested) if is_tested) for tested in splits)


# --- what each kind of task holds -------------------------------------------------------------------------------------


def _source(tracing: _Tracing, task: Task) -> Held:
    del tracing
    return Held(Rows((task.fingerprint, None, 0), _ALL))


def _nothing(tracing: _Tracing, task: Task) -> Held:
    del tracing, task
    return _NOTHING


def _take(tracing: _Tracing, task: Task) -> Held:
    params, given = dict(task.params), tracing.held[task.inputs[0]]
    part = params.get("part", "all")
    if part == "all" or given.rows is None:
        return given
    source = given.rows.deal[0]
    train, test = tracing.split(task.inputs[1], whole_number(params.get("split", 0)), source)
    return Held(train if part == "train" else test)


def _code(tracing: _Tracing, task: Task) -> dict[str, Held]:
    """Give each row the codes of its own categories; which levels there are says nothing of what is learned."""
    return {"codes": tracing.held[task.inputs[0]], "levels": _NOTHING}


def _cells(tracing: _Tracing, task: Task) -> Held:
    """Give each row its own cells; which columns there are says nothing of what is learned."""
    return tracing.held[task.inputs[0]]


def _lift(tracing: _Tracing, task: Task) -> Held:
    params = dict(task.params)  # what a sample has of a fold, and what it adds to a smaller one, counts as all of it
    train, test = tracing.split(task.inputs[3], whole_number(params["split"]), task.inputs[0].task)
    return Held(train if params["other"] is None else test)


def _merge(tracing: _Tracing, task: Task) -> dict[str, Held]:
    """Hold the rows of all parts, or of all but one; with ``places``, of those at one place."""
    parts = [held.rows for held in tracing.of(task.inputs)]
    if task.outputs == ("out",):
        return {"out": Held(_together(task, parts))}
    places: Any = dict(task.params).get("places")
    made = {}
    for i, output in enumerate(task.outputs):
        chosen = [rows for j, rows in enumerate(parts) if (j != i if places is None else places[j] == i)]
        made[output] = Held(_together(task, chosen))
    return made


def _together(task: Task, parts: list[Rows | None]) -> Rows:
    known = [rows for rows in parts if rows is not None]
    if len(known) < len(parts) or len({rows.deal for rows in known}) != 1:
        raise _leak("I1", task, "merges sums of rows of different deals")
    made = 0
    for rows in known:
        made |= rows.parts
    return Rows(known[0].deal, made)


def _image(tracing: _Tracing, task: Task) -> Held:
    sums, *states = tracing.of(task.inputs)
    return Held(sums.rows, _union(state.seen for state in states))


def _sums(tracing: _Tracing, task: Task) -> Held:
    held = tracing.of(task.inputs)
    return Held(_same_rows(task, held), _union(one.seen for one in held))


def _fit(tracing: _Tracing, task: Task) -> dict[str, Held]:
    """Learn from rows: they are what is learned from, and whatever shaped them has learned from no others."""
    held = tracing.of(task.inputs)
    rows, seen = _same_rows(task, held), _union(one.seen for one in held)
    if rows is None:  # cut from a fit: no rows are read
        return dict.fromkeys(task.outputs, Held(None, seen))
    if not rows.has(seen):
        raise _leak("I1", task, "is given rows that were shaped by what has learned from other rows")
    learned: Seen = {rows.deal: rows.parts}
    return {output: Held(rows if output == "out" else None, learned) for output in task.outputs}


def _cut(tracing: _Tracing, task: Task) -> dict[str, Held]:
    """Take a model, or cut a fit back, which may read train rows once more."""
    models = tracing.masked.get(task.inputs[0].task)
    if models is None:
        return _fit(tracing, task)
    return {"state": models[whole_number(dict(task.params)["place"])]}


def _masked(tracing: _Tracing, task: Task) -> Held:
    """Learn each model from the train rows of its own splits."""
    params: Any = dict(task.params)
    made, width = list[Held](), 1 + params["n_states"]
    for i, split in enumerate(params["places"]):
        splits, *states = task.inputs[3 + i * width : 3 + (i + 1) * width]
        rows = tracing.split(splits, split, task.inputs[0].task)[0]
        if not rows.has(_union(state.seen for state in tracing.of(states))):
            raise _leak("I1", task, "sees columns as shaped by what has learned from other rows")
        made.append(Held(None, {rows.deal: rows.parts}))
    tracing.masked[task.fingerprint] = made
    return Held(None, {(task.inputs[0].task, None, 0): _ALL})  # of all of them, which nobody asks


def _shape(tracing: _Tracing, task: Task) -> Held:
    """Shape rows, or answer for them, by what is fitted; what is fitted must not know them."""
    held = tracing.of(task.inputs)
    rows, seen = _same_rows(task, held), _union(one.seen for one in held)
    if rows is not None and rows.meets(seen):
        law = "I4" if any(deal[1] is None for deal in seen) else "I2"
        raise _leak(law, task, "is given rows that were learned from")
    return Held(rows, seen)


def _gather(tracing: _Tracing, task: Task) -> Held:
    """Shape rows for all that are cut from a fit: a transformer also those that it has learned from, as where it is fitted."""
    state, rows = tracing.of(task.inputs)
    if not task.is_model and rows.rows is not None and state.seen == {rows.rows.deal: rows.rows.parts}:
        return Held(rows.rows, state.seen)
    return _shape(tracing, task)


def _join(tracing: _Tracing, task: Task) -> Held:
    held = tracing.of(task.inputs)
    return Held(_same_rows(task, held), _union(one.seen for one in held))


def _same_rows(task: Task, held: Iterable[Held]) -> Rows | None:
    """Return the rows that all inputs hold which hold rows."""
    found = {one.rows for one in held if one.rows is not None}
    if len(found) > 1:
        raise _leak("I1", task, "puts different rows side by side")
    return found.pop() if found else None


def _score(tracing: _Tracing, task: Task) -> Held:
    """Score rows by what has not learned from them: those of each split, or of a table that is kept apart."""
    params = dict(task.params)
    if "place" in params:
        return _NOTHING
    if params.get("whole"):
        *answers, y = tracing.of(task.inputs)
        for answer in answers:
            _check_answer(task, answer, y.rows, "I3")
        return _NOTHING
    if "route" in params:
        return _score_sums(tracing, task)
    *predictions, y_port, splits = task.inputs
    for i, answer in enumerate(tracing.of(predictions)):
        _check_answer(task, answer, tracing.split(splits, i, y_port.task)[1], "I2")
    return _NOTHING


def _score_sums(tracing: _Tracing, task: Task) -> Held:
    *parts, _, y, splits = task.inputs
    width = 2 + whole_number(dict(task.params)["n_states"])
    for i in range(len(parts) // width):
        fits, seen, *states = tracing.of(parts[i * width : (i + 1) * width])
        test = tracing.split(splits, i, y.task)[1]
        _check_answer(task, Held(seen.rows, _union((fits.seen, seen.seen, *(s.seen for s in states)))), test, "I2")
    return _NOTHING


def _check_answer(task: Task, answer: Held, truth: Rows | None, law: str) -> None:
    if answer.rows is not None and answer.rows != truth:
        raise _leak(law, task, "scores other rows than it reads the truth of")
    if truth is not None and truth.meets(answer.seen):
        raise _leak(law, task, "scores rows that were learned from")


_HOLDS: dict[TaskKind, Callable[[_Tracing, Task], Held | dict[str, Held]]] = {
    TaskKind.SOURCE: _source,
    TaskKind.DEAL: _nothing,
    TaskKind.RESHUFFLE: _nothing,
    TaskKind.SAMPLE: _nothing,
    TaskKind.TAKE: _take,
    TaskKind.TARGET: _take,
    TaskKind.FIT: _fit,
    TaskKind.WHOLE: _fit,
    TaskKind.CUT: _cut,
    TaskKind.GATHER: _gather,
    TaskKind.BIN: _fit,
    TaskKind.CODE: _code,
    TaskKind.LAYOUT: _nothing,
    TaskKind.CELLS: _cells,
    TaskKind.LIFT: _lift,
    TaskKind.MERGE: _merge,
    TaskKind.IMAGE: _image,
    TaskKind.SUMS: _sums,
    TaskKind.LEARN: _fit,
    TaskKind.TOGETHER: _fit,
    TaskKind.MASKED: _masked,
    TaskKind.APPLY: _shape,
    TaskKind.JOIN: _join,
    TaskKind.MUNGE: _fit,  # made-up rows are none of the table, and have learned from those that they are made of
    TaskKind.PREDICT: _shape,
    TaskKind.BLEND: _join,
    TaskKind.WEIGH: _nothing,
    TaskKind.SCORES: _score,
    TaskKind.SCORE: _score,
    TaskKind.CALL: _nothing,
}

_TRACED = frozenset(
    {TaskKind.SOURCE, TaskKind.TAKE, TaskKind.TARGET, TaskKind.FIT, TaskKind.APPLY, TaskKind.JOIN}
)  # what many workflows have in common
