"""Whatever a flow does before it learns: rows that belong together stay together, and what mixes rows sees all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.workflow.flow import node_of, step, upstream
from mileage.workflow.flow.sample import Sample
from mileage.workflow.flow.sampling import on_sample

N = 400
settled = settings(max_examples=60, deadline=None)


def source():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"i": np.arange(N), "x": rng.normal(size=N), "n": N, "late": rng.integers(0, 2, N)})


@step(rows="each")
def each(rows):
    return rows.assign(x=rows["x"] * 2)


@step
def counting(rows):
    return rows.assign(n=len(rows))


@step
def dropping(rows):
    return rows[rows["i"] % 5 > 0]


@step
def sorting(rows):
    return rows.sort_values("x").reset_index(drop=True)


@step(rows="learns")
def learning(X, y):
    assert (X["i"].to_numpy() == y["i"].to_numpy()).all()
    return {"n": len(X), "seen": X["n"].iloc[0], "ids": set(X["i"])}


@step(rows="each")
def predicting(model, X):
    return X.assign(said=model["n"])


@step
def reporting(truth, said, table):
    assert (truth["i"].to_numpy() == said["i"].to_numpy()).all()
    return {"n": len(truth), "seen": said["n"].iloc[0], "table": len(table)}


BY_NAME = {
    "each": each, "counting": counting, "dropping": dropping, "sorting": sorting,
    "column": lambda rows: rows.assign(z=rows["x"] + 1),
}  # fmt: skip
words = st.lists(st.sampled_from(sorted(BY_NAME)), max_size=5)


def applied(rows, names):
    for name in names:
        rows = BY_NAME[name](rows)
    return rows


def values_of(ports):
    made = {}
    for node in upstream(ports.values()):
        made[node] = node.call.run([made[port.node][port.output] for port in node.inputs])
    return {name: made[port.node][port.output] for name, port in ports.items()}


@settled
@given(words, words, words, st.sampled_from([0.1, 0.3, 0.6]), st.sampled_from(["full", "f16", "u8"]))
def test_rows_stay_together_and_what_mixes_sees_all(before, features, label, fraction, precision):
    common = applied(step(source)(), before)
    same_rows = [name for name in label if name in {"each", "column", "counting"}]
    X = applied(common, [name for name in features if name in {"each", "column", "counting"}])
    y = applied(common, same_rows)
    model = learning(X[["i", "n", "x"]], y[["i", "late"]])
    table = step(source)()
    report = reporting(y, predicting(model, X), table["x"].head(7))
    ports = {"model": node_of(model), "report": node_of(report), "rows": node_of(step(len)(X))}
    exact = values_of(ports)
    made = on_sample(ports, Sample(fraction, 3, precision=precision))
    found = values_of(made.ports)
    assert made.approximate == {"model", "report"}
    assert found["rows"] == exact["rows"]
    assert found["model"]["seen"] == exact["model"]["seen"]
    assert 0 < found["model"]["n"] < exact["model"]["n"]
    assert found["report"]["n"] == found["model"]["n"]
    assert found["report"]["table"] == 7


@settled
@given(words, st.sampled_from([(0.05, 0.2), (0.2, 0.5), (0.5, 0.9)]))
def test_larger_samples_hold_the_smaller(before, fractions):
    rows = applied(step(source)(), before)
    model = {"model": node_of(learning(rows[["i", "n"]], rows[["i"]]))}
    small, large = (values_of(on_sample(model, Sample(f, 3)).ports)["model"]["ids"] for f in fractions)
    assert small < large
