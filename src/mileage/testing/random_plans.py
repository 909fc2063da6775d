"""Plans drawn by chance, and leaks that are planted in them: what a check of plans is tried on.

A plan is a few workflows on one table: folds, holdouts, bootstraps, groups, orders of time, samples, tables of their own and splits
reshuffled for each; with rules switched on and off. Next: :mod:`mileage.testing.leaks`, which says what leaks in truth.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mileage.core.domains import OneOf, Value, whole_number
from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint
from mileage.data.reshuffle import n_parts
from mileage.operators import StepSpec
from mileage.optimizer import BATCHES, Ahead, Evaluation, PlanContext, evaluation_tasks, optimize, sample_task
from mileage.space import Alternative, SearchSpace, Slot, StepChoice
from mileage.testing.leaks import Table
from mileage.workflow import (
    Features,
    PhysicalPlan,
    PlannedTask,
    Port,
    Setting,
    Task,
    TaskKind,
    Workflow,
    blend_slots,
    blended,
    instantiate,
)

FEATURES = Features(("a", "b", "c"), ("k",), levels=4, numeric_missing=True)
_RULES = tuple(rule.__name__ for _, rules in BATCHES for rule in rules)
_STEPS: dict[str, tuple[StepSpec, ...]] = {
    "impute": (StepSpec("mean"), StepSpec("median")),
    "encode": (StepSpec("one_hot"), StepSpec("ordinal"), StepSpec("target")),
    "scale": (StepSpec("standard"), StepSpec("minmax"), StepSpec("none")),
    "select": (StepSpec("none"), StepSpec("none"), StepSpec.of("k_best", k=2), StepSpec.of("k_best", k=3)),
    "reduce": (StepSpec("none"), StepSpec("none"), StepSpec.of("pca", n_components=2)),
}
_BOTH = ("knn", "random_forest", "ridge", "decision_tree", "mlp")
_MODELS = {"binary": (*_BOTH, "logistic", "logistic", "logistic", "gaussian_nb", "lda"), "regression": _BOTH}
_LINEAR = {"ridge", "gaussian_nb", "lda", "logistic"}
_LATE: dict[str, tuple[str, tuple[Value, ...]]] = {
    "knn": ("n_neighbors", (1, 3, 5)),
    "random_forest": ("n_estimators", (10, 20, 30)),
    "ridge": ("alpha", (0.1, 1.0, 10.0)),
    "decision_tree": ("ccp_alpha", (0.0, 0.01)),
    "logistic": ("C", (0.1, 1.0)),
    "gaussian_nb": ("var_smoothing", (1e-9, 1e-3)),
    "lda": ("shrinkage", (0.1, 0.5)),
    "mlp": ("alpha", (1e-4, 1e-2)),
}
_METRICS = {"binary": ("roc_auc", "log_loss", "accuracy"), "regression": ("rmse", "r2", "mae")}


@dataclass(frozen=True)
class Drawn:
    """Tasks of a few workflows, what is wanted of them, how they are planned, and the tables they read."""

    tasks: tuple[Task, ...]
    wanted: tuple[Port, ...]
    context: PlanContext
    tables: Mapping[Fingerprint, Table]
    predictions: tuple[tuple[Port, ...], ...]  # of each workflow, one a split

    def plan(self) -> PhysicalPlan:
        """Return the physical plan."""
        return optimize(self.tasks, self.wanted, self.context)[0]


def draw_tasks(seed: int) -> Drawn:
    """Return the tasks of one to four workflows on random splits.

    Examples
    --------
    >>> drawn = draw_tasks(1)
    >>> len(drawn.plan().wanted) == len(drawn.wanted)
    True
    """
    rng = random.Random(seed)
    task = rng.choice(("binary", "regression"))
    source = Task(TaskKind.SOURCE, params=(("columns", _columns()), ("data", "train")), outputs=("X", "y", "aux"))
    tables = {source.fingerprint: _table(rng, task)}
    own = Task(TaskKind.SOURCE, params=(("data", "test"),), outputs=("X", "y", "aux")) if rng.random() < 0.07 else None
    if own is not None:
        tables[own.fingerprint] = _table(rng, task)
    leaves, n_splits = _splits(rng, source, tables[source.fingerprint], task)
    tasks, wanted = [source, *leaves[:1], *([own] if own else [])], list[Port]()
    predictions = []
    for private in range(rng.randint(1, 4)):
        deals = _own_deals(rng, leaves, private) if own is None else []
        made = _evaluation(rng, task, source, [*leaves, *deals][-1], 1 if own is not None else n_splits, own)
        tasks += [*deals, *made.tasks]
        wanted += made.scores
        predictions.append(made.predictions)
    context = _context(rng, tasks)
    if leaves[-1].kind is TaskKind.RESHUFFLE and rng.random() < 0.9:
        context = replace(context, siblings=_siblings(leaves[-1]))
    return Drawn(tuple(tasks), tuple(wanted), context, tables, tuple(predictions))


def _columns() -> tuple[tuple[str, str], ...]:
    return (
        *((name, "numeric") for name in FEATURES.numeric),
        *((name, "categorical") for name in FEATURES.categorical),
    )


def _table(rng: random.Random, task: str) -> Table:
    import numpy as np
    import pandas as pd

    made = np.random.default_rng(rng.getrandbits(32))
    n = rng.randint(48, 80)
    y = made.permutation(np.arange(n) % 2) if task == "binary" else made.normal(size=n)
    return Table(y, pd.DataFrame({"g": made.integers(0, n // 2, n), "t": made.permutation(n)}))


def _splits(rng: random.Random, source: Task, table: Table, task: str) -> tuple[list[Task], int]:
    """Return the task that deals the rows, then what makes splits of it for all workflows, and how many splits there are."""
    method = rng.choices(("folds", "reshuffled", "holdout", "bootstrap"), (4, 5, 2, 1))[0]
    n, repeat = rng.randint(2, 4), rng.randint(1, 2)
    groups = ("g",) if rng.random() < 0.4 else ()
    order_by = "t" if method in {"folds", "holdout"} and rng.random() < 0.2 else None
    stratify = task == "binary" and not order_by and not (groups and method == "holdout") and method != "bootstrap"
    spec: dict[str, Value] = {
        "groups": groups, "method": method, "n": n, "order_by": order_by, "repeat": 1 if order_by else repeat,
        "seed": rng.randint(0, 9), "size": rng.choice((0.2, 0.25, 0.4)), "stratify": stratify,
    }  # fmt: skip
    n_splits = {"folds": n * repeat, "bootstrap": n}.get(method, repeat)
    if order_by:
        n_splits = n if method == "folds" else 1
    if method == "reshuffled":
        n_units = table.aux["g"].nunique() if groups else len(table.y) // 2
        spec |= {"method": "folds", "n": n_parts(n, n_units), "repeat": 1}
    inputs = (source.port("y"), source.port("aux"))
    dealt = Task(TaskKind.DEAL, params=tuple(spec.items()), inputs=inputs, outputs=("splits",), label="deal")
    if method != "reshuffled":
        return [dealt], n_splits
    n_tested = rng.choice((0, 1))
    params: tuple[tuple[str, Value], ...] = (
        ("n_tested", n_tested), ("per_round", n), ("private", 0), ("repeat", repeat), ("seed", 0),
    )  # fmt: skip
    common = Task(
        TaskKind.RESHUFFLE, params=params, inputs=(dealt.port("splits"),), outputs=("splits",), label="common"
    )
    return [dealt, common], repeat if n_tested else n * repeat


def _own_deals(rng: random.Random, leaves: list[Task], private: int) -> list[Task]:
    """Return what makes the splits of one workflow: parts put together anew, or a sample."""
    made: list[Task] = []
    if leaves[-1].kind is TaskKind.RESHUFFLE:
        params = {**dict(leaves[-1].params), "private": rng.choice((private, rng.getrandbits(20)))}
        made.append(replace(leaves[-1], params=tuple(params.items())))
    if rng.random() < 0.25:
        made.append(sample_task([*leaves, *made][-1], rng.choice((0.5, 0.7)), seed=rng.randint(0, 3)))
    return made


def _evaluation(rng: random.Random, task: str, source: Task, deal: Task, n_splits: int, own: Task | None) -> Evaluation:
    setting: tuple[tuple[str, Value], ...] = (
        ("classes", ("no", "yes") if task == "binary" else ()),
        ("task", task),
        ("whole", own is not None),
    )
    metrics = tuple(rng.sample(_METRICS[task], rng.randint(1, 2)))
    workflow = _workflow(rng, task)
    if rng.random() < 0.1 and task == "regression":  # of classes, not all that answer have a mean
        both = [(0.5, workflow), (0.5, _workflow(rng, task))]
        workflow = blended(both, blend_slots([1, 2], [0.5, 0.5]))
    return evaluation_tasks(
        workflow, source, deal, n_splits=n_splits, metrics=metrics, setting=setting, test=own
    )  # fmt: skip


def _workflow(rng: random.Random, task: str) -> Workflow:
    sums = rng.random() < 0.6  # what can be learned from sums, or fitted by masks
    name = rng.choice(tuple(name for name in _MODELS[task] if not sums or name in _LINEAR))
    parameter, values = _LATE[name]
    choices = tuple((slot, (specs[0] if sums else rng.choice(specs),)) for slot, specs in _STEPS.items())
    model = StepSpec.of(name, **{parameter: rng.choice(values)})
    return instantiate((*choices, ("model", (model,))), FEATURES, Setting(task, 80))[0]


def _context(rng: random.Random, tasks: Iterable[Task]) -> PlanContext:
    tasks = tuple(tasks)
    deals = [t for t in tasks if t.kind is TaskKind.DEAL]
    off = frozenset(rng.sample(_RULES, rng.randint(0, 4))) if rng.random() < 0.5 else frozenset()
    kept = {t.fingerprint for t in tasks if rng.random() < 0.1} if rng.random() < 0.3 else set()
    return PlanContext(
        kept=lambda key: key.partition(".")[0] in kept,
        off=off - {"merge_equal_tasks"},
        floor=rng.choice((Exactness.OPT_EQUAL, Exactness.OPT_EQUAL, Exactness.FP)),
        shares=rng.random() < 0.7,
        ahead=_ahead() if rng.random() < 0.5 else Ahead(),
        rungs=tuple(sample_task(deals[0], share) for share in (0.25, 0.5)) if deals and rng.random() < 0.3 else (),
    )


def _siblings(common: Task) -> Callable[[Task, str], Mapping[Value, Task]]:
    """Return what tells the splits of configurations that differ in a late parameter."""

    def splits(private: int) -> Task:
        return replace(common, params=tuple({**dict(common.params), "private": private}.items()))

    return lambda fit, _name: {value: splits(i) for i, value in enumerate(_LATE[fit.operator][1])}


@cache
def _ahead() -> Ahead:
    """Return what a search over all models and late parameters may ask for."""
    steps = [StepChoice(name, (), ((late, OneOf(values)),)) for name, (late, values) in _LATE.items()]
    slot = Slot("model", tuple(Alternative((step,)) for step in steps))
    return Ahead(SearchSpace((slot,), "binary"), n_trials=100)


# --- leaks ------------------------------------------------------------------------------------------------------------

Change = Callable[[Task], Task]


def plant(plan: PhysicalPlan, seed: int) -> Iterator[tuple[str, PhysicalPlan]]:
    """Yield the plan with a mistake in it, once for each kind of mistake that it has a place for.

    Some do no harm, as where the rows that are read by mistake are not scored: ask :func:`~mileage.testing.leaks.leaks_of`.

    Examples
    --------
    >>> {"another target", "fitted on all rows"} <= {name for name, _ in plant(draw_tasks(1).plan(), 1)}
    True
    """
    rng = random.Random(seed)
    tasks = [planned.task for planned in plan]
    for name, find in _MISTAKES.items():
        places = [(task, change) for task in tasks if (change := find(task, tasks, rng)) is not None]
        if places:
            task, change = rng.choice(places)
            yield name, _changed(plan, task.fingerprint, change)


def _changed(plan: PhysicalPlan, where: Fingerprint, change: Change) -> PhysicalPlan:
    """Return the plan with one task changed, and all that read it reading what it is now."""
    now: dict[Fingerprint, Fingerprint] = {}
    made: list[PlannedTask] = []
    for planned in plan:
        task = planned.task
        inputs = tuple(port._replace(task=now.get(port.task, port.task)) for port in task.inputs)
        task = task if inputs == task.inputs else replace(task, inputs=inputs)
        task = change(task) if planned.task.fingerprint == where else task
        now[planned.task.fingerprint] = task.fingerprint
        made.append(replace(planned, task=task))
    return replace(plan, tasks=tuple(made))


def _with(task: Task, **params: Value) -> Task:
    return replace(task, params=tuple({**dict(task.params), **params}.items()))


def _all_rows(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    del tasks, rng
    if task.kind is not TaskKind.TAKE or dict(task.params)["part"] != "train":
        return None
    return lambda now: replace(_with(now, part="all"), inputs=now.inputs[:1])


def _train_scored(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    del tasks, rng
    found = task.kind is TaskKind.TAKE and dict(task.params)["part"] == "test"
    return (lambda now: _with(now, part="train")) if found else None


def _other_split(kind: TaskKind) -> Callable[[Task, list[Task], random.Random], Change | None]:
    def find(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
        if task.kind is not kind or dict(task.params).get("part", "train") != "train":
            return None
        splits = {whole_number(dict(t.params)["split"]) for t in tasks if t.kind is kind} - {dict(task.params)["split"]}
        other = rng.choice(sorted(splits)) if splits else None
        return None if other is None or other < 0 else (lambda now: _with(now, split=other))

    return find


def _other_state(kind: TaskKind) -> Callable[[Task, list[Task], random.Random], Change | None]:
    """Swap what is fitted for what was fitted by the same operator, earlier in the plan, on other rows."""

    def find(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
        if task.kind is not kind or task.step == "" or "place" in dict(task.params):
            return None
        before = tasks[: tasks.index(task)]
        others = [
            t.inputs[0] for t in before if t.kind is kind and t.label == task.label and t.inputs[0] != task.inputs[0]
        ]
        other = rng.choice(others) if others else None
        return None if other is None else (lambda now: replace(now, inputs=(other, *now.inputs[1:])))

    return find


def _other_sums(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    merged = next((t for t in tasks if task.kind is TaskKind.IMAGE and t.fingerprint == task.inputs[0].task), None)
    names = (
        [o for o in merged.outputs if o != task.inputs[0].output] if merged and merged.kind is TaskKind.MERGE else []
    )
    other = rng.choice(names) if names else None
    if other is None:
        return None
    return lambda now: replace(now, inputs=(now.inputs[0]._replace(output=other), *now.inputs[1:]))


def _other_place(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    del tasks
    places: Any = dict(task.params).get("places") if task.kind is TaskKind.MERGE else None
    if places is None or len(set(places)) < 2:
        return None
    i = rng.randrange(len(places))
    moved = (*places[:i], (places[i] + 1) % (max(places) + 1), *places[i + 1 :])
    return lambda now: _with(now, places=moved)


def _own_part(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    """Merge the sums of one part in the place of another's."""
    del tasks
    if task.kind is not TaskKind.MERGE or len(task.inputs) < 3:
        return None
    i, j = rng.sample(range(len(task.inputs)), 2)
    return lambda now: replace(now, inputs=(*now.inputs[:i], now.inputs[j], *now.inputs[i + 1 :]))


