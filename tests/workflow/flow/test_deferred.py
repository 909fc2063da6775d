"""Deferred values are used like the values they stand for, and say so where they cannot be."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from mileage.errors import EngineError
from mileage.workflow.flow import Deferred, flow_tasks, node_of, read, sql, step
from mileage.workflow.flow.contents import content_of
from mileage.workflow.flow.deferred import FlowError


def value_of(deferred):
    """Compute a deferred value as simply as can be."""
    port = node_of(deferred)
    values = {}
    for node, one in flow_tasks([port]).items():
        made = node.call.run([values[p] for p in one.task.inputs])
        values |= {one.port(i): value for i, value in enumerate(made)}
        last = one
    return values[last.port(port.output)]


@pytest.fixture
def frame():
    return step(pd.DataFrame)({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]})


def test_operators_columns_and_methods_come_later(frame):
    made = (frame["a"] * 2 + 1 - frame["b"]).abs().sum()
    assert isinstance(made, Deferred)
    assert value_of(made) == pytest.approx(sum(abs(2 * a + 1 - b) for a, b in [(1, 4), (2, 5), (3, 6)]))


def test_swapped_operators_and_comparisons_come_later(frame):
    assert value_of((10 - frame["a"]) > 7).tolist() == [True, True, False]
    assert value_of(~(frame["a"] == 2) & (frame["a"] > 1)).tolist() == [False, False, True]


def test_an_assigned_column_is_seen_afterwards_and_not_before(frame):
    before = frame["a"]
    whole = frame.sum()
    frame["c"] = before * 10
    assert list(value_of(frame).columns) == ["a", "b", "c"]
    assert list(value_of(whole).index) == ["a", "b"]


def test_an_attribute_may_be_assigned(frame):
    frame.columns = ["x", "y"]
    assert list(value_of(frame).columns) == ["x", "y"]


def test_steps_take_and_return_several_values(frame):
    train, test, y_train, y_test = step(train_test_split, outputs=4)(frame, frame["a"], test_size=1, random_state=0)
    assert len(value_of(train)) == len(value_of(y_train)) == 2
    assert len(value_of(test)) == len(value_of(y_test)) == 1


def test_an_estimator_is_fitted_where_its_name_says_so(frame):
    scaler = step(StandardScaler())
    scaled = scaler.fit_transform(frame)
    model = step(LinearRegression()).fit(scaled, frame["b"])
    assert value_of(scaler.transform(frame)).mean() == pytest.approx(0.0)
    assert value_of(model.score(scaled, frame["b"])) == pytest.approx(1.0)


def test_fitting_leaves_the_estimator_that_was_given_as_it_was(frame):
    estimator = LinearRegression()
    value_of(step(estimator).fit(frame[["a"]], frame["b"]))
    assert not hasattr(estimator, "coef_")


def test_sql_sees_the_variables_of_the_caller(frame):
    other = step(pd.DataFrame)({"a": [2, 3], "z": ["x", "y"]})
    assert value_of(sql("SELECT z FROM frame JOIN other USING (a) ORDER BY z"))["z"].tolist() == ["x", "y"]
    assert value_of(sql("SELECT sum(a) AS s FROM t", t=frame))["s"].tolist() == [6]


def test_a_step_cannot_spoil_its_input(frame):
    @step
    def spoil(table):
        table["a"] = 0
        return table

    spoiled = spoil(frame)
    both = step(lambda x, y: (x["a"].sum(), y["a"].sum()))(spoiled, frame)
    assert value_of(both) == (0, 6)


def test_equal_steps_are_one_task():
    @step
    def double(x):
        return 2 * x

    one, two = double(step(abs)(-3)), double(step(abs)(-3))
    tasks = flow_tasks([node_of(one), node_of(two)])
    assert len({made.task.fingerprint for made in tasks.values()}) == 2


def test_a_file_is_its_content(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n")
    before = flow_tasks([node_of(read(path))])
    path.write_text("x\n2\n")
    after = flow_tasks([node_of(read(path))])
    copy = tmp_path / "b.csv"
    copy.write_text("x\n2\n")
    same = flow_tasks([node_of(read(copy))])
    keys = [next(iter(tasks.values())).task.fingerprint for tasks in (before, after, same)]
    assert keys[0] != keys[1] == keys[2]


def test_a_path_given_to_any_function_is_its_content(tmp_path):
    path = tmp_path / "a.csv"
    keys = []
    for text in ("x\n1\n", "x\n22\n"):
        path.write_text(text)
        keys.append(next(iter(flow_tasks([node_of(step(pd.read_csv)(str(path)))]).values())).task.fingerprint)
    assert keys[0] != keys[1]
    assert value_of(step(pd.read_csv)(str(path)))["x"].tolist() == [22]


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (bool, "tested for truth"),
        (len, "counted"),
        (list, "walked through"),
        (float, "made a number"),
        (lambda f: 1 in f, "searched"),
        (lambda f: LinearRegression().fit(f, [1]), ""),
        (lambda f: f.drop(columns="a", inplace=True), "changed in place by drop"),  # noqa: PD002
    ],
)
def test_what_cannot_come_later_is_refused_with_the_line(frame, use, said):
    with pytest.raises((FlowError, TypeError, ValueError)) as raised:
        use(frame)
    assert said in str(raised.value)


def test_a_missing_file_and_an_unknown_kind_are_refused_at_once(tmp_path):
    with pytest.raises(FlowError, match="no file"):
        read(tmp_path / "none.csv")
    (tmp_path / "x.xyz").write_text("")
    with pytest.raises(FlowError, match="no CSV, Parquet or JSON"):
        read(tmp_path / "x.xyz")
    with pytest.raises(FlowError, match="defers functions and estimators"):
        step(3)


def test_a_wrong_number_of_outputs_is_named():
    one, _ = step(lambda: (1, 2, 3), outputs=2, label="three")()
    with pytest.raises(EngineError, match="to return 2 values and returned 3"):
        value_of(one)


def test_a_file_of_the_same_size_and_time_is_read_again(tmp_path):
    place = tmp_path / "birds.csv"
    place.write_text("mass\n10\n")
    before, old = place.stat(), content_of(str(place))
    with place.open("r+") as file:
        file.write("mass\n11\n")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert content_of(str(place)) != old
