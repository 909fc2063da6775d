"""A workflow on rows becomes tasks: fit on train rows, apply to test rows, predict, score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mileage.core.domains import Value, whole_number
from mileage.operators import operators
from mileage.operators.versions import versions
from mileage.workflow import Lesson, Port, Step, Task, TaskKind, Workflow, lesson_in, serving

ALL_ROWS = -1


@dataclass(frozen=True)
class Evaluation:
    """The tasks that evaluate one workflow, and the ports a trial needs."""

    tasks: tuple[Task, ...]
    predictions: tuple[Port, ...]
    models: tuple[Port, ...]
    scores: tuple[Port, ...] = ()

    def of_first(self, n: int) -> Evaluation:
        """Return the evaluation on the first ``n`` splits only; its tasks are tasks of this one, but for the scores."""
        tasks = [task for task in self.tasks if task.kind is not TaskKind.SCORE]
        scored = [
            replace(
                task,
                params=(*task.params, ("first", n)),
                inputs=(*self.predictions[:n], *task.inputs[len(self.predictions) :]),
            )
            for task in self.tasks
            if task.kind is TaskKind.SCORE
        ]
        models = self.models[: n * (len(self.models) // len(self.predictions))]
        ports = tuple(task.port() for task in scored)
        return Evaluation((*tasks, *scored), self.predictions[:n], models, ports)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A step on the rows of a split: its own tasks, and where its outputs are."""

    tasks: tuple[Task, ...]
    reads_y: bool
    train: Port
    test: Port
    state: Port | None


@dataclass
class _Known:
    """What was compiled for the rows of a split: the task that takes their target, and steps by their numbers."""

    target: Task | None = None
    steps: dict[int, _Compiled] = field(default_factory=dict)


class Prefixes:
    """How workflows of a search begin: steps that were compiled before are the very same tasks, and their keys are made once.

    Models are not remembered: they are what differs. Nor is anything beyond a number of entries.

    Examples
    --------
    >>> from mileage.operators import Branch
    >>> prefixes, leaf = Prefixes(), Step("numeric", None, (), Branch.NUMERIC, ("age",))
    >>> prefixes.number(leaf, ()) == prefixes.number(Step("numeric", None, (), Branch.NUMERIC, ("age",)), ())
    True
    """

    def __init__(self, most: int = 5000) -> None:
        self._most = most
        self._numbers: dict[object, int] = {}
        self._rows: dict[object, _Known] = {}

    def number(self, step: Step, before: Sequence[int]) -> int:
        """Return the number of a step after those with the numbers ``before``: the same for the same one."""
        params = repr(step.spec.params) if step.spec is not None else ""  # 1 and 1.0 are equal, but not the same
        return self._numbers.setdefault((step, params, tuple(before)), len(self._numbers))

    def of(self, splits: Sequence[object]) -> list[_Known]:
        """Return what is known of the rows of each split, for more to be added; all is forgotten where it is too much."""
        if len(self._numbers) * len(self._rows) > self._most:
            self._numbers.clear()
            self._rows.clear()
        return [self._rows.setdefault(rows, _Known()) for rows in splits]


