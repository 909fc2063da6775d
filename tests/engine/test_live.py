"""Values that wait for their readers: few at a time, held to budgets, and computed again where they had to go."""

from __future__ import annotations

import pytest
from world import RESOURCES, _take, plan, scored_port, workflow

from mileage.engine import Executor, JobState, backends
from mileage.workflow.plan import PhysicalPlan, PlannedTask
from mileage.workflow.task import Task, TaskKind

N = 4000
N_WORKFLOWS = 6
MATRIX = N // 2 * 3 * 8  # bytes of the rows of one part, as a step gives them


def wide_plan(n_prefixes: int = 8) -> PhysicalPlan:
    """Return one plan of many workflows on 2 splits, listed one by one: several models behind each of some fitted steps."""
    tasks: dict[str, Task] = {}
    segments: dict[str, tuple[str, ...]] = {}
    wanted = []
    for tag in range(N_WORKFLOWS * n_prefixes):
        for_this, parts, scored = _behind(tag % n_prefixes, tag)
        tasks |= {task.fingerprint: task for task in for_this}
        segments |= dict.fromkeys([tuple(task.fingerprint for task in part) for part in parts])
        wanted.append(scored.port())
    return PhysicalPlan(tuple(map(PlannedTask, tasks.values())), tuple(wanted), tuple(segments))


def _behind(prefix: int, tag: int) -> tuple[list[Task], list[list[Task]], Task]:
    """Return a workflow whose first step is that of ``prefix``."""
    source, dealt, *_ = workflow(n=N)[0]
    tasks, segments, predictions = [source, dealt], [[source, dealt]], []
    for split in range(2):
        train, test = (_take(source, dealt, split, part) for part in ("train", "test"))
        seconds = (("seconds", float(prefix)),)  # it is not slept: only what misbehaves does
        center = Task(
            TaskKind.FIT, "center", seconds, inputs=(train.port(),), outputs=("state", "out"), label=f"c{prefix}"
        )
        applied = Task(TaskKind.APPLY, inputs=(center.port("state"), test.port()))
        model = Task(
            TaskKind.FIT,
            "center",
            context=(("seed", tag),),
            inputs=(center.port("out"),),
            outputs=("state",),
            is_model=True,
            label=f"m{prefix}",
        )
        predicted = Task(
            TaskKind.PREDICT, params=(("task", "regression"),), inputs=(model.port("state"), applied.port())
        )
        tasks += [train, test, center, applied, model, predicted]
        segments += [[train, test], [center, applied], [model, predicted]]
        predictions.append(predicted.port())
    inputs = (*predictions, source.port("y"), dealt.port("splits"))
    scored = Task(TaskKind.SCORE, "sum", inputs=inputs, label=f"score {tag}")
    return [*tasks, scored], [*segments, [scored]], scored


def answers(made: PhysicalPlan, **budgets: int | None):
    """Return what is wanted of a plan, the executor that ran it and its outcome."""
    with Executor(backends.get("inline").new(), None, resources=RESOURCES, **budgets) as executor:
        executor.submit(made)
        [outcome] = executor.wait(60)
        assert outcome.state is JobState.DONE, outcome.error
        return [outcome.values[port] for port in made.wanted], executor, outcome


def test_what_reads_a_value_runs_before_the_next_value_is_made():
    labels = {p.task.fingerprint: p.task.label for p in wide_plan()}
    _, _, outcome = answers(wide_plan())
    fits = [labels[name] for name in outcome.seconds if labels[name][:1] in {"c", "m"}]
    blocks = [fits[i : i + 1 + N_WORKFLOWS] for i in range(0, len(fits), 1 + N_WORKFLOWS)]
    assert len(blocks) == 16  # 8 steps on 2 splits
    for first, *rest in blocks:
        assert rest == [f"m{first[1:]}"] * N_WORKFLOWS


@pytest.mark.parametrize("n_prefixes", [2, 8])
def test_values_of_a_wide_plan_stay_within_a_bound_and_its_answers_are_the_same(n_prefixes):
    made = wide_plan(n_prefixes)
    wanted, unbounded, _ = answers(made)
    found, bounded, _ = answers(made, memory_bytes=1, scratch_bytes=1)
    assert found == wanted
    predictions = N_WORKFLOWS * n_prefixes * N // 2 * 8  # of one split wait for those of the other
    assert unbounded.live.peak_bytes > 4 * n_prefixes * MATRIX + 2 * predictions  # train and test rows of 2 splits
    assert bounded.live.peak_bytes < 10 * MATRIX + predictions  # of one step and one split, and the source
    assert set(bounded.computed.values()) == {1}


def test_what_had_to_go_is_computed_again_when_it_is_asked_for():
    plans = [plan(tag, n=N + tag % 4) for tag in range(8)]  # four tables in turn, twice
    expected = [answers(made)[0] for made in plans]
    inline = backends.get("inline").new()
    with Executor(inline, None, resources=RESOURCES, memory_bytes=1, scratch_bytes=6 * MATRIX) as executor:
        for made, scores in zip(plans, expected, strict=True):
            executor.submit(made)
            [outcome] = executor.wait(60)
            assert outcome.state is JobState.DONE, outcome.error
            assert outcome.values[scored_port(made)] == scores[0]
        assert executor.live.peak_bytes < 12 * MATRIX
        assert [executor.computed[made.tasks[0].task.fingerprint] for made in plans[:4]] == [2] * 4
