"""Plans: equal tasks are one, kept ones are loaded, and no rule changes a result."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mileage.core.exactness import Exactness
from mileage.errors import InternalError
from mileage.operators import StepSpec
from mileage.optimizer import BATCHES, PlanContext, evaluation_tasks, optimize
from mileage.optimizer.rule import rule, run_rule, weakest
from mileage.optimizer.rules.form_segments import form_segments
from mileage.workflow import (
    Action,
    Features,
    PhysicalPlan,
    PlannedTask,
    Port,
    Setting,
    Task,
    TaskKind,
    Workflow,
    instantiate,
)

RULES = [one.__name__ for _, rules in BATCHES for one in rules]
CASES = Path(__file__).parents[1] / "cases" / "optimizer"
SOURCE = Task(TaskKind.SOURCE, params=(("data", "x"),), outputs=("X", "y", "aux"))
DEAL = Task(TaskKind.DEAL, inputs=(SOURCE.port("y"), SOURCE.port("aux")), outputs=("splits",))


def workflow(c: float) -> Workflow:
    choices = (("impute", (StepSpec("median"),)), ("model", (StepSpec.of("logistic", C=c),)))
    return instantiate(choices, Features(("a",), ("b",), levels=3, numeric_missing=True), Setting("binary", 100))[0]


def tasks(*cs: float) -> tuple[list[Task], list[Port]]:
    made = [evaluation_tasks(workflow(c), SOURCE, DEAL, n_splits=3, metrics=("roc_auc",), setting=()) for c in cs]
    return [SOURCE, DEAL, *[t for e in made for t in e.tasks]], [p for e in made for p in e.scores]


def test_configurations_share_all_but_the_model() -> None:
    context = PlanContext(off=frozenset({"fuse_fits"}))
    one, _ = optimize(*tasks(1.0), context)
    two, record = optimize(*tasks(1.0, 9.0), context)
    models = 3 * 2 + 1  # fit and predict for each split, one score
    assert two.count(Action.COMPUTE) == one.count(Action.COMPUTE) + models
    merged = next(r for r in record if r.rule == "merge_equal_tasks")
    assert merged.before > merged.after


def test_kept_predictions_make_the_rest_unneeded() -> None:
    made, wanted = tasks(1.0)
    keys = {t.port().key for t in made if t.kind is TaskKind.PREDICT}
    plan, _ = optimize(made, wanted, PlanContext(kept=keys.__contains__))
    assert {p.task.kind for p in plan if p.action is Action.COMPUTE} == {TaskKind.SOURCE, TaskKind.DEAL, TaskKind.SCORE}
    assert not any(p.action is Action.COMPUTE and p.task.kind is TaskKind.FIT for p in plan)


@pytest.mark.parametrize("shares", [True, False])
def test_segments_hold_each_computed_task_once_and_in_order(shares: bool) -> None:
    plan, _ = optimize(*tasks(1.0, 2.0), PlanContext(shares=shares))
    flat = [name for segment in plan.segments for name in segment]
    computed = [p.task for p in plan if p.action is Action.COMPUTE]
    assert sorted(flat) == sorted(t.fingerprint for t in computed)
    place = {name: i for i, segment in enumerate(plan.segments) for name in segment}
    for task in computed:
        assert all(place[port.task] <= place[task.fingerprint] for port in task.inputs if port.task in place)


@given(st.lists(st.sampled_from([0.5, 1.0, 9.0]), min_size=1, max_size=3), st.data(), st.booleans())
def test_any_plan_gives_what_is_wanted_whatever_is_kept_or_off(
    cs: list[float], data: st.DataObject, shares: bool
) -> None:
    made, wanted = tasks(*cs)
    ports = sorted({task.port(output).key for task in made for output in task.outputs})
    kept = data.draw(st.sets(st.sampled_from(ports)))
    off = data.draw(st.sets(st.sampled_from(RULES)))
    plan, record = optimize(made, wanted, PlanContext(kept=kept.__contains__, shares=shares, off=frozenset(off)))
    assert not {r.rule for r in record} & off
    assert {port.key for port in wanted} <= simulated(plan, kept)


def simulated(plan: PhysicalPlan, kept: set[str]) -> set[str]:
    """Return the keys of what there is after a plan has run segment by segment."""
    there = {task.port(output).key for task in loaded(plan) for output in task.outputs}
    assert there <= kept, "something is loaded that is not kept"
    by_name = {p.task.fingerprint: p.task for p in plan}
    for name in (name for segment in plan.segments for name in segment):
        task = by_name[name]
        assert {port.key for port in task.inputs} <= there, f"{task.label} runs before its inputs"
        there |= {task.port(output).key for output in task.outputs}
    return there


def loaded(plan: PhysicalPlan) -> list[Task]:
    return [p.task for p in plan if p.action is Action.LOAD]


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_case_that_compares_scores_without_it(name: str) -> None:
    case = CASES / f"{name}.case"
    assert f"\nsame scores without {name}\n" in case.read_text(encoding="utf-8")
    assert f"\nplan after {name}\n" in case.read_text(encoding="utf-8")


def test_a_rule_below_the_floor_does_not_fire_and_what_fired_is_marked() -> None:
    @rule(Exactness.TIE_EQUAL)
    def loosely(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
        del context
        marked = (replace(p, by="loosely", exactness=Exactness.TIE_EQUAL) for p in plan)
        return PhysicalPlan(tuple(marked), plan.wanted, ())

    made, wanted = tasks(1.0)
    plan = PhysicalPlan(tuple(PlannedTask(t) for t in made), tuple(wanted), ())
    left, record = run_rule(loosely, plan, PlanContext(floor=Exactness.FP))
    assert (weakest(left), record) == (Exactness.BITWISE, None)
    changed, record = run_rule(loosely, plan, PlanContext(floor=Exactness.TIE_EQUAL))
    assert weakest(changed) is Exactness.TIE_EQUAL
    assert record is not None


def test_every_rule_file_is_in_a_batch() -> None:
    import pkgutil

    import mileage.optimizer.rules as folder

    listed = {one.__name__ for _, rules in BATCHES for one in rules}
    assert {info.name for info in pkgutil.iter_modules(folder.__path__)} == listed


def test_every_rule_shows_before_and_after() -> None:
    for _, rules in BATCHES:
        for one in rules:
            assert "::" in (one.__doc__ or ""), one.__name__


def test_a_broken_plan_is_a_bug_of_ours() -> None:
    @rule(Exactness.BITWISE)
    def lose_source(plan: PhysicalPlan, context: PlanContext) -> PhysicalPlan:
        del context
        return PhysicalPlan(tuple(p for p in plan if p.task.kind is not TaskKind.SOURCE), plan.wanted, ())

    made, wanted = tasks(1.0)
    with pytest.raises(InternalError, match="reads what is not there"):
        run_rule(lose_source, PhysicalPlan(tuple(PlannedTask(t) for t in made), tuple(wanted), ()), PlanContext())


def test_fingerprints_tell_parameters_apart() -> None:
    a, b, c = (workflow(v).fingerprint for v in (1.0, 1.0, 2.0))
    assert a == b != c


def test_cells_that_all_splits_read_are_in_no_ring_of_segments() -> None:
    layout = Task(TaskKind.LAYOUT, inputs=(SOURCE.port("X"),))
    cells = Task(TaskKind.CELLS, inputs=(SOURCE.port("X"), layout.port()))
    learned = Task(TaskKind.LIFT, inputs=(SOURCE.port("X"), layout.port()))
    answer = Task(TaskKind.GATHER, inputs=(learned.port(), cells.port()))
    tasks = (SOURCE, layout, cells, learned, answer)
    plan = PhysicalPlan(tuple(map(PlannedTask, tasks)), (answer.port(),), ())
    segments = form_segments(plan, PlanContext(shares=False)).segments
    places = {name: i for i, names in enumerate(segments) for name in names}
    assert places.keys() == {task.fingerprint for task in tasks}
    assert all(places[port.task] <= places[task.fingerprint] for task in tasks for port in task.inputs)
