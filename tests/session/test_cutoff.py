"""What gives the same as before ends the work there: what reads it is loaded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mileage
from mileage.session.digest import digest_of
from mileage.session.iterate import iterate
from mileage.workflow import Action


@pytest.fixture
def run(tmp_path):
    def once(**outputs):
        with mileage.connect(tmp_path) as session:
            return iterate(session, outputs, flow="flow")

    return once


def computed(made):
    return [task.label for task in made.tasks if task.action is Action.COMPUTE]


def slow_sum(rows):
    import time

    time.sleep(0.06)
    return rows.sum()


def table(factor):
    return pd.DataFrame({"a": np.arange(5.0) * factor, "b": np.ones(5)})


def flow(factor, made=table):
    rows = mileage.step(made, label="table")(factor)
    clean = mileage.step(lambda x: x.clip(upper=10.0), label="clean")(rows)
    return mileage.step(slow_sum)(clean)


def test_an_edit_that_changes_no_value_ends_there(run):
    first = run(x=flow(3))
    second = run(x=flow(3, made=lambda factor: table(factor).copy()))
    assert computed(first) == ["table", "clean", "slow_sum"]
    assert computed(second) == ["table"]
    assert "it gave what it gave before" in next(task.why for task in second.tasks if task.label == "table")
    assert second["x"].tolist() == first["x"].tolist()


def test_it_is_remembered(run):
    same = flow(3, made=lambda factor: table(factor).copy())
    run(x=flow(3))
    run(x=same)
    assert computed(run(x=same)) == []


def test_an_edit_that_changes_a_value_goes_on(run):
    run(x=flow(3))
    assert computed(run(x=flow(4))) == ["table", "clean", "slow_sum"]


def test_what_is_left_to_chance_is_not_the_same_because_it_once_was(run):
    def chance(factor):
        import random

        random.random()
        return table(factor)

    run(x=flow(3))
    assert computed(run(x=flow(3, made=chance))) == ["table", "clean", "slow_sum"]


def test_a_failure_in_what_runs_first_is_the_failure_of_the_run(run):
    def fails(factor):
        raise ZeroDivisionError(factor)

    run(x=flow(3))
    with pytest.raises(mileage.MileError, match="ZeroDivisionError"):
        run(x=flow(3, made=fails))


N = 4000
NAMES = [f"n{i}" for i in range(60)]
TEXTS = [f"s{i}" for i in range(12)]


def wide(extra):
    rng = np.random.default_rng(0)
    data = {name: rng.normal(size=N) for name in NAMES} | {name: rng.choice(list("abcd"), N) for name in TEXTS}
    return pd.DataFrame(data | {name: rng.normal(size=N) for name in extra} | {"y": rng.normal(size=N)})


def preprocessing(extra):
    numbers = [*NAMES[:20], *extra, *NAMES[20:]]
    return ColumnTransformer([("num", StandardScaler(), numbers), ("cat", OneHotEncoder(), TEXTS)])


def wide_flow(extra):
    rows = mileage.step(wide)(extra)
    train, test = rows.iloc[: N // 2], rows.iloc[N // 2 :]
    model = mileage.step(make_pipeline(preprocessing(extra), Ridge())).fit(train, train["y"])
    return model.predict(test)


def test_one_feature_more_costs_the_block_it_is_in(run):
    first = run(p=wide_flow([]))
    second = run(p=wide_flow(["new"]))
    count = [sum(label.endswith("r.fit_transform") for label in computed(made)) for made in (first, second)]
    assert count[0] > 4
    assert count[1] == 1
    rows = wide(["new"])
    plain = make_pipeline(preprocessing(["new"]), Ridge()).fit(rows[: N // 2], rows["y"][: N // 2])
    np.testing.assert_array_equal(second["p"], plain.predict(rows[N // 2 :]))
    assert computed(run(p=wide_flow(["new"]))) == []
    assert computed(run(p=wide_flow([]))) == []


def test_no_column_is_kept_twice(run, tmp_path):
    made = run(p=wide_flow([]))
    taken = {task.task for task in made.tasks if task.label.startswith("columns ")}
    assert not [path for path in tmp_path.rglob("*.out*") if path.name.partition(".")[0] in taken]


def test_a_digest_tells_values_types_and_order_apart():
    frame = pd.DataFrame({"a": [1.0, 2.0], "s": ["x", None]})
    values = [
        np.arange(4), np.arange(4.0), np.arange(4).reshape(2, 2), np.asfortranarray(np.arange(4).reshape(2, 2)),
        frame, frame[["s", "a"]], frame.set_axis([5, 6]), frame["a"], sparse.csr_array(np.eye(2)), [1], (1,), "1", 1, None,
    ]  # fmt: skip
    digests = [digest_of([value]) for value in values]
    assert len(set(digests)) == len(values)
    assert digests == [digest_of([value]) for value in values]
    assert digest_of([1, 2]) != digest_of([[1, 2]])


def test_what_is_dear_to_digest_has_none():
    assert digest_of([pd.DataFrame({"a": pd.Series(["x", 1] * 100_000, dtype=object)})]) is None
