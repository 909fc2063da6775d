"""Tasks are their fingerprints: equal ones are the same computation, and nothing else is."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mileage.workflow import Port, Task, TaskKind

plain = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, -1.5, 1e300]) | st.text(max_size=2)
values = st.recursive(plain, lambda inside: st.lists(inside, max_size=2).map(tuple), max_leaves=3)
named = st.lists(st.tuples(st.sampled_from("ab"), values), max_size=2).map(tuple)
ports = st.builds(Port, st.sampled_from(["p", "q", "pq"]), st.sampled_from(["out", "state", ""]))
tasks = st.builds(
    Task,
    st.sampled_from(list(TaskKind)),
    st.sampled_from(["", "ridge", "pca"]),
    named,
    named,
    st.lists(st.sampled_from(["a 1", "a 2", "b 1"]), max_size=2).map(tuple),
    st.lists(ports, max_size=2).map(tuple),
)


def identity(task: Task) -> str:
    """What a task computes, as text: 1, 1.0 and True are three values."""
    return repr((task.kind, task.operator, task.params, task.context, task.versions, task.inputs))


@given(tasks, tasks)
def test_fingerprints_differ_exactly_where_tasks_differ(one: Task, two: Task) -> None:
    assert (one.fingerprint == two.fingerprint) == (identity(one) == identity(two))


@given(tasks, st.data())
def test_each_part_of_a_task_is_in_its_fingerprint(task: Task, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["kind", "operator", "params", "context", "versions", "inputs"]))
    other = replace(task, **{name: getattr(data.draw(tasks), name)})
    assert (task.fingerprint == other.fingerprint) == (identity(task) == identity(other))


@given(tasks)
def test_words_for_people_are_no_identity(task: Task) -> None:
    told = replace(task, label="fit a model", step="model")
    assert told.fingerprint == task.fingerprint
    assert told == task
