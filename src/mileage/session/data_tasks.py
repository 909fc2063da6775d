"""The leaf tasks of a run: the data, its splits and the scoring, run by the session because they need its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mileage.core.domains import Value, whole_number
from mileage.core.fingerprint import Fingerprint, derive_seed
from mileage.data import Dataset, Kind, SplitSpec, quote
from mileage.data.reshuffle import shares_of
from mileage.errors import DataError
from mileage.operators import StepSpec
from mileage.optimizer import Ahead
from mileage.planner import LogicalPlan
from mileage.space import Configuration
from mileage.workflow import Features, Task, TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mileage.results import Trial


_WIDE = 1500
Choices = tuple[tuple[str, tuple[StepSpec, ...]], ...]


@dataclass(frozen=True)
class DataTasks:
    """Source, splits and the setting of scores of one logical plan; ``parts`` deals the rows that ``deal`` reshuffles, if it does."""

    source: Task
    deal: Task
    n_splits: int
    train_share: float
    scoring: tuple[tuple[str, Value], ...]
    test: Task | None = None
    parts: Task | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The leaf tasks, in an order that can run."""
        if self.test is not None:
            return (self.source, self.test)
        return (self.source, self.deal) if self.parts is None else (self.source, self.parts, self.deal)

    def of(self, choices: Choices) -> DataTasks:
        """Return the leaf tasks of a configuration, given its choices: with splits of its own, where the query has ``RESHUFFLED``."""
        if self.parts is None:
            return self
        params = dict(self.deal.params)
        params["private"] = derive_seed(whole_number(params["seed"]), "splits", Configuration(choices).digest)
        return replace(self, deal=replace(self.deal, params=tuple(params.items())))


def simplest(features: Features) -> Features:
    """Return one column of the features, the cheapest to read: all that the constant predictor needs."""
    for kind in ("numeric", "categorical", "datetime", "text"):
        names = getattr(features, kind)
        if names:
            return Features(**{kind: names[:1]})
    return features


def column_kinds(features: Features) -> tuple[tuple[str, str], ...]:
    """Return ``(column, kind)`` of every feature, in the order of the branches."""
    groups = (
        (features.numeric, Kind.NUMERIC),
        (features.categorical, Kind.CATEGORICAL),
        (features.text, Kind.TEXT),
        (features.datetime, Kind.DATETIME),
    )
    return tuple((name, str(kind)) for names, kind in groups for name in names)


def data_tasks(plan: LogicalPlan, splits: SplitSpec | None = None) -> DataTasks:
    """Return the leaf tasks of a logical plan, with other splits than its own if they are given."""
    v = splits or plan.validation
    strata = v.stratify if isinstance(v.stratify, tuple) else ()
    aux = tuple(dict.fromkeys([*v.groups, *strata, *([v.order_by] if v.order_by else [])]))
    source = source_task(plan, plan.dataset, aux=aux)
    test = _test_task(plan, plan.test) if plan.test is not None else None
    scoring: tuple[tuple[str, Value], ...] = (
        ("classes", plan.classes),
        ("task", plan.task),
        ("whole", test is not None),
    )
    share = 1 - 1 / v.n if v.method == "folds" else 0.8 if v.method == "holdout" else 1.0
    parts = _deal_task(v.to_parts(), source) if v.parts else None
    dealt = _deal_task(v, source) if parts is None else _reshuffle_task(v, parts, plan.setting.n_rows)
    return DataTasks(source, dealt, max(1, v.n_splits), max(0.3, share), scoring, test, parts)


def _deal_task(v: SplitSpec, source: Task) -> Task:
    spec: tuple[tuple[str, Value], ...] = (
        ("groups", v.groups),
        ("method", str(v.method)),
        ("n", v.n),
        ("order_by", v.order_by),
        ("repeat", v.repeat),
        ("seed", v.seed),
        ("size", v.size),
        ("stratify", v.stratify),
    )
    inputs = (source.port("y"), source.port("aux"))
    return Task(TaskKind.DEAL, params=spec, inputs=inputs, outputs=("splits",), label="deal rows to splits")


