"""The executor on both backends: values, single flight, failures, keeping and loading."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from world import RESOURCES, DictStore, plan, scored_port, workflow

from mileage.core.events import EventBus
from mileage.engine import Executor, JobState, Limits, Resources, backends
from mileage.workflow.plan import Action, PhysicalPlan, PlannedTask
from mileage.workflow.task import TaskKind


@pytest.fixture(params=["inline", "processes"])
def executor(request, tmp_path):
    bus = EventBus()
    with Executor(
        backends.get(request.param).new(),
        DictStore(tmp_path / "kept"),
        resources=RESOURCES,
        n_workers=2,
        events=bus,
    ) as made:
        made.seen = []
        bus.listen(lambda event: made.seen.append(event.kind))
        yield made


def run(executor, *plans, limits=None):
    tickets = [executor.submit(p, label=f"w{i}", limits=limits) for i, p in enumerate(plans)]
    outcomes = {}
    while len(outcomes) < len(tickets):
        ended = executor.wait(30)
        assert ended, "nothing came"
        outcomes |= {outcome.ticket: outcome for outcome in ended}
    return [outcomes[ticket] for ticket in tickets]


def expected(executor_resources=RESOURCES, **kwargs):
    with Executor(backends.get("inline").new(), None, resources=executor_resources) as inline:
        made = plan(**kwargs)
        [outcome] = run(inline, made)
        return outcome.values[scored_port(made)]


def test_values_equal_those_of_the_inline_backend(executor):
    made = plan(3)
    [outcome] = run(executor, made)
    assert outcome.state is JobState.DONE, outcome.error
    assert outcome.values[scored_port(made)] == expected(tag=3)
    assert outcome.n_computed == len(made.tasks)
    assert outcome.seconds.keys() == {p.task.fingerprint for p in made}
    assert "segment_started" in executor.seen and "segment_finished" in executor.seen


def test_a_task_of_two_plans_is_computed_once(executor):
    plans = [plan(tag) for tag in range(5)]
    run(executor, *plans)
    assert set(executor.computed.values()) == {1}
    assert len(executor.computed) == len({p.task.fingerprint for made in plans for p in made})


def test_a_later_plan_uses_what_is_there(executor):
    run(executor, plan(0))
    [again, new] = run(executor, plan(0), plan(1))
    assert (again.n_computed, again.n_shared) == (0, 1)
    assert new.state is JobState.DONE
    assert executor.computed[plan(0).tasks[0].task.fingerprint] == 1


def test_only_what_runs_alone_has_several_threads(executor, monkeypatch):
    given, submit = set(), executor.backend.submit

    def watched(job):
        given.add((len(executor._running), job.limits.threads))
        submit(job)

    monkeypatch.setattr(executor.backend, "submit", watched)
    run(executor, plan(0), plan(1), plan(2), limits=Limits(threads=3))
    assert {threads for n_running, threads in given if n_running > 1} <= {1}
    assert (1, 3) in given
    given.clear()
    run(executor, plan(4))
    assert {threads for _, threads in given} == {1}


def test_a_failure_names_task_and_inputs_and_spares_others(executor):
    bad, good = plan(1, behavior="raise"), plan(2)
    [failed, done] = run(executor, bad, good)
    assert failed.state is JobState.FAILED
    assert (failed.error.type, failed.error.message, failed.error.label) == (
        "ValueError",
        "no good",
        "fit model 1",
    )
    assert failed.error.inputs[0].startswith("ndarray (20, 3)")
    assert "no good" not in failed.error.trace and "world.py" in failed.error.trace
    assert done.state is JobState.DONE
    [again] = run(executor, bad)
    assert again.state is JobState.FAILED and again.error.message == failed.error.message


def test_warnings_are_told_once_and_not_shown(executor, recwarn):
    [outcome] = run(executor, plan(1, behavior="warn"))
    assert outcome.warnings == ("RuntimeWarning: divide by zero encountered in log",)
    assert not recwarn.list


def test_kept_outputs_are_loaded_by_the_next_run(executor, tmp_path):
    made = plan(1, keep=True)
    [outcome] = run(executor, made)
    assert outcome.kept
    store = executor.store
    kept = {p.task.fingerprint for p in made if p.task.kind is TaskKind.FIT}
    assert all(store.has(p.task.port("state").key) for p in made if p.task.fingerprint in kept)
    loading = PhysicalPlan(
        tuple(PlannedTask(p.task, Action.LOAD if p.task.fingerprint in kept else p.action) for p in made),
        made.wanted,
        tuple(tuple(f for f in segment if f not in kept) for segment in made.segments),
    )
    with Executor(executor.backend.new(), store, resources=RESOURCES) as second:
        [loaded] = run(second, loading)
    assert loaded.state is JobState.DONE
    assert loaded.n_loaded == 4  # 2 models and 2 centers
    assert not kept & second.computed.keys()


def test_an_artifact_that_is_gone_fails_the_ticket(executor):
    made = plan(1)
    gone = PhysicalPlan(tuple(replace(p, action=Action.LOAD) for p in made), made.wanted, ())
    [outcome] = run(executor, gone)
    assert outcome.state is JobState.FAILED
    assert "gone" in outcome.error.message


def test_large_values_travel_and_stay_read_only(executor):
    tasks, _, _ = workflow(1, n=40_000)
    port = next(t for t in tasks if t.kind is TaskKind.APPLY).port()
    made = plan(1, n=40_000, wanted=(port,))
    [outcome] = run(executor, made)
    value = outcome.values[port]
    assert value.shape == (20_000, 3) and not value.flags.writeable
    assert np.isfinite(value).all()
    assert outcome.sizes[port.key] >= value.nbytes


def test_whether_a_value_is_there_is_told_without_reading_it(executor, monkeypatch):
    made = plan(1)
    monkeypatch.setattr(executor, "_read", lambda located: pytest.fail(f"{located.key} is read"))
    [outcome] = run(executor, made)
    assert scored_port(made) in outcome.values


def test_segments_that_interleave_do_not_deadlock(executor):
    made = plan(1)
    order = [p.task.fingerprint for p in made]
    odd = PhysicalPlan(made.tasks, made.wanted, (tuple(order[::2]), tuple(order[1::2])))
    [outcome] = run(executor, odd)
    assert outcome.state is JobState.DONE
    assert outcome.values[scored_port(made)] == expected(tag=1)


def test_cancelled_tickets_end_and_others_go_on(executor):
    slow = executor.submit(plan(1, behavior="sleep", seconds=0.3), label="slow")
    other = executor.submit(plan(2), label="other")
    executor.cancel(slow)
    states = {}
    while len(states) < 2:
        states |= {o.ticket: o.state for o in executor.wait(20)}
    assert states == {slow: JobState.CANCELLED, other: JobState.DONE}
    assert executor.wait(0.1) == []


def test_without_a_handler_the_failure_says_so(tmp_path):
    with Executor(backends.get("inline").new(), None, resources=Resources()) as bare:
        [outcome] = run(bare, plan(1))
    assert "no handler" in outcome.error.message


def test_values_over_the_memory_budget_move_to_disk():
    with Executor(backends.get("inline").new(), None, resources=RESOURCES, memory_bytes=2_000_000) as small:
        made = plan(1, n=40_000)
        [outcome] = run(small, made)
        assert outcome.state is JobState.DONE
        assert any(small.scratch.path.iterdir())
    assert not small.scratch.path.exists()


def test_an_unlimited_ticket_outlives_the_limit_of_an_earlier_one(tmp_path):
    made = plan(1, behavior="sleep", seconds=0.6)
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
        first = executor.submit(made, limits=Limits(timeout_s=0.2))
        states = {}
        while not states and not any(u.tasks[-1].kind is TaskKind.PREDICT for u in executor._running.values()):
            states |= {o.ticket: o.state for o in executor.wait(0.05)}
        second = executor.submit(made)
        while len(states) < 2:
            states |= {o.ticket: o.state for o in executor.wait(20)}
    assert states == {first: JobState.TIMEOUT, second: JobState.DONE}


def test_a_plan_cancelled_and_submitted_again_runs(tmp_path):
    made = plan(1, behavior="sleep", seconds=0.2)
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
        first = executor.submit(made)
        states = {}
        while not states and not any(u.tasks[-1].kind is TaskKind.PREDICT for u in executor._running.values()):
            states |= {o.ticket: (o.state, str(o.error)) for o in executor.wait(0.02)}
        executor.cancel(first)
        second = executor.submit(made)
        while len(states) < 2:
            states |= {o.ticket: (o.state, str(o.error)) for o in executor.wait(20)}
    assert states[first][0] is JobState.CANCELLED
    assert states[second] == (JobState.DONE, "None")


def test_a_shared_prefix_does_not_wait_for_the_rest_of_a_segment(tmp_path):
    slow = plan(1, behavior="sleep", seconds=1.0)
    whole = PhysicalPlan(slow.tasks, slow.wanted, (tuple(p.task.fingerprint for p in slow),))
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, n_workers=2) as executor:
        executor.submit(whole)
        quick = executor.submit(plan(2))
        [first] = executor.wait(20)
    assert first.ticket == quick and first.state is JobState.DONE
    assert set(executor.computed.values()) == {1}


def test_a_fit_that_asks_for_writable_arrays_gets_copies(executor):
    [outcome] = run(executor, plan(1, behavior="writes"))
    assert outcome.state is JobState.DONE, outcome.error
    assert outcome.n_computed == len(plan(1).tasks)


def test_what_is_submitted_aside_does_not_wait_for_others_and_its_worker_is_kept_from_them():
    with Executor(
        backends.get("processes").new(), None, resources=RESOURCES, n_workers=1, keeps_one_free=True
    ) as executor:
        for tag in range(2):
            executor.submit(plan(tag, behavior="sleep", seconds=60.0))
        for tag in (5, 6):
            aside = executor.submit(plan(tag, n=30), aside=True)
            [outcome] = executor.wait(30)
            assert outcome.ticket == aside and outcome.state is JobState.DONE
            assert outcome.values[scored_port(plan(tag, n=30))] == expected(tag=tag, n=30)
        assert [unit.aside for unit in executor._running.values()] == [False]


def test_what_is_aside_ends_at_its_limit_and_is_done_again_if_its_worker_is_lost(tmp_path):
    lost = plan(2, behavior="killed_once", path=str(tmp_path / "fits"))
    with Executor(backends.get("processes").new(), None, resources=RESOURCES, keeps_one_free=True) as executor:
        tickets = [executor.submit(plan(1, behavior="busy"), limits=Limits(timeout_s=0.3), aside=True)]
        tickets.append(executor.submit(lost, aside=True))
        states = {}
        while len(states) < 2:
            states |= {o.ticket: o.state for o in executor.wait(30)}
    assert states == {tickets[0]: JobState.TIMEOUT, tickets[1]: JobState.DONE}


def test_without_a_worker_for_it_what_is_aside_runs_in_this_process(executor):
    ticket = executor.submit(made := plan(3), aside=True)
    [outcome] = executor.wait(0)
    assert outcome.ticket == ticket and outcome.values[scored_port(made)] == expected(tag=3)
