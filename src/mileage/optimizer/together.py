"""Fits that differ in one parameter or a few, and are made together: what plans put in the place of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.optimizer.rule import PlanContext
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

MANY = 30_000_000  # numbers that are answered for all rows: 240 MB
_MOST_VALUES = 1000
Place = tuple[Port, int]  # where several lie, and which of them
Together = Mapping[Fingerprint, tuple[Task, int]]
Values = tuple[Value, ...]


def made_together(
    plan: PhysicalPlan,
    context: PlanContext,
    parameters: Callable[[Task], tuple[str, ...]],
    admits: Callable[[Task, Mapping[str, Value]], bool],
    label: str,
    fewest: int = 2,
) -> Together:
    """Return for each fit that is made with others the task that makes all of them, and its place there.

    ``parameters`` names what such a fit may differ in from others, nothing if it is made alone; ``admits`` says whether one with values that
    are not in this plan could be made with them. ``fewest`` is how many are worth it.
    """
    families: dict[Task, tuple[tuple[str, ...], dict[Fingerprint, Values]]] = {}
    for planned in plan:
        task, names = planned.task, parameters(planned.task) if planned.action is Action.COMPUTE else ()
        if names:
            params = dict(task.params)
            open_params = tuple({**params, **dict.fromkeys(names)}.items())
            common = replace(task, params=open_params, label="", step="", same_as=None)
            families.setdefault(common, (names, {}))[1][task.fingerprint] = tuple(params[name] for name in names)
    made: dict[Fingerprint, tuple[Task, int]] = {}
    values_of: dict[object, tuple[Values, ...]] = {}  # the fits of all splits ask for the same
    for common, (names, fits) in families.items():
        asked = (common.operator, repr(common.params), common.context, frozenset(map(repr, fits.values())))
        if asked not in values_of:
            coming = context.ahead.listed(common.operator, dict(common.params), names)
            ahead = {values for values in coming if admits(common, dict(zip(names, values, strict=True)))}
            values_of[asked] = tuple(sorted(ahead | set(fits.values()), key=lambda one: [float(str(v)) for v in one]))
        values = values_of[asked]
        if fewest <= len(values) <= _MOST_VALUES and len(values) * _numbers_of_one(common) <= MANY:
            task = _of_all(common, dict(zip(names, zip(*values, strict=True), strict=True)), label)
            made |= {fit: (task, values.index(its)) for fit, its in fits.items()}
    return made


def _of_all(common: Task, values: Mapping[str, Values], label: str) -> Task:
    """Return the task that makes the fits with the values of each of some parameters, in turn."""
    differ = [name for name, its in values.items() if len(set(its)) > 1] or list(values)
    n = len(values[differ[0]])
    shown = label.format(f"{common.operator}({n} values of {', '.join(differ)})")
    listed: tuple[tuple[str, Value], ...] = tuple({**dict(common.params), **values}.items())
    return replace(common, kind=TaskKind.TOGETHER, params=listed, outputs=("state",), label=shown)


def _numbers_of_one(fit: Task) -> int:
    context = dict(fit.context)
    return whole_number(context["n_rows"]) * max(1, whole_number(context["n_classes"]))


class Taking:
    """Lets what is asked of models that are made together be taken out of what is answered for all of them.

    ``together`` tells for the fit of each the task that makes all, and its place there; ``by`` is the rule, and ``exactness`` its class.
    """

    def __init__(self, plan: PhysicalPlan, together: Together, by: str, exactness: Exactness) -> None:
        self.plan, self.together, self.by, self.exactness = plan, together, by, exactness
        self.answered: dict[Port, Place] = {}
        self.made: set[Fingerprint] = set()
        self.new: list[PlannedTask] = []

    def tasks(self) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, those that predict and score with what is learned together in place of their own."""
        for planned in self.plan:
            task = planned.task
            if planned.action is Action.COMPUTE:
                if task.kind is TaskKind.PREDICT and task.inputs[0].task in self.together:
                    task = self._predict(task)
                elif task.kind is TaskKind.FIT and task.fingerprint in self.together:
                    task = self._fit(task)
                elif task.kind is TaskKind.SCORE:
                    task = self._score(task)
            yield from self.new
            self.new = []
            if task is planned.task:
                yield planned
            else:
                yield replace(planned, task=task, by=self.by, exactness=max(planned.exactness, self.exactness))

    def _add(self, task: Task) -> Task:
        if task.fingerprint not in self.made:
            self.made.add(task.fingerprint)
            self.new.append(PlannedTask(task, by=self.by, exactness=self.exactness))
        return task

    def _fit(self, task: Task) -> Task:
        """Return the task that takes its estimator out of the fits of all."""
        fits, place = self.together[task.fingerprint]
        taken = _taken(task, self._add(fits).port("state"), place)
        return replace(taken, kind=TaskKind.CUT, label=f"cut {task.label.removeprefix('fit ')} from all")

    def _predict(self, task: Task) -> Task:
        """Return the task that takes its predictions out of those of all."""
        learned, place = self.together[task.inputs[0].task]
        fits = self._add(learned)
        n_classes = dict(task.params)["n_classes"]
        answer = self._add(
            replace(
                fits,
                kind=TaskKind.GATHER,
                params=(("n_classes", n_classes),),
                inputs=(fits.port("state"), task.inputs[1]),
                outputs=("out",),
                is_model=False,
                label=f"answer with {fits.label.partition(' ')[2].removesuffix(' from sums')}",
            )
        )
        self.answered[task.port()] = (answer.port(), place)
        return _taken(task, answer.port(), place)

    def _score(self, task: Task) -> Task:
        """Return the task that takes its scores out of those of all, where its predictions are taken out of theirs."""
        n_truths = 1 if dict(task.params).get("whole") else 2
        found = [self.answered.get(port) for port in task.inputs[:-n_truths]]
        places = {one[1] if one is not None else None for one in found}
        if len(places) != 1 or None in places:
            return task
        answers = tuple(one[0] for one in found if one is not None)
        label = f"{task.label} of all"
        scores = self._add(
            replace(task, kind=TaskKind.SCORES, inputs=(*answers, *task.inputs[-n_truths:]), label=label)
        )
        return _taken(task, scores.port(), next(one[1] for one in found if one is not None))


def _taken(task: Task, port: Port, place: int) -> Task:
    return replace(task, params=(*task.params, ("place", place)), inputs=(port,), same_as=task.fingerprint)