class _Rows:
    """Compiles steps on the rows of one split: train outputs by fitting, test outputs by applying."""

    def __init__(
        self,
        source: Task,
        deal: Task | None,
        split: int,
        test: Task | None = None,
        known: _Known | None = None,
    ) -> None:
        self.source, self.deal, self.split, self.test_source = source, deal, split, test
        self.known = known or _Known()
        self.tasks: list[Task] = []
        self.train: dict[str, Port] = {}
        self.test: dict[str, Port] = {}
        self.states: dict[str, Port] = {}
        self._targets: Port | None = None

    def _add(self, task: Task) -> Task:
        self.tasks.append(task)
        return task

    def _take(self, part: str, columns: tuple[str, ...], step: str) -> Port:
        source = self.test_source if self.test_source is not None and part == "test" else self.source
        if self.deal is None:
            part = "all"
        inputs = (source.port("X"),) if self.deal is None else (source.port("X"), self.deal.port("splits"))
        params: tuple[tuple[str, Value], ...] = (("split", self.split), ("part", part), ("columns", columns))
        return self._add(Task(TaskKind.TAKE, params=params, inputs=inputs, label=f"{part} rows", step=step)).port()

    def target(self) -> Port:
        """Return y of the train rows."""
        if self._targets is None:
            self.known.target = self.known.target or self._target()
            self._targets = self._add(self.known.target).port()
        return self._targets

    def _target(self) -> Task:
        part = "all" if self.deal is None else "train"
        inputs = (self.source.port("y"),) if self.deal is None else (self.source.port("y"), self.deal.port("splits"))
        params: tuple[tuple[str, Value], ...] = (("split", self.split), ("part", part))
        return Task(TaskKind.TARGET, params=params, inputs=inputs, label=f"{part} target")

    def known_step(self, step: Step, number: int) -> None:
        """Compile a step for train and test rows, unless that was done: steps before it have the same numbers, too."""
        made = self.known.steps.get(number)
        if made is None:
            reads_y = step.spec is not None and operators.get(step.spec.operator).traits.reads_y
            if reads_y:
                self.target()
            n_before = len(self.tasks)
            self.step(step, test=True)
            train, test, state = self.train[step.name], self.test[step.name], self.states.get(step.name)
            self.known.steps[number] = _Compiled(tuple(self.tasks[n_before:]), reads_y, train, test, state)
            return
        if made.reads_y:
            self.target()
        self.tasks += made.tasks
        self.train[step.name], self.test[step.name] = made.train, made.test
        if made.state is not None:
            self.states[step.name] = made.state

    def learn(self, lesson: Lesson, *, test: bool) -> None:
        """Compile a student: it learns what a teacher, fitted on the train rows, says of these and of rows made up of them."""
        for step in lesson.teacher.steps:
            self.step(step, test=False)
        taken = self._take("train", lesson.columns, "made_up")
        made = self._add(Task(TaskKind.MUNGE, params=lesson.how, inputs=(taken,), outputs=("X",), label="make up rows"))
        tasks, said = apply_tasks(lesson.teacher, self.states, made)
        of_all: tuple[tuple[str, Value], ...] = (("split", ALL_ROWS), ("part", "all"))
        target = Task(TaskKind.TARGET, params=of_all, inputs=(said,), label="what the teacher says")
        self.tasks += [*tasks, target]
        student = _Student(self, made, target.port())
        for step in lesson.student.steps:
            student.step(step, test=test)
        self.states, self.test = student.states, student.test

    def step(self, step: Step, *, test: bool) -> None:
        """Compile one step for the train rows, and for the test rows if there are any."""
        if step.is_blend:
            if test:
                self.test[step.name] = self._add(
                    blend_task(step, tuple(self.test[name] for name in step.inputs))
                ).port()
        elif step.spec is None and step.columns:
            self.train[step.name] = self._take("train", step.columns, step.name)
            if test:
                self.test[step.name] = self._take("test", step.columns, step.name)
        elif step.spec is None:
            self.train[step.name] = self._join(step, self.train)
            if test:
                self.test[step.name] = self._join(step, self.test)
        else:
            self._fit(step, test=test)

    def _join(self, step: Step, ports: dict[str, Port]) -> Port:
        inputs = tuple(ports[name] for name in step.inputs)
        return self._add(join_task(step, inputs)).port()

    def _fit(self, step: Step, *, test: bool) -> None:
        assert step.spec is not None
        operator = operators.get(step.spec.operator)
        is_model = step.is_model
        needs_y = is_model or operator.traits.reads_y
        inputs = (self.train[step.inputs[0]], *((self.target(),) if needs_y else ()))
        fit = self._add(
            Task(
                TaskKind.FIT,
                operator.name,
                tuple(sorted(operator.complete(dict(step.spec.params)).items())),
                step.context,
                (operator.version, *versions(operator)),
                inputs,
                ("state",) if is_model else ("state", "out"),
                is_model=is_model,
                label=f"fit {step.spec}",
                step=step.name,
            )
        )
        self.states[step.name] = fit.port("state")
        if not is_model:
            self.train[step.name] = fit.port("out")
        if test:
            task = predict_task if is_model else apply_task
            self.test[step.name] = self._add(task(step, fit.port("state"), self.test[step.inputs[0]])).port()


