"""Tasks of one job run at the same time where they say so; what comes of it is what one thread gives."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from mileage.core.fingerprint import Fingerprint
from mileage.engine import Executor, Manner, Resources, backends
from mileage.engine.together import run_together
from mileage.workflow.plan import Action, PhysicalPlan, PlannedTask
from mileage.workflow.task import Task, TaskKind


class Function:
    def __init__(self, function, manner=Manner.BESIDE):
        self.function, self.manner = function, manner

    def run(self, inputs):
        return (self.function(*inputs),)


def task_of(name, *inputs):
    return Task(TaskKind.CALL, params=(("code", name),), inputs=tuple(t.port("out") for t in inputs), label=name)


def outcome_of(calls, wanted, n_threads=2):
    """Run calls by task; return the outcome."""
    tasks = list(calls)
    plan = PhysicalPlan(
        tuple(PlannedTask(task, Action.COMPUTE) for task in tasks),
        tuple(task.port("out") for task in wanted),
        (tuple(task.fingerprint for task in tasks),),
    )
    by_name = {task.fingerprint: call for task, call in calls.items()}
    resources = Resources(
        calls=by_name, n_threads=n_threads, manner=lambda task, _: by_name[task.fingerprint].manner
    )  # fmt: skip
    with Executor(backends.get("inline").new(), None, resources=resources) as executor:
        executor.submit(plan)
        [outcome] = executor.wait(30)
        values = [outcome.values[task.port("out")] for task in wanted] if outcome.error is None else None
    return outcome, values


def test_tasks_that_may_run_beside_each_other_do():
    meet = threading.Barrier(2, timeout=10)
    calls = {task_of(name): Function(meet.wait) for name in "ab"}
    outcome, values = outcome_of(calls, list(calls))
    assert outcome.error is None
    assert sorted(values) == [0, 1]


def test_a_task_that_runs_alone_sees_no_other():
    running, seen = [], []

    def beside():
        running.append(1)
        time.sleep(0.02)
        running.pop()

    def alone(*_):
        seen.append((len(running), threading.current_thread() is threading.main_thread()))

    first = [task_of(f"beside {i}") for i in range(4)]
    calls = dict.fromkeys(first, Function(beside))
    calls |= {task_of(f"alone {i}", first[i]): Function(alone, Manner.ALONE) for i in range(4)}
    outcome_of(calls, list(calls), n_threads=3)
    assert seen == [(0, True)] * 4


@pytest.mark.parametrize("manner", list(Manner))
def test_any_number_of_threads_gives_the_same(manner):
    source = task_of("source")
    middle = [task_of(f"middle {i}", source) for i in range(6)]
    last = task_of("last", *middle)
    calls = {source: Function(lambda: 2, manner)}
    calls |= {task: Function(lambda x, i=i: x**i, manner) for i, task in enumerate(middle)}
    calls[last] = Function(lambda *xs: list(xs), manner)
    for n_threads in (1, 2, 5):
        outcome, values = outcome_of(calls, [last], n_threads)
        assert values == [[1, 2, 4, 8, 16, 32]]
        assert outcome.seconds.keys() == {task.fingerprint for task in calls}


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_first_error_of_the_plan_is_told_and_others_go_on(n_threads):
    def fails(message, wait_s):
        time.sleep(wait_s)
        raise ValueError(message)

    done = []
    first, second, other = task_of("first"), task_of("second"), task_of("other")
    calls = {
        first: Function(lambda: fails("slow", 0.05)),
        second: Function(lambda: fails("quick", 0)),
        other: Function(lambda: done.append(1)),
        task_of("after", first): Function(print),
    }
    outcome, _ = outcome_of(calls, list(calls), n_threads)
    assert str(outcome.error) == "first: ValueError: slow"
    assert done == [1]


class Large:
    pass


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_value_is_freed_when_its_last_reader_is_done(n_threads):
    alive = {}

    def made():
        one = Large()
        alive["value"] = weakref.ref(one)
        return one

    def is_there(*_):
        gc.collect()
        return alive["value"]() is not None

    source = task_of("source")
    reader = task_of("reader", source)
    again = task_of("again", source, reader)
    after = task_of("after", again)
    calls = {source: Function(made), reader: Function(is_there), again: Function(is_there), after: Function(is_there)}
    _, values = outcome_of(calls, [reader, again, after], n_threads)
    assert values == [True, True, False]


def test_no_task_overtakes_one_that_waits_to_run_alone():
    begun = []

    def note(name):
        return lambda *_: begun.append(name)

    slow = task_of("slow")
    quick = task_of("quick")
    calls = {slow: Function(lambda: time.sleep(0.1)), quick: Function(note("quick"))}
    calls[task_of("alone", quick)] = Function(note("alone"), Manner.ALONE)
    calls[task_of("late")] = Function(note("late"))
    late = [task for task in calls if task.label == "late"]
    calls |= {task_of("later", *late): Function(note("later"))}
    outcome_of(calls, list(calls), n_threads=2)
    assert begun.index("alone") < begun.index("later")


class Interrupted:
    """Steps of which one is interrupted while another runs."""

    def __init__(self):
        self.left, self.release, self.ended = False, threading.Event(), []

    def begin(self, task):
        del task
        return []

    def work(self, task, inputs, *, shared):
        del inputs, shared
        if task.label == "runs":
            self.release.wait(10)
        else:
            raise KeyboardInterrupt

    def end(self, task):
        self.ended.append(task.label)

    def leave(self):
        self.left = True
        self.release.set()


def test_an_interrupt_does_not_wait_for_what_runs():
    steps, tasks = Interrupted(), [task_of("runs"), task_of("interrupted")]
    manner = {"runs": Manner.BESIDE, "interrupted": Manner.AT_ONCE}
    with pytest.raises(KeyboardInterrupt):
        run_together(tasks, steps, lambda task, _: manner[task.label], 2)
    assert steps.left
    assert steps.ended == []


def test_a_thread_has_the_settings_of_the_caller():
    from sklearn import config_context, get_config

    calls = {task_of(name): Function(lambda: get_config()["assume_finite"]) for name in "ab"}
    with config_context(assume_finite=True):
        assert outcome_of(calls, list(calls))[1] == [True, True]


def test_seconds_of_what_runs_together_are_those_of_its_own_thread():
    meet = threading.Barrier(2, timeout=10)

    def waits():
        meet.wait()
        time.sleep(0.2)

    calls = {task_of(name): Function(waits) for name in "ab"}
    outcome, _ = outcome_of(calls, list(calls))
    assert max(outcome.seconds.values()) < 0.1
    assert set(outcome.seconds) == {Fingerprint(task.fingerprint) for task in calls}
