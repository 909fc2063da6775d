"""What workflows of a search begin with is compiled once, and is what it would be alone."""

from mileage.operators import StepSpec
from mileage.optimizer import Prefixes, evaluation_tasks
from mileage.workflow import Features, Setting, Task, TaskKind, Workflow, instantiate

SOURCE = Task(TaskKind.SOURCE, params=(("data", "x"),), outputs=("X", "y", "aux"))
DEAL = Task(TaskKind.DEAL, inputs=(SOURCE.port("y"), SOURCE.port("aux")), outputs=("splits",))
TEST = Task(TaskKind.SOURCE, params=(("data", "z"),), outputs=("X", "y", "aux"))


def workflow(k: float, c: float) -> Workflow:
    select = StepSpec.of("k_best", k=k)  # it reads the target; 1 is a number of columns, 1.0 all of them
    choices = (
        ("impute", (StepSpec("median"),)),
        ("select", (select,)),
        ("model", (StepSpec.of("logistic", C=c),)),
    )
    return instantiate(choices, Features(("a",), ("b",), levels=3, numeric_missing=True), Setting("binary", 100))[0]


def compiled(made: Workflow, prefixes: Prefixes | None = None, test: Task | None = None) -> list[Task]:
    asked = {"n_splits": 3, "metrics": ("roc_auc",), "setting": (), "test": test}
    return list(evaluation_tasks(made, SOURCE, DEAL, prefixes=prefixes, **asked).tasks)


def test_tasks_are_those_of_each_workflow_alone() -> None:
    prefixes = Prefixes(most=40)  # some is forgotten on the way
    for k in (1, 1.0, 2, 1):
        for test in (None, TEST):
            for c in (0.1, 1.0):
                alone, shared = compiled(workflow(k, c), test=test), compiled(workflow(k, c), prefixes, test)
                assert [task.fingerprint for task in shared] == [task.fingerprint for task in alone]
                assert shared == alone


def test_steps_before_the_model_are_the_very_same_tasks() -> None:
    prefixes = Prefixes()
    one, other = (compiled(workflow(1, c), prefixes) for c in (0.1, 1.0))
    new = {id(task) for task in other} - {id(task) for task in one}
    assert {task.kind for task in other if id(task) in new} == {TaskKind.FIT, TaskKind.PREDICT, TaskKind.SCORE}
    assert len(new) == 3 * 2 + 1