class _Student(_Rows):
    """Compiles steps on made-up rows and what a teacher says of them; test rows are those of the split."""

    def __init__(self, rows: _Rows, made: Task, said: Port) -> None:
        super().__init__(made, None, ALL_ROWS)
        self.tasks, self._rows, self._targets = rows.tasks, rows, said

    def _take(self, part: str, columns: tuple[str, ...], step: str) -> Port:
        return self._rows._take(part, columns, step) if part == "test" else super()._take(part, columns, step)


def sample_task(
    deal: Task, fraction: float, *, seed: int = 0, key: tuple[str, ...] = (), aux: Port | None = None
) -> Task:
    """Return the task whose splits train on a sample; it takes the place of ``deal`` in :func:`evaluation_tasks`.

    Parameters
    ----------
    deal : Task
        Deals all rows.
    fraction : float
        Share of the train rows; a smaller one is part of a larger one of the same seed.
    seed : int
    key : tuple of str
        Columns of ``aux`` that the sample is pinned to: a row is in it for its key, whatever rows come or go.
    aux : Port, optional
        Where the key's columns are.
    """
    inputs = (deal.port("splits"), *((aux,) if aux is not None and key else ()))
    params: tuple[tuple[str, Value], ...] = (("fraction", float(fraction)), ("key", key), ("seed", seed))
    return Task(TaskKind.SAMPLE, params=params, inputs=inputs, outputs=("splits",), label=f"sample {fraction:.3g}")


def join_task(step: Step, inputs: tuple[Port, ...]) -> Task:
    """Return the task that joins branches to one matrix."""
    dense = bool(dict(step.context)["dense"])
    return Task(TaskKind.JOIN, params=(("dense", dense),), inputs=inputs, label="join", step=step.name)


def apply_task(step: Step, state: Port, rows: Port) -> Task:
    """Return the task that applies a fitted transformer."""
    return Task(TaskKind.APPLY, inputs=(state, rows), label=f"apply {step.spec}", step=step.name)


def predict_task(step: Step, state: Port, rows: Port) -> Task:
    """Return the task that predicts with a fitted model."""
    context = dict(step.context)
    task, n_classes = str(context["task"]), whole_number(context["n_classes"])
    params: tuple[tuple[str, Value], ...] = (("n_classes", n_classes), ("task", task))
    return Task(TaskKind.PREDICT, params=params, inputs=(state, rows), label=f"predict {step.spec}", step=step.name)


def blend_task(step: Step, predictions: tuple[Port, ...]) -> Task:
    """Return the task that takes the mean of predictions."""
    return Task(TaskKind.BLEND, params=step.context, inputs=predictions, label="blend", step=step.name)