def _other_deal(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    """Read the train rows of another workflow's splits."""
    if task.kind not in {TaskKind.TAKE, TaskKind.TARGET} or dict(task.params)["part"] != "train":
        return None
    before = tasks[: tasks.index(task)]
    deals = [
        t.port("splits")
        for t in before
        if t.kind in {TaskKind.RESHUFFLE, TaskKind.SAMPLE} and t.port("splits") != task.inputs[1]
    ]
    other = rng.choice(deals) if deals else None
    return None if other is None else (lambda now: replace(now, inputs=(now.inputs[0], other)))


def _other_mask(task: Task, tasks: list[Task], rng: random.Random) -> Change | None:
    """Train a model on the rows of another one's splits."""
    del tasks
    if task.kind is not TaskKind.MASKED:
        return None
    width = 1 + whole_number(dict(task.params)["n_states"])
    at = range(3, len(task.inputs), width)
    pairs = [(i, j) for i in at for j in at if task.inputs[i] != task.inputs[j]]
    if not pairs:
        return None
    i, j = rng.choice(pairs)
    return lambda now: replace(now, inputs=(*now.inputs[:i], now.inputs[j], *now.inputs[i + 1 :]))


_MISTAKES: dict[str, Callable[[Task, list[Task], random.Random], Change | None]] = {
    "fitted on all rows": _all_rows,
    "train rows scored": _train_scored,
    "another split": _other_split(TaskKind.TAKE),
    "another target": _other_split(TaskKind.TARGET),
    "the model of another split": _other_state(TaskKind.PREDICT),
    "the transformer of another split": _other_state(TaskKind.APPLY),
    "sums of other folds": _other_sums,
    "a part at another place": _other_place,
    "a part merged in place of another": _own_part,
    "sums of another part": _other_split(TaskKind.LIFT),
    "splits of another workflow": _other_deal,
    "rows of another workflow": _other_mask,
}
