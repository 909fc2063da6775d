"""Boosted models of a grid: bins, the fit that all are cut from, and what it answers are tasks of their own."""

from mileage.operators import StepSpec
from mileage.optimizer import PlanContext, evaluation_tasks, optimize
from mileage.workflow import Features, PhysicalPlan, Setting, Task, TaskKind, instantiate

SOURCE = Task(TaskKind.SOURCE, params=(("data", "x"),), outputs=("X", "y", "aux"))
DEAL = Task(TaskKind.DEAL, inputs=(SOURCE.port("y"), SOURCE.port("aux")), outputs=("splits",))


def planned(*numbers: int) -> PhysicalPlan:
    tasks, scores = [SOURCE, DEAL], []
    for n in numbers:
        choices = (("model", (StepSpec.of("lightgbm", n_estimators=n),)),)
        workflow, _ = instantiate(choices, Features(("a", "b")), Setting("binary", 9000))
        made = evaluation_tasks(workflow, SOURCE, DEAL, n_splits=2, metrics=("roc_auc",), setting=())
        tasks += made.tasks
        scores += made.scores
    return optimize(tasks, scores, PlanContext())[0]


def test_a_fit_with_bins_and_what_it_answers_are_two_tasks() -> None:
    made = planned(*range(90, 100))  # enough that it pays to gather what they answer
    names = [one.task.fingerprint for one in made]
    assert len(set(names)) == len(names)
    kinds = [one.task.kind for one in made]
    assert all(kinds.count(kind) == 2 for kind in (TaskKind.BIN, TaskKind.WHOLE, TaskKind.GATHER))
    whole = {one.task.fingerprint for one in made if one.task.kind is TaskKind.WHOLE}
    assert {one.task.inputs[0].task for one in made if one.task.kind is TaskKind.GATHER} == whole