def _reshuffle_task(v: SplitSpec, parts: Task, n_rows: int) -> Task:
    """Return the task whose splits are put together from the parts of a deal: the same for all configurations, until one has its own."""
    size = v.size if v.size < 1 else v.size / n_rows
    per_round, n_tested = shares_of(v.n if v.method == "folds" else None, size)
    params: tuple[tuple[str, Value], ...] = (
        ("n_tested", 0 if v.method == "folds" else n_tested),
        ("per_round", per_round),
        ("private", 0),
        ("repeat", v.repeat),
        ("seed", v.seed),
    )
    inputs = (parts.port("splits"),)
    return Task(
        TaskKind.RESHUFFLE, params=params, inputs=inputs, outputs=("splits",), label="put parts together to splits"
    )


def siblings_of(data: DataTasks, ahead: Ahead, choices: Choices) -> Callable[[Task, str], Mapping[Value, Task]]:
    """Return what tells, for a fit of a configuration and a parameter, the splits of those that differ in its value and will be tried."""

    def siblings(fit: Task, name: str) -> Mapping[Value, Task]:
        values = ahead.listed(fit.operator, dict(fit.params), (name,))
        return {value: data.of(_with_value(choices, fit.operator, name, value)).deal for (value,) in values}

    return siblings


def _with_value(choices: Choices, operator: str, name: str, value: Value) -> Choices:
    def changed(spec: StepSpec) -> StepSpec:
        if spec.operator != operator:
            return spec
        return replace(spec, params=tuple((key, value if key == name else old) for key, old in spec.params))

    return tuple((slot, tuple(map(changed, specs))) for slot, specs in choices)


def source_task(plan: LogicalPlan, dataset: Dataset, *, aux: tuple[str, ...] = ()) -> Task:
    """Return the leaf task that reads the features and the target of a dataset."""
    return _source(plan, dataset.fingerprint, dataset.describe, aux, plan.target)


def fitting_source(plan: LogicalPlan, trial: Trial) -> Task:
    """Return the leaf task that reads what a workflow is fitted on as an answer: all rows of the search, or more."""
    larger = larger_of(plan, trial)
    if larger is None:
        return data_tasks(plan).source
    task = source_task(plan, larger)
    return task if plan.task == "regression" else replace(task, params=(*task.params, ("known", True)))


def larger_of(plan: LogicalPlan, trial: Trial) -> Dataset | None:
    """Return the larger part of a table that a workflow is fitted on as an answer; None if that is the part of the search."""
    return next((one for one in plan.larger if one.n_rows == trial.fitted_rows), None)


def _test_task(plan: LogicalPlan, test: Dataset) -> Task:
    """Return the task that reads the table to score on: another one than that of the train rows, even where they are the same."""
    task = source_task(plan, test)
    same = test.fingerprint == plan.dataset.fingerprint
    return replace(task, params=(*task.params, ("test", True))) if same else task


def rows_task(plan: LogicalPlan, data: Fingerprint, describe: str) -> Task:
    """Return the leaf task that reads the features of rows to predict for; ``data`` names them in the plan."""
    return _source(plan, data, describe, (), None)


def _source(plan: LogicalPlan, data: Fingerprint, describe: str, aux: tuple[str, ...], target: str | None) -> Task:
    params: tuple[tuple[str, Value], ...] = (
        ("aux", aux),
        ("classes", plan.classes),
        ("columns", column_kinds(plan.features)),
        ("data", str(data)),
        ("target", target),
        ("task", plan.task),
    )
    return Task(TaskKind.SOURCE, params=params, outputs=("X", "y", "aux"), label=f"read {describe}")