def evaluation_tasks(  # noqa: PLR0913  (what an evaluation is made of)
    workflow: Workflow,
    source: Task,
    deal: Task,
    *,
    n_splits: int,
    metrics: tuple[str, ...],
    setting: tuple[tuple[str, Value], ...],
    test: Task | None = None,
    prefixes: Prefixes | None = None,
) -> Evaluation:
    """Return the tasks that fit ``workflow`` on each split's train rows, predict its test rows, and score.

    Parameters
    ----------
    workflow : Workflow
    source, deal : Task
        The data (outputs ``X``, ``y``) and the splits: dealt, or a sample of them (:func:`sample_task`).
    n_splits : int
        Number of splits.
    metrics : tuple of str
        Metric calls such as ``"roc_auc"`` or ``"recall('lung')"``.
    setting : tuple of (name, value)
        What scoring reads besides: task and classes.
    test : Task, optional
        A source of its own to score on; then all rows of ``source`` train, and there is one split.
    prefixes : Prefixes, optional
        Steps of workflows that were compiled before, and of this one.
    """
    tasks: list[Task] = []
    predictions, models = [], list[Port]()
    prefixes = prefixes or Prefixes()
    of_data = (source.fingerprint, deal.fingerprint, None if test is None else test.fingerprint)
    all_known = prefixes.of([(*of_data, split) for split in range(n_splits)])
    lesson = lesson_in(workflow)
    numbers = _numbers(workflow, prefixes) if lesson is None else {}
    for split, known in enumerate(all_known):
        rows = (
            _Rows(source, deal, split, known=known)
            if test is None
            else _Rows(source, None, ALL_ROWS, test, known=known)
        )
        if lesson is not None:
            rows.learn(lesson, test=True)
        for step in workflow.steps if lesson is None else ():
            if step.name in numbers:
                rows.known_step(step, numbers[step.name])
            else:
                rows.step(step, test=True)
        tasks += rows.tasks
        predictions.append(rows.test["model"])
        models += [rows.states[step.name] for step in serving(workflow).steps if step.is_model and not step.is_blend]
    truth = (source.port("y"), deal.port("splits")) if test is None else (test.port("y"),)
    inputs = (*predictions, *truth)
    scores = [
        Task(TaskKind.SCORE, operator=metric, params=setting, inputs=inputs, label=f"score {metric}")
        for metric in metrics
    ]
    return Evaluation((*tasks, *scores), tuple(predictions), tuple(models), tuple(task.port() for task in scores))


def _numbers(workflow: Workflow, prefixes: Prefixes) -> dict[str, int]:
    """Return the numbers of a workflow's steps, but for models."""
    numbers: dict[str, int] = {}
    for step in workflow.steps:
        if not step.is_model:
            numbers[step.name] = prefixes.number(step, [numbers[name] for name in step.inputs])
    return numbers


def weigh_task(metric: str, setting: tuple[tuple[str, Value], ...], evaluations: Sequence[Evaluation]) -> Task:
    """Return the task that chooses the weights of a blend of evaluated workflows by a metric.

    All are evaluated on the same splits, and what is true is read as their scores do.
    """
    scored = next(task for task in evaluations[0].tasks if task.kind is TaskKind.SCORE)
    truth = scored.inputs[len(evaluations[0].predictions) :]
    inputs = (*[port for evaluation in evaluations for port in evaluation.predictions], *truth)
    return Task(TaskKind.WEIGH, operator=metric, params=setting, inputs=inputs, label="weigh")


def fit_tasks(workflow: Workflow, source: Task) -> tuple[tuple[Task, ...], dict[str, Port]]:
    """Return the tasks that fit ``workflow`` on all rows, and the port of each step's fitted state."""
    rows, lesson = _Rows(source, None, ALL_ROWS), lesson_in(workflow)
    if lesson is not None:
        rows.learn(lesson, test=False)
    for step in workflow.steps if lesson is None else ():
        rows.step(step, test=False)
    return tuple(rows.tasks), rows.states


def apply_tasks(workflow: Workflow, states: dict[str, Port], source: Task) -> tuple[tuple[Task, ...], Port]:
    """Return the tasks that predict for the rows of ``source`` with fitted states, and the port of the predictions."""
    tasks: list[Task] = []
    ports: dict[str, Port] = {}
    for step in serving(workflow).steps:
        if step.is_blend:
            task = blend_task(step, tuple(ports[name] for name in step.inputs))
        elif step.spec is None and step.columns:
            params: tuple[tuple[str, Value], ...] = (("split", ALL_ROWS), ("part", "all"), ("columns", step.columns))
            task = Task(TaskKind.TAKE, params=params, inputs=(source.port("X"),), label="all rows", step=step.name)
        elif step.spec is None:
            task = join_task(step, tuple(ports[name] for name in step.inputs))
        elif step.is_model:
            task = predict_task(step, states[step.name], ports[step.inputs[0]])
        else:
            task = apply_task(step, states[step.name], ports[step.inputs[0]])
        tasks.append(task)
        ports[step.name] = task.port()
    return tuple(tasks), ports["model"]
