"""A sample is a task: a workflow is evaluated on part of the train rows of the same splits."""

import numpy as np
import pytest

from mileage.data import SplitSpec, deal
from mileage.engine import Resources
from mileage.engine.tasks import run_task
from mileage.operators import StepSpec
from mileage.optimizer import PlanContext, evaluation_tasks, optimize, sample_task
from mileage.workflow import Action, Features, Port, Setting, Task, TaskKind, instantiate

SOURCE = Task(TaskKind.SOURCE, params=(("data", "x"),), outputs=("X", "y", "aux"))
DEAL = Task(TaskKind.DEAL, inputs=(SOURCE.port("y"), SOURCE.port("aux")), outputs=("splits",))
CHOICES = (("impute", (StepSpec("median"),)), ("model", (StepSpec("logistic"),)))
WORKFLOW = instantiate(CHOICES, Features(("a",), ("b",), levels=3, numeric_missing=True), Setting("binary", 600))[0]


def world() -> dict[str, object]:
    import pandas as pd

    rng = np.random.default_rng(0)
    a = rng.normal(size=600)
    X = pd.DataFrame({"a": a, "b": rng.choice(["u", "v", "w"], 600)})
    return {
        "X": X,
        "y": (a + rng.normal(size=600) > 0).astype(np.int64),
        "aux": pd.DataFrame({"k": np.arange(600) // 3}),
    }


def evaluate(deal_task: Task) -> dict[Port, object]:
    """Run all tasks one by one and return every output."""
    data = world()
    made = evaluation_tasks(WORKFLOW, SOURCE, deal_task, n_splits=3, metrics=(), setting=())
    resources = Resources(
        source=lambda _task, _inputs: data,
        deal=lambda _task, inputs: {"splits": deal(SplitSpec(n=3, stratify=True), n_rows=600, y=inputs[0])},
    )
    values: dict[Port, object] = {}
    for task in [SOURCE, DEAL, *([deal_task] if deal_task is not DEAL else []), *made.tasks]:
        outputs = run_task(task, [values[port] for port in task.inputs], resources=resources)
        values |= {task.port(name): value for name, value in outputs.items()}
    return values | {Port(port.task, f"prediction {i}"): values[port] for i, port in enumerate(made.predictions)}


def taken(values: dict[Port, object]) -> list[int]:
    return [len(value) for value in values.values() if hasattr(value, "columns") and "a" in value.columns]


def test_train_rows_shrink_and_test_rows_stay() -> None:
    small, whole = evaluate(sample_task(DEAL, 0.1)), evaluate(DEAL)
    assert sorted(set(taken(whole))) == [200, 400, 600]
    assert {200, 600} < set(taken(small))
    assert min(taken(small)) <= 0.15 * 400
    predictions = [v for p, v in small.items() if p.output.startswith("prediction")]
    assert [len(p.labels) for p in predictions] == [200, 200, 200]  # type: ignore[attr-defined]


def test_a_sample_of_all_rows_predicts_the_same() -> None:
    one, other = (
        [v.values for p, v in evaluate(d).items() if p.output.startswith("prediction")]  # type: ignore[attr-defined]
        for d in (DEAL, sample_task(DEAL, 1.0))
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_sample_may_be_pinned_to_a_key() -> None:
    values = evaluate(sample_task(DEAL, 0.3, key=("k",), aux=SOURCE.port("aux")))
    splits = next(v for p, v in values.items() if p.output == "splits" and len(v.pairs[0].train) < 200)  # type: ignore[attr-defined]
    used = np.unique(np.concatenate([pair.train.indices() for pair in splits.pairs]))  # type: ignore[attr-defined]
    assert len(used) == 3 * len(np.unique(used // 3))


def test_samples_are_tasks_of_their_own() -> None:
    fingerprints = {sample_task(DEAL, f, seed=s).fingerprint for f in (0.1, 0.2) for s in (0, 1)}
    assert len(fingerprints) == 4
    assert sample_task(DEAL, 0.1).fingerprint == sample_task(DEAL, 0.1).fingerprint


@pytest.mark.parametrize("shares", [True, False])
def test_a_plan_may_hold_a_workflow_at_two_fidelities(shares: bool) -> None:
    levels = [sample_task(DEAL, 0.1), DEAL]
    made = [evaluation_tasks(WORKFLOW, SOURCE, d, n_splits=3, metrics=("roc_auc",), setting=()) for d in levels]
    tasks = [SOURCE, DEAL, levels[0], *[t for e in made for t in e.tasks]]
    plan, _ = optimize(tasks, [p for e in made for p in e.scores], PlanContext(shares=shares))
    samples = [p for p in plan if p.task.kind is TaskKind.SAMPLE and p.action is Action.COMPUTE]
    assert len(samples) == 1
