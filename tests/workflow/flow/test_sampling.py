"""A flow on a sample is the same flow, with the sample after what mixes rows, and rows that belong together kept together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mileage
from mileage.errors import EngineError
from mileage.session.iterate import iterate
from mileage.workflow.flow import node_of, step, upstream
from mileage.workflow.flow.deferred import FlowError
from mileage.workflow.flow.sample import Sample, SampleError
from mileage.workflow.flow.sampling import on_sample

N = 2000


def make_rows(n=N):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return pd.DataFrame({
        "i": np.arange(n), "x": x, "z": rng.normal(size=n), "group": rng.integers(0, 100, n),
        "y": (x + rng.normal(size=n) > 1.0).astype(int),
    })  # fmt: skip


def run(tmp_path, outputs, sample=None, **named):
    with mileage.connect(tmp_path) as session:
        return iterate(session, outputs, approximate=sample or Sample(0.1, 7, **named))


def places(outputs, sample=None):
    made = on_sample({name: node_of(value) for name, value in outputs.items()}, sample or Sample(0.1))
    return {(place.side, place.after, round(place.share, 3)) for place in made.places}


@step
def history(rows):
    return rows.assign(before=rows.groupby("group")["x"].shift(1).fillna(0.0))


@step(rows="each")
def doubled(rows):
    return rows.assign(x2=rows["x"] * 2)


@step
def first_rows(rows):
    return rows[rows["i"] < 1500]


@step
def last_rows(rows):
    return rows[rows["i"] >= 1500]


@step
def size(rows):
    return len(rows)


def test_the_sample_is_at_the_source_where_all_is_row_wise():
    rows = doubled(step(make_rows)())
    model = step(LogisticRegression()).fit(rows[["x", "x2"]], rows["y"])
    assert places({"model": model}) == {("train", "make_rows", 0.1)}


def test_the_sample_is_after_the_last_step_that_mixes():
    rows = doubled(history(doubled(step(make_rows)())))
    model = step(LogisticRegression()).fit(rows[["x", "before"]], rows["y"])
    assert places({"model": model}) == {("train", "history", 0.1)}


def test_histories_see_all_rows_and_models_the_sample(tmp_path):
    seen = history(step(make_rows)())
    model = step(LinearRegression()).fit(seen[["x"]], seen["before"])
    full = make_rows().assign(before=lambda rows: rows.groupby("group")["x"].shift(1).fillna(0.0))
    made = run(
        tmp_path,
        {"rows": size(seen), "model": model, "learned": learned_from(seen[["before"]], seen["y"])},
        precision="full",
    )
    assert made["rows"] == N
    learned = made["learned"]
    assert len(learned) == N // 10
    pd.testing.assert_series_equal(learned["before"], full.loc[learned.index, "before"])


@step(rows="learns")
def learned_from(X, y):
    assert len(X) == len(y)
    return X.assign(y=y)


def test_train_and_test_are_two_samples():
    rows = history(step(make_rows)())
    train, test = first_rows(rows), last_rows(rows)
    model = step(LogisticRegression()).fit(train[["x"]], train["y"])
    outputs = {"score": model.score(test[["x"]], test["y"])}
    assert places(outputs) == {("train", "first_rows", 0.1), ("test", "last_rows", 0.5)}


def test_parts_of_a_split_are_sampled_together(tmp_path):
    rows = step(make_rows)()
    parts = step(train_test_split, outputs=4)(rows[["x"]], rows["y"], random_state=0)
    train, test, y_train, y_test = parts
    model = step(LogisticRegression()).fit(train, y_train)
    predicted = model.predict(test)
    made = run(tmp_path, {"p": predicted, "a": step(accuracy_score)(y_test, predicted)})
    assert 200 < len(made["p"]) < 300  # half of 500 rows
    assert 0.6 < made["a"] <= 1


def test_an_undeclared_metric_of_ones_own_gets_the_rows_of_the_predictions(tmp_path):
    rows = step(make_rows)()
    train, test = first_rows(rows), last_rows(rows)
    model = step(LogisticRegression()).fit(train[["x"]], train["y"])
    made = run(tmp_path, {"pairs": pairs(test["y"], model.predict(test[["x"]]), test)})
    assert made["pairs"][0] == made["pairs"][1] == made["pairs"][2] < 300


@step
def pairs(truth, predicted, frame):
    return len(truth), len(predicted), len(frame)


def test_what_a_function_makes_of_predictions_keeps_its_rows(tmp_path):
    rows = step(make_rows)()
    train, test = first_rows(rows), last_rows(rows)
    model = step(LogisticRegression()).fit(train[["x"]], train["y"])
    said = said_of(model.predict_proba(test[["x"]]))
    outputs = {"a": step(accuracy_score)(test["y"], said), "pairs": pairs(test["y"], said == 1, test)}
    outputs["counts"] = pairs(rows, counted(said), test)
    made = run(tmp_path, outputs)
    assert 0.6 < made["a"] <= 1
    assert made["pairs"][0] == made["pairs"][1] == made["pairs"][2] < 300
    assert made["counts"] == (N, 2, 500)  # what is made of counts has no row for each of the sample


@step
def said_of(p):
    return (p[:, 1] > 0.5).astype(int)


@step
def counted(said):
    return [int(sum(said == 0)), int(sum(said == 1))]


def test_a_table_to_look_things_up_in_stays_whole(tmp_path):
    rows, names = step(make_rows)(), step(pd.DataFrame)({"name": list("abc")})
    model = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
    made = run(tmp_path, {"sizes": pairs(rows["y"], model.predict(rows[["x"]]), names)})
    assert made["sizes"][2] == 3
    assert made["sizes"][0] == made["sizes"][1] == N // 10


def test_what_a_function_fits_is_known_by_what_it_is_asked(tmp_path):
    rows = step(make_rows)()
    model = fitted(rows[["x"]], rows["y"])
    made = run(tmp_path, {"n": model.n, "p": model.predict(rows[["x"]])})
    assert made["n"] == N // 10


@step
def fitted(X, y):
    model = LogisticRegression().fit(X, y)
    model.n = len(X)
    return model


def test_what_is_mixed_after_a_model_and_learned_from_again_is_whole(tmp_path):
    rows = step(make_rows)()
    first = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
    rows["p"] = first.predict_proba(rows[["x"]])[:, 1]
    again = history(rows)
    second = step(LinearRegression()).fit(again[["before"]], again["p"])
    outputs = {"n": size(again), "slope": second.coef_}
    assert places(outputs) == {("train", "make_rows", 0.1), ("train", "[['before']]", 0.1)}
    assert run(tmp_path, outputs)["n"] == N


def test_a_scaler_between_learns_from_the_sample(tmp_path):
    rows = step(make_rows)()
    scaler = step(StandardScaler())
    X = scaler.fit_transform(rows[["x", "z"]])
    model = step(LogisticRegression()).fit(X, rows["y"])
    made = run(tmp_path, {"seen": scaler.n_samples_seen_, "model": model})
    assert made["seen"] == N // 10


def test_cross_validated_predictions_and_labels_stay_together(tmp_path):
    rows = step(make_rows)()
    predicted = step(cross_val_predict)(LogisticRegression(), rows[["x"]], rows["y"], cv=3)
    made = run(tmp_path, {"a": step(accuracy_score)(rows["y"], predicted), "p": predicted})
    assert len(made["p"]) == N // 10


def test_classes_keep_their_shares(tmp_path):
    rows = step(make_rows)()
    made = run(tmp_path, {"learned": learned_from(rows[["x"]], rows["y"])})
    assert made["learned"]["y"].sum() == pytest.approx(make_rows()["y"].sum() / 10, abs=1)


def test_groups_stay_whole_by_key(tmp_path):
    rows = step(make_rows)()
    made = run(tmp_path, {"learned": learned_from(rows, rows["y"])}, key="group")["learned"]
    counts = make_rows()["group"].value_counts()
    assert 0 < made["group"].nunique() < 30
    assert made["group"].value_counts().to_dict() == counts[made["group"].unique()].to_dict()


def test_samples_are_nested_and_survive_dropped_rows(tmp_path):
    def learned(rows, fraction):
        return set(run(tmp_path, {"l": learned_from(rows[["i"]], rows["z"])}, Sample(fraction, 7))["l"]["i"])

    rows = step(make_rows)()
    small, large = learned(rows, 0.1), learned(rows, 0.25)
    assert small < large
    assert learned(first_rows(rows), 0.1) == {i for i in small if i < 1500}
    assert learned(rows, 0.1) == small


def test_exact_and_approximate_never_meet():
    rows = step(make_rows)()
    model = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
    from mileage.workflow.flow import flow_tasks

    def key(sample):
        ports = {"m": node_of(model)}
        port = (on_sample(ports, sample).ports if sample else ports)["m"]
        return flow_tasks([port])[port.node].task.fingerprint

    samples = [None, Sample(0.1), Sample(0.2), Sample(0.1, 1), Sample(0.1, key="group"), Sample(0.1, precision="full")]
    samples.append(Sample(0.1, precision="u8"))
    assert len({key(sample) for sample in samples}) == len(samples)
    assert key(Sample(1.0)) == key(None)


def test_what_no_model_is_behind_is_exact():
    rows = step(make_rows)()
    model = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
    ports = {"n": node_of(size(rows)), "c": node_of(model.coef_), "mean": node_of(rows["x"].mean())}
    made = on_sample(ports, Sample(0.1))
    assert made.approximate == {"c"}
    assert made.ports["n"] == ports["n"]


def test_narrow_features_leave_labels_exact(tmp_path):
    rows = step(make_rows)()
    learned = learned_from(doubled(rows)[["x", "z"]].to_numpy(), rows["z"])
    narrow = [node.call for node in upstream(on_sample({"l": node_of(learned)}, Sample(0.1)).ports.values())]
    assert any(getattr(call, "narrow", None) for call in narrow)
    values = {}
    for precision in ("full", "f16", "u8"):
        made = run(tmp_path, {"l": arrays(doubled(rows)[["x", "z"]].to_numpy(), rows["z"])}, precision=precision)["l"]
        values[precision] = made
    X, y = values["full"]
    for precision, near in (("f16", 2e-3), ("u8", 3e-2)):
        assert (values[precision][1] == y).all()
        assert 0 < np.abs(values[precision][0] - X).max() < near


@step(rows="learns")
def arrays(X, y):
    return X, y


def test_a_frame_that_holds_the_label_is_not_narrowed():
    rows = step(make_rows)()
    scaler = step(StandardScaler()).fit(rows)
    model = step(LogisticRegression()).fit(scaler.transform(rows), rows["y"])
    ports = on_sample({"m": node_of(model)}, Sample(0.1)).ports
    takes = [node.call for node in upstream(ports.values()) if node.label.startswith("sample of")]
    assert [take.precision for take in takes] == ["full"]


def test_a_step_that_is_not_row_wise_is_refused(tmp_path):
    rows = step(make_rows)()
    dropped = step(first_rows.__wrapped__, rows="each")(rows)
    model = step(LogisticRegression()).fit(dropped[["x"]], dropped["y"])
    with pytest.raises(EngineError, match='first_rows is declared rows="each" and made'):
        run(tmp_path, {"m": model})


def test_features_and_label_of_other_lengths_are_refused(tmp_path):
    rows = step(make_rows)()
    model = step(LogisticRegression()).fit(rows[["x"]], first_rows(rows)["y"])
    with pytest.raises(EngineError, match=r"make_rows .* has 2000 rows and first_rows .* 1500: one sample"):
        run(tmp_path, {"m": model})


def test_a_key_that_is_not_there_is_refused(tmp_path):
    rows = step(make_rows)()
    model = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
    with pytest.raises(EngineError, match="no column 'plane' where the sample is taken, make_rows"):
        run(tmp_path, {"m": model}, key="plane")


def test_a_flow_without_a_learning_step_is_refused():
    with pytest.raises(SampleError, match="no step of this flow learns"):
        on_sample({"n": node_of(size(step(make_rows)()))}, Sample(0.1))


@pytest.mark.parametrize("bad", [{"fraction": 0}, {"fraction": 1.5}, {"test": 0}, {"precision": "u4"}])
def test_a_sample_out_of_range_is_refused(bad):
    with pytest.raises(SampleError):
        Sample(**{"fraction": 0.1, **bad})


def test_a_declaration_that_says_nothing_is_refused():
    with pytest.raises(FlowError, match="rows='some' says nothing"):
        step(make_rows, rows="some")


def test_a_long_flow_is_no_trouble():
    rows = step(make_rows)()
    for _ in range(3000):
        rows = doubled(rows)
    model = step(RandomForestClassifier(2)).fit(rows[["x"]], rows["y"])
    assert places({"m": model}) == {("train", "make_rows", 0.1)}


@step
def parts(rows):
    return {"X": rows[["x"]], "y": rows["y"], "unit": "mm"}


@step
def halves(rows):
    return {"X": rows[["x"]], "half": rows["y"][:1000]}


def test_parts_in_a_dict_are_sampled_together(tmp_path):
    made = parts(step(make_rows)())
    assert len(run(tmp_path, {"l": learned_from(made["X"], made["y"])})["l"]) == N // 10


def test_parts_in_a_dict_that_differ_in_length_are_refused(tmp_path):
    made = halves(step(make_rows)())
    with pytest.raises(EngineError, match=r"halves .* has no rows to sample") as caught:
        run(tmp_path, {"l": learned_from(made["X"], made["half"])})
    assert "outputs=2" in str(caught.value)


def test_rows_to_stop_by_are_not_taken_for_rows_to_learn_from(tmp_path):
    rows = step(make_rows)()
    train, stop = first_rows(rows), last_rows(rows)
    made = run(tmp_path, {"n": counted_rows(train[["x"]], train["y"], stop[["x"]])})
    assert made["n"] == (150, 150, 500)


@step(rows="learns")
def counted_rows(X, y, stop):
    return len(X), len(y), len(stop)


def with_city(n):
    rows = make_rows(n)
    return rows.assign(city=np.where(rows["group"] > 50, "a", "b"))


def test_a_pipeline_of_column_blocks_is_tried_on_test_rows():
    blocks = ColumnTransformer([("numbers", StandardScaler(), ["x", "z"]), ("cities", OneHotEncoder(), ["city"])])
    train, test = step(with_city)(400), step(with_city)(300)
    model = step(make_pipeline(blocks, LogisticRegression())).fit(train, train["y"])
    auc = mileage.scored(test["y"], model.predict_proba(test)[:, 1])
    assert places({"auc": auc}) == {("train", "with_city", 0.1), ("test", "with_city", 0.5)}
