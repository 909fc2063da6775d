"""A skrub plan is a flow: the numbers are skrub's, an edit computes what it touches, what cannot come later is refused."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import pytest
from flow_values import value_of
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

import mileage
from mileage.session.flow_file import run_file
from mileage.workflow import Action
from mileage.workflow.flow import cross_validate, flow_tasks, node_of, step
from mileage.workflow.flow.deferred import FlowError

skrub = pytest.importorskip("skrub", reason="the extra skrub is not installed")
N = 120


@pytest.fixture(autouse=True)
def quiet_previews():
    with skrub.config_context(eager_data_ops=False):
        yield


@pytest.fixture(scope="module")
def orders():
    rng = np.random.default_rng(0)
    made = pd.DataFrame(
        {
            "user": rng.integers(0, 12, N),
            "price": rng.normal(20, 5, N),
            "item": rng.choice(["pen", "cup", "spoon"], N),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, N), "D"),
        }
    )
    return made.assign(late=(made["price"] + rng.normal(0, 4, N) > 21).astype(int))


def same(ours, theirs):
    if isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(ours, theirs)
    elif isinstance(theirs, pd.Series):
        pd.testing.assert_series_equal(ours, theirs)
    else:
        np.testing.assert_array_equal(ours, theirs)


def with_users(orders):
    """A plan with most kinds of nodes."""
    data = skrub.var("orders", orders)
    means = data.groupby("user").agg({"price": "mean"}).rename(columns={"price": "mean price"}).reset_index()
    X = data[["user", "price", "item", "when"]].skb.mark_as_X()
    y = data["late"].skb.mark_as_y()
    joined = X.merge(means, on="user", how="left")
    joined = joined.assign(above=joined["price"] - joined["mean price"], low=~(joined["price"] > 10.0))
    encoded = joined.skb.drop("user").skb.apply(skrub.TableVectorizer())
    both = encoded.skb.concat([joined[["above"]].rename(columns={"above": "once more"})], axis=1)
    return both.skb.apply(LogisticRegression(C=skrub.choose_float(0.1, 10, log=True, name="C"), max_iter=500), y=y)


def test_the_value_is_that_of_eval(orders):
    plan = with_users(orders)
    same(value_of(step(plan)), plan.skb.eval())


@pytest.mark.parametrize("mode", ["predict", "predict_proba", "score"])
def test_a_learner_predicts_as_that_of_skrub(orders, mode):
    plan = with_users(orders)
    train, test = {"orders": orders[:80]}, {"orders": orders[80:]}
    expected = getattr(plan.skb.make_learner().fit(train), mode)(test)
    learner = step(plan.skb.make_learner()).fit({"orders": step(lambda: orders[:80])()})
    same(value_of(getattr(learner, mode)(test)), expected)


@pytest.mark.parametrize("scoring", [None, "roc_auc", ["accuracy", "neg_log_loss"]])
def test_scores_are_those_of_cross_validate(orders, scoring):
    plan = with_users(orders)
    expected = plan.skb.cross_validate(scoring=scoring, cv=3)
    ours = cross_validate(plan, scoring=scoring, cv=3)
    assert {name for name in expected if name.startswith("test_")} == set(ours)
    for name, scores in ours.items():
        same(value_of(scores), expected[name].to_numpy())


def test_folds_and_metrics_that_a_plan_names_are_its_own(orders):
    data = skrub.var("orders", orders)
    X = data[["price", "user"]].skb.mark_as_X(cv=GroupKFold(3), split_kwargs={"groups": data["user"]})
    plan = X.skb.apply(StandardScaler()).skb.apply(Ridge(), y=data["late"].skb.mark_as_y()).skb.with_scoring("r2")
    same(value_of(cross_validate(plan)["test_score"]), plan.skb.cross_validate()["test_score"].to_numpy())


@skrub.deferred
def load(path):
    return pd.read_csv(path)


def doubled(frame, factor=2):
    return frame * factor


def test_functions_branches_choices_and_marks_give_what_skrub_gives(orders, tmp_path):
    file = tmp_path / "orders.csv"
    orders.to_csv(file, index=False)
    rows = load(skrub.as_data_op({"here": str(file), "there": "-"})[skrub.var("place", "here")])
    numbers = rows[["price", "user"]].skb.apply_func(doubled, factor=skrub.choose_int(2, 9, name="factor"))
    kind = skrub.choose_from(["scale", "pca"], name="kind")
    made = numbers.skb.apply(kind.match({"scale": StandardScaler(), "pca": PCA(1)}))
    frozen = made["price"].mean().skb.freeze_after_fit()
    mode = skrub.eval_mode().skb.match({"preview": 1}, default=3)
    low, high = rows["price"].skb.apply_func(lambda p: [p.min(), p.max()])
    branch = skrub.var("sub", True).skb.if_else(made - frozen, made)
    plan = branch.skb.subsample(5).skb.select(["price"]) * mode + abs(-low) / high
    same(value_of(step(plan)), plan.skb.eval())
    names = made.skb.applied_estimator.all_outputs_
    assert value_of(step(names)) == names.skb.eval() == ["price", "user"]


def test_columns_of_the_same_name_get_the_names_of_the_train_rows(orders):
    data = skrub.var("orders", orders)
    twice = data[["price"]].skb.concat([data[["price"]]], axis=1).skb.apply(StandardScaler())
    learner = step(twice.skb.make_learner()).fit({"orders": orders[:50]})
    first, second = value_of(*(learner.transform({"orders": part}) for part in (orders[50:], orders[60:])))
    assert list(first) == list(second)


def test_an_edit_computes_what_it_touches(orders):
    before = flow_tasks([node_of(step(with_users(orders)))])
    again = flow_tasks([node_of(step(with_users(orders)))])
    assert {one.task.fingerprint for one in before.values()} == {one.task.fingerprint for one in again.values()}
    plan = with_users(orders)
    plan._skrub_impl.estimator.set_params(C=3.0)
    after = flow_tasks([node_of(step(plan))])
    old = {one.task.fingerprint for one in before.values()}
    new = {node.label for node, one in after.items() if one.task.fingerprint not in old}
    assert new == {"LogisticRegression.fit", "LogisticRegression.predict"}


FLOW = """
    import pandas as pd
    import skrub
    from sklearn.linear_model import Ridge

    def features(rows):
        return rows[["price"]] * 2

    rows = skrub.var("path", "orders.csv").skb.apply_func(pd.read_csv)
    X = rows.skb.apply_func(features).skb.mark_as_X()
    pred = X.skb.apply(skrub.TableVectorizer()).skb.apply(Ridge(alpha=1.0), y=rows["late"].skb.mark_as_y())