class SessionData:
    """Runs the tasks that only the session can: it has the datasets and the database connection."""

    def __init__(self, datasets: Mapping[str, Dataset]) -> None:
        self.datasets = datasets

    @classmethod
    def of(cls, plan: LogicalPlan) -> SessionData:
        """Return the datasets of a plan."""
        datasets = [d for d in (plan.dataset, plan.test, *plan.larger) if d is not None]
        return cls({str(d.fingerprint): d for d in datasets})

    def source(self, task: Task, inputs: list[Any]) -> dict[str, Any]:
        """Read the columns of a source; rows without a target are left out, and where so asked, those of unknown classes."""
        del inputs
        p: dict[str, Any] = dict(task.params)
        dataset = self.datasets[p["data"]]
        X, target = read_source(dataset, p["columns"], p["target"], p["task"])
        if target is None:
            return {"X": X, "y": None, "aux": None}
        if p.get("known"):
            known = target.isin(p["classes"]).to_numpy()
            X, target = X[known].reset_index(drop=True), target[known]
        y = encode_target(target, p["classes"], p["task"])
        aux = dataset.database.frame(aux_sql(dataset, p["aux"], p["target"], p["task"])) if p["aux"] else None
        return {"X": X, "y": y, "aux": aux}


def read_source(
    dataset: Dataset, columns: tuple[tuple[str, str], ...], target: str | None, task: str
) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return the features and the target as :func:`source_sql` gives them, a wide table in parts.

    DuckDB takes quadratic time for a statement with many expressions; plain numbers of a very wide table are read
    without it.
    """
    import pandas as pd

    wide, relation = dataset.database.wide, dataset.relation_sql
    plain = [name for name, kind in columns if kind == Kind.NUMERIC and wide.are_numbers(relation, name)]
    taken = frozenset(plain)
    others = tuple(pair for pair in columns if pair[0] not in taken)
    parts, y = [], None
    for start in range(0, len(others) or int(target is not None or not plain), _WIDE):
        X = dataset.database.frame(source_sql(dataset, others[start : start + _WIDE], target, task))
        y = X.pop(target) if target is not None else None
        parts.append(X)
    if plain:
        numbers = wide.numbers(relation, plain)
        parts.append(numbers if target is None else numbers[_known(dataset, target, task)].reset_index(drop=True))
    whole = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
    return (whole[[name for name, _ in columns]] if plain else whole), y


def _known(dataset: Dataset, target: str, task: str) -> np.ndarray:
    """Say for each row whether it has a target."""
    kind = Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL
    known: np.ndarray = dataset.database.frame(dataset.scan_sql([(target, kind)]))[target].notna().to_numpy()
    return known


def source_sql(dataset: Dataset, columns: tuple[tuple[str, str], ...], target: str | None, task: str) -> str:
    """Return the SQL that reads the features, and the target of the rows that have one, in canonical types."""
    kinds = [(name, Kind(kind)) for name, kind in columns]
    if target is None:
        return dataset.scan_sql(kinds)
    kind = Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL
    return f"SELECT * FROM ({dataset.scan_sql([*kinds, (target, kind)])}) WHERE {quote(target)} IS NOT NULL"


def script_sql(dataset: Dataset, columns: tuple[tuple[str, str], ...], target: str, task: str) -> str:
    """Return the SQL of :func:`source_sql` as a script has it: the same rows and values, written for a reader."""
    kind = Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL
    return dataset.script_sql([*((name, Kind(kind)) for name, kind in columns), (target, kind)], known=target)


def aux_sql(dataset: Dataset, columns: tuple[str, ...], target: str, task: str) -> str:
    """Return the SQL that reads the columns that deal the rows, as they are, in the rows of :func:`source_sql`."""
    listed = ",\n    ".join(quote(name) for name in columns)
    kind = Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL
    return f"SELECT\n    {listed}\nFROM {dataset.from_sql}\nWHERE {dataset.known_sql(target, kind)}"


def encode_target(values: pd.Series, classes: tuple[str, ...], task: str) -> np.ndarray:
    """Return classes as their codes, numbers as they are."""
    import numpy as np

    if task == "regression":
        return np.asarray(values, dtype=np.float64)
    codes = values.map({name: i for i, name in enumerate(classes)})
    if codes.isna().any():
        unknown = sorted({str(v) for v in values[codes.isna()]})[:3]
        raise DataError(f"the target has classes that the training data lacks: {', '.join(unknown)}", code="D431")
    return np.asarray(codes, dtype=np.int64)
