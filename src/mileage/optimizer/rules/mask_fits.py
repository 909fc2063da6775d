"""Fit together, in rounds that one product over all rows answers, models that each learn from rows of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mileage.core.domains import Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.operators import operators
from mileage.operators.together import Masked
from mileage.optimizer.rule import PlanContext, rule
from mileage.optimizer.ways import columns_of, layout_of, route_of, way_of
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind

_NAME = "mask_fits"
_FEWEST_CELLS = 20_000  # with fewer a fit is too short to be worth the rounds
_MOST_CELLS = 30_000_000  # of the common columns, that are held at once: 240 MB
_MOST_MODELS = 1000
_Model = tuple[Value, Task, int]  # value of the parameter, splits, which of them


@rule(Exactness.OPT_EQUAL)
def mask_fits(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
    """Let minimizers that differ in their penalty and in their train rows ask for losses together, and leave others' rows out by 0/1 masks.

    ::

        train rows of splits a → standard → fit logistic(C = 0.1)        standard on a ┐
        train rows of splits b → standard → fit logistic(C = 9.0)   ⇒    standard on b ┴ all rows → fit 2 x logistic on rows of their own ┬→ cut (C = 0.1, a)
                                                                                                                                          └→ cut (C = 9.0, b)

    Each is the solver of scikit-learn, asks where it stands, and sees the columns as the steps before it make them, which are fitted on its own
    train rows. The models are those of this plan and of those that will follow, whose splits ``context.siblings`` tells.

    Needs ``Masked``, steps before it that are ``Linear``, and splits of each configuration's own.

    Law: what is fitted answers as a fit alone on its rows, within the tolerance at which the solver stops.
    """
    if not any(planned.task.kind is TaskKind.RESHUFFLE for planned in plan):
        return plan
    masking = _Masking(plan, context)
    return replace(plan, tasks=tuple(masking.tasks())) if masking.places else plan


@dataclass(frozen=True)
class _Asked:
    """A fit of the plan, the name of what it may differ in from others, and the splits of its train rows."""

    fit: Task
    name: str
    splits: Task
    split: int

    @property
    def value(self) -> Value:
        return dict(self.fit.params)[self.name]


class _Masking:
    """New tasks by what they are for, so that each is planned once."""

    def __init__(self, plan: PhysicalPlan, context: PlanContext) -> None:
        self.plan, self.context = plan, context
        self.planned = {planned.task.fingerprint: planned for planned in plan}
        self.old = {name: planned.task for name, planned in self.planned.items()}
        self.made: set[Fingerprint] = set()
        self.new: list[PlannedTask] = []
        asked = [one for planned in plan if planned.action is Action.COMPUTE and (one := self._asked(planned.task))]
        self.families: dict[Task, list[_Asked]] = {}
        for one in asked:
            self.families.setdefault(_common(one), []).append(one)
        self.models = {common: self._models(family) for common, family in self.families.items()}
        self.places = {
            one.fit.fingerprint: (common, self.models[common].index((one.value, one.splits, one.split)))
            for common, family in self.families.items()
            for one in family
            if 1 < len(self.models[common]) <= _MOST_MODELS
        }

    def tasks(self) -> Iterator[PlannedTask]:
        """Yield the tasks of the plan, with what is cut from the fits of all in place of each."""
        for planned in self.plan:
            found = self.places.get(planned.task.fingerprint)
            if found is None:
                self._add(planned.task)
            else:
                cut, exactness = self._cut(planned.task, *found), max(planned.exactness, Exactness.OPT_EQUAL)
                self.new.append(replace(planned, task=cut, by=_NAME, exactness=exactness))
            yield from self.new
            self.new = []

    def _add(self, task: Task) -> Task:
        """Plan a task once, after what it reads."""
        if task.fingerprint not in self.made:
            self.made.add(task.fingerprint)
            for port in task.inputs:
                if port.task in self.old and port.task not in self.places:
                    self._add(self.old[port.task])
            made = PlannedTask(task, by=_NAME, exactness=Exactness.OPT_EQUAL)
            self.new.append(self.planned.get(task.fingerprint, made))
        return task

    # --- which fits ---------------------------------------------------------------------------------------------------

    def _asked(self, task: Task) -> _Asked | None:
        operator = operators.find(task.operator) if task.kind is TaskKind.FIT and task.is_model else None
        if not isinstance(operator, Masked) or not operator.can_fuse(dict(task.params)):
            return None
        if self.context.class_of(_NAME, operator.name, Exactness.OPT_EQUAL) > self.context.floor or not self._pays(
            task
        ):
            return None
        target = self.old[task.inputs[1].task]
        splits = self.old[target.inputs[1].task] if len(target.inputs) > 1 else target
        if splits.kind is not TaskKind.RESHUFFLE or way_of(task.inputs[0], self.old) is None:
            return None
        return _Asked(task, operator.together, splits, whole_number(dict(target.params)["split"]))

    def _pays(self, fit: Task) -> bool:
        context = dict(fit.context)
        cells = whole_number(context["n_rows"]) * whole_number(context["n_columns"])
        return cells <= _MOST_CELLS and (self.context.rates is None or cells >= _FEWEST_CELLS)

    def _models(self, family: list[_Asked]) -> list[_Model]:
        """Return the models of a family in an order that all of its plans have: those of this plan and of others."""
        splits = {one.split for one in family}
        models = {(one.value, one.splits, one.split) for one in family}
        for one in family:
            siblings = self.context.siblings(one.fit, one.name)
            models |= {(value, other, split) for value, other in siblings.items() for split in splits}
        return sorted(models, key=lambda model: (float(str(model[0])), model[1].fingerprint, model[2]))

    # --- what takes their place ---------------------------------------------------------------------------------------

    def _cut(self, fit: Task, common: Task, place: int) -> Task:
        family = self.families[common]
        masked = self._masked(family[0], self.models[common])
        label = f"cut {fit.label.removeprefix('fit ')} from all"
        inputs = (self._add(masked).port("state"),)
        params = (*fit.params, ("place", place))
        return replace(fit, kind=TaskKind.CUT, params=params, inputs=inputs, same_as=fit.fingerprint, label=label)

    def _masked(self, one: _Asked, models: list[_Model]) -> Task:
        """Return the task that fits all models, and plan what it reads."""
        way = way_of(one.fit.inputs[0], self.old)
        assert way is not None
        source = self.old[self.old[one.fit.inputs[1].task].inputs[0].task]
        layout = self._add(layout_of(source, tuple(dict.fromkeys(columns_of(way)))))
        route, states = route_of(way)
        inputs = [source.port("X"), source.port("y"), layout.port()]
        for _, splits, split in models:
            self._add(splits)
            moved = {one.splits.fingerprint: splits}
            inputs += [splits.port("splits"), *(self._moved(port, moved, split) for port in states)]
        params = {**dict(one.fit.params), one.name: tuple(value for value, _, _ in models)}
        places = tuple(split for _, _, split in models)
        params |= {"n_states": len(states), "places": places, "route": route}
        return replace(
            one.fit,
            kind=TaskKind.MASKED,
            params=tuple(params.items()),
            inputs=tuple(inputs),
            outputs=("state",),
            label=f"fit {len(models)} x {one.fit.operator} on rows of their own",
            step="",
        )

    def _moved(self, port: Port, moved: dict[Fingerprint, Task], split: int) -> Port:
        """Return an output as it is on the train rows of other splits."""
        task = self.old[port.task]
        if task.fingerprint in moved:
            return moved[task.fingerprint].port(port.output)
        if task.kind in {TaskKind.SOURCE, TaskKind.DEAL}:
            return port
        inputs = tuple(self._moved(one, moved, split) for one in task.inputs)
        params = dict(task.params)
        if "split" in params:
            params["split"] = split
        made = replace(task, inputs=inputs, params=tuple(params.items()), same_as=None)
        moved[task.fingerprint] = self._add(made)
        return made.port(port.output)


def _common(one: _Asked) -> Task:
    """Return what fits have in common that may be made together: all but the value, and the rows."""
    params: Mapping[str, Value] = {**dict(one.fit.params), one.name: None}
    return replace(one.fit, params=tuple(params.items()), inputs=(), label="", step="", same_as=None)