"""


@pytest.fixture
def project(tmp_path, monkeypatch, orders):
    monkeypatch.chdir(tmp_path)
    orders.to_csv("orders.csv", index=False)
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    return tmp_path


def run(project, old="", new=""):
    file = project / "flow.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new) if old else file.read_text())
    with mileage.connect(project) as session:
        return run_file(session, file)


def test_a_file_with_a_plan_is_a_flow(project):
    first, second = run(project), run(project)
    assert list(first.values) == ["pred"]
    assert second.count(Action.COMPUTE) == 0
    same(second["pred"], first["pred"])
    edited = run(project, "alpha=1.0", "alpha=2.0")
    computed = [task.label for task in edited.tasks if task.action is Action.COMPUTE]
    assert computed == ["Ridge.fit", "Ridge.predict"]
    assert "estimator.alpha changed from 1.0 to 2.0" in {task.label: task.why for task in edited.tasks}["Ridge.fit"]
    assert "features edited" in {t.label: t.why for t in run(project, "* 2", "* 3").tasks}["features"]
    assert {task.where for task in first.tasks if task.label == "Ridge.fit"} == {"flow.py:11"}


def test_a_file_that_a_plan_reads_is_looked_into(project):
    run(project)
    text = (project / "orders.csv").read_text()
    (project / "orders.csv").write_text(text.replace("pen", "pencil"))
    assert "read_csv" in [task.label for task in run(project).tasks if task.action is Action.COMPUTE]


def test_a_step_that_fails_is_named_with_the_users_line(project):
    with pytest.raises(mileage.MileError) as error:
        run(project, '["price"]', '["prize"]')
    assert "features" in str(error.value)
    assert 'flow.py", line 7' in str(error.value)


def test_a_step_that_fails_inside_a_library_is_named_with_the_line_of_its_node(project):
    with pytest.raises(mileage.MileError) as error:
        run(project, "alpha=1.0", "alpha='high'")
    assert "Ridge.fit: InvalidParameterError" in str(error.value)
    assert "--> flow.py:11" in str(error.value)


def total(x):
    return x + TOTAL  # noqa: F821  (a test sets it)


def totaled(x):
    return skrub.deferred(total)(x)


@pytest.mark.parametrize(
    ("plan", "code", "says"),
    [
        (lambda x: x.sum() + skrub.var("rate"), "F719", "the variable 'rate'"),
        (lambda x: (x.sum() > 3).skb.if_else(x, -x), "F705", "if_else"),
        (lambda x: x.sum().skb.match({3: x}, default=-x), "F705", "a match"),
        (totaled, "F705", "TOTAL"),
        (lambda x: x.skb.apply(Ridge(alpha=x.sum())), "F705", "a parameter of Ridge"),
        (lambda x: x.skb.apply(skrub.deferred(PCA)(1)), "F705", "an estimator is computed"),
    ],
)
def test_what_cannot_come_later_is_refused_before_anything_runs(plan, code, says, orders, monkeypatch):
    monkeypatch.setitem(globals(), "TOTAL", skrub.var("total", 1))
    made = plan(skrub.var("x", orders[["price"]]))
    with pytest.raises(FlowError) as error:
        step(made)
    assert error.value.code == code
    assert says in str(error.value)
    assert "test_skrub_plan.py:" in str(error.value) or "parameter" in says


def test_a_learner_is_fitted_first(orders):
    learner = step(with_users(orders).skb.make_learner())
    with pytest.raises(FlowError, match="before it is fitted"):
        learner.predict({"orders": orders})


def test_a_plan_runs_on_a_sample(orders, tmp_path):
    many = pd.concat([orders] * 20, ignore_index=True)
    data = skrub.var("orders", many)
    model = data[["price", "user"]].skb.apply(StandardScaler()).skb.apply(
        HistGradientBoostingClassifier(random_state=0), y=data["late"]
    )  # fmt: skip
    with mileage.connect(tmp_path) as session:
        fit = model.skb.applied_estimator.n_iter_
        assert mileage.compute(fit, session=session, flow="plan", approximate=0.1) > 0
        assert session.version("last").record.record["approximate"]["places"]
