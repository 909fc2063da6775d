"""A run on a sample says that it is one, is judged against its like, and asks for more rows where it cannot tell."""

from __future__ import annotations

import json
import textwrap

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.apps.cli import main
from mileage.errors import CatalogError, OperatorError
from mileage.session.approximate import CompareError, Sample, comparable, sample_of, verdict, verdicts_of
from mileage.session.escalate import decide
from mileage.session.flow_file import run_file
from mileage.session.iterate import iterate
from mileage.session.versions import diff_report, log_report, run_report, version_report
from mileage.workflow import Action
from mileage.workflow.flow import step
from mileage.workflow.flow.scored import measured

FLOW = """
    import mileage as ml
    from sklearn.linear_model import LogisticRegression

    rows = ml.read("rows.csv")
    model = ml.step(LogisticRegression(C=1.0)).fit(rows[["x"]], rows["y"])
    ml.show(n=ml.step(len)(rows), auc=ml.scored(rows["y"], model.predict_proba(rows[["x"]])))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(4000, 2)), columns=["x", "z"])
    rows["y"] = (rows["x"] + rows["z"] + rng.normal(size=4000) > 0).astype(int)
    rows.to_csv("rows.csv", index=False)
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    with mileage.connect(tmp_path) as session:
        (session.project.path / "sample.json").write_text('{"salt": 1}')  # the same rows in each run of the tests
    return tmp_path


def edit(project, old, new):
    text = (project / "flow.py").read_text()
    assert old in text
    (project / "flow.py").write_text(text.replace(old, new))


def run(project, approximate=0.1):
    with mileage.connect(project) as session:
        return run_file(session, project / "flow.py", approximate=approximate)


def test_a_sampled_version_says_so_everywhere(project):
    run(project, None)
    made = run(project)
    with mileage.connect(project) as session:
        texts = [report.text() for report in (run_report(made), version_report(session.version("v2")))]
        log, diff = log_report(session).text(), diff_report(session.version("v1").diff("v2")).text()
    for text in texts:
        assert "≈ approximate: 0.1 of the train rows after read rows.csv" in text
        assert "≈ auc" in text
        assert "≈ n" not in text
    assert log.count("≈ auc") == 1
    assert "not compared with v1: v1 and v2 did not see the same rows: all and 0.1 in f16" in diff
    assert made["n"] == 4000
    assert len(made["auc"].truth) == 400


def test_a_second_run_on_the_sample_computes_nothing_and_an_exact_one_all(project):
    first, again = run(project), run(project)
    assert again.count(Action.COMPUTE) == 0
    assert float(again["auc"]) == float(first["auc"])
    exact = run(project, None)
    assert {"LogisticRegression.fit", "scored roc_auc"} <= {t.label for t in exact.tasks if t.action is Action.COMPUTE}
    assert "approximate" not in exact.version.record
    assert len(exact["auc"].truth) == 4000


def test_all_rows_are_no_sample(project):
    exact, whole = run(project, None), run(project, 1.0)
    assert whole.count(Action.COMPUTE) == 0
    assert float(whole["auc"]) == float(exact["auc"])
    assert comparable(exact.version, whole.version)


def test_the_sample_belongs_to_the_project(project, tmp_path_factory):
    with mileage.connect(project) as session:
        one = sample_of(session, 0.1)
    with mileage.connect(project) as session:
        assert sample_of(session, 0.1) == one
        assert sample_of(session, 0.25).salt == one.salt
    with mileage.connect(tmp_path_factory.mktemp("other")) as session:
        assert sample_of(session, 0.1).salt != one.salt


def test_a_broken_sample_file_is_named(project):
    with mileage.connect(project) as session:
        (session.project.path / "sample.json").write_text("{}")
        with pytest.raises(CatalogError, match=r"sample.json' cannot be read"):
            sample_of(session, 0.1)


def test_an_edit_is_judged_by_the_rows_both_predicted(project):
    run(project)
    edit(project, 'rows[["x"]]', 'rows[["x", "z"]]')
    run(project)
    with mileage.connect(project) as session:
        old, new = (session.catalog.flows.version(ref) for ref in ("v1", "v2"))
        made = verdicts_of(session, old, new)["auc"]
        assert (made.says, made.n_rows) == ("better", 400)
        assert made.low < made.difference < made.high
        assert verdicts_of(session, new, old)["auc"].says == "worse"
        assert verdicts_of(session, new, new)["auc"].says == "equal"


def test_the_command_shows_mark_and_verdict(project, capfd):
    assert main(["iterate", "flow.py", "--approximate", "0.1"]) == 0
    assert "≈ approximate" in capfd.readouterr().out
    edit(project, 'rows[["x"]]', 'rows[["x", "z"]]')
    assert main(["iterate", "flow.py", "--approximate", "0.1"]) == 0
    assert "auc against v1: better: +0." in capfd.readouterr().out
    assert main(["iterate", "flow.py"]) == 0
    assert "not compared with v2: v2 and v3 did not see the same rows" in capfd.readouterr().out
    edit(project, "C=1.0", "C=2.0")
    assert main(["iterate", "flow.py", "--approximate", "0.1"]) == 0
    assert "auc against v2: " in capfd.readouterr().out


def test_the_command_refuses_a_key_without_a_sample(project, capfd):
    assert main(["iterate", "flow.py", "--key", "x"]) == 2
    assert "--approximate" in capfd.readouterr().err


def truth_and(noise, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, y + noise * rng.normal(size=n)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy", "average_precision"])
def test_a_clear_difference_is_seen_by_any_metric(metric):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    good, poor = (np.clip(0.5 + d * (y - 0.5) + 0.1 * rng.normal(size=600), 0.01, 0.99) for d in (0.8, 0.2))
    if metric == "accuracy":
        good, poor = (good > 0.5).astype(int), (poor + 0.2 * rng.normal(size=600) > 0.5).astype(int)
    assert verdict(measured(y, poor, metric), measured(y, good, metric)).says == "better"
    assert verdict(measured(y, good, metric), measured(y, poor, metric)).says == "worse"


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_a_clear_difference_is_seen_for_amounts(metric):
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    poor, good = y + rng.normal(size=500), y + 0.3 * rng.normal(size=500)
    assert verdict(measured(y, poor, metric), measured(y, good, metric)).says == "better"


def test_noise_is_undecided_and_taken_for_more_one_time_in_ten():
    says = []
    for seed in range(200):
        y, base = truth_and(1.0, seed=seed)
        rng = np.random.default_rng(1000 + seed)
        one, other = (measured(y, base + 0.3 * rng.normal(size=len(y)), "roc_auc") for _ in range(2))
        says.append(verdict(one, other).says)
    assert 170 <= says.count("undecided") <= 190  # 180 are to be expected


def test_what_surely_differs_by_less_than_the_margin_is_equal():
    y, base = truth_and(1.0)
    one, other = measured(y, base, "roc_auc"), measured(y, base + 1e-3 * np.arange(len(y)) / len(y), "roc_auc")
    made = verdict(one, other, margin=0.01)
    assert (made.says, verdict(one, other).says) == ("equal", "undecided")
    assert max(abs(made.low), abs(made.high)) < 0.01


def test_other_rows_are_not_compared():
    one, other = measured([0, 1, 1], [0.1, 0.6, 0.7], "roc_auc"), measured([0, 1, 0], [0.1, 0.6, 0.7], "roc_auc")
    with pytest.raises(CompareError, match="are not the same rows"):
        verdict(one, other)


def test_predictions_of_other_rows_are_refused():
    with pytest.raises(OperatorError, match="2 predictions for 3 rows"):
        measured([0, 1, 1], [0.1, 0.6], "roc_auc")


def outputs(rows, columns, metric="roc_auc"):
    from sklearn.linear_model import LogisticRegression

    model = step(LogisticRegression()).fit(rows[columns], rows["y"])
    return {"auc": mileage.scored(rows["y"], model.predict_proba(rows[columns]), metric)}


def small_step(n=20_000):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "z"])
    return frame.assign(y=(frame["x"] + 0.25 * frame["z"] + rng.normal(size=n) > 0).astype(int))


def test_what_is_undecided_goes_to_larger_samples_until_it_is_not(project):
    rows = step(small_step)()
    with mileage.connect(project) as session:
        made = decide(session, outputs(rows, ["x"]), outputs(rows, ["x", "z"]), approximate=Sample(0.005, 1))
    fractions = [rung.fraction for rung in made.rungs]
    assert made.verdicts["auc"].says == "better"
    assert made.ended == "decided"
    assert len(fractions) > 1
    assert fractions[:3] == [0.005, 0.005, 0.0125]
    assert [rung.test for rung in made.rungs][:3] == [0.025, 0.05, 0.125]
    assert all(rung.verdicts["auc"].says == "undecided" for rung in made.rungs[:-1])
    assert "decided: 0.005 of the train rows and 0.025 of the test rows" in str(made)


def test_all_rows_end_it(project):
    rows = step(small_step)(400)
    with mileage.connect(project) as session:
        old, new = outputs(rows, ["x"]), outputs(rows, ["x"])
        noisy = step(lambda said: said + 0.01 * np.random.default_rng(0).normal(size=len(said)), label="noise")
        from sklearn.linear_model import LogisticRegression

        model = step(LogisticRegression()).fit(rows[["x"]], rows["y"])
        new = {"auc": mileage.scored(rows["y"], noisy(model.predict_proba(rows[["x"]])[:, 1]))}
        made = decide(session, old, new, approximate=0.5)
    assert [rung.fraction for rung in made.rungs] == [0.5, 1.0]
    assert made.ended == "undecided on all rows"


def test_a_budget_ends_it(project):
    rows = step(small_step)()
    with mileage.connect(project) as session:
        made = decide(
            session, outputs(rows, ["x"]), outputs(rows, ["x", "z"]), approximate=Sample(0.005, 1), budget_s=0
        )
    assert [rung.fraction for rung in made.rungs] == [0.005]
    assert made.ended == "undecided within 0 s"


def test_versions_without_a_common_metric_are_refused(project):
    rows = step(small_step)()
    one, other = outputs(rows, ["x"]), {"other": outputs(rows, ["x"])["auc"]}
    with mileage.connect(project) as session, pytest.raises(CompareError, match="no metric in common"):
        decide(session, one, other)


def told(capfd):
    return json.loads(capfd.readouterr().out)["decision"]


def test_the_command_takes_larger_samples_until_it_is_decided(project, capfd):
    run(project, None)
    edit(project, 'rows[["x"]]', 'rows[["x", "z"]]')
    assert main(["iterate", "flow.py", "--approximate", "0.1", "--against", "last"]) == 0
    said = capfd.readouterr().out
    assert "auc against last: better: +0." in said
    assert "decided: 0.1 of the train rows" in said
    edit(project, 'rows[["x", "z"]]', 'rows[["z"]]')  # as good as the other column
    assert main(["--json", "iterate", "flow.py", "--approximate", "0.1", "--against", "v1"]) == 0
    made = told(capfd)
    assert len(made["shares"]) > 1
    assert made["shares"] == pytest.approx([0.1, 0.1, 0.25, 0.625, 1.0][: len(made["shares"])])
    assert made["against"] == "v1"
    with mileage.connect(project) as session:
        flows = [version.record.flow for version in session.versions()]
    assert set(flows) == {"flow", "flow@v1"}


def test_an_older_version_runs_with_the_modules_it_had(project, capfd):
    (project / "helpers.py").write_text('COLUMNS = ["x"]\n')
    edit(project, "rows = ml", "from helpers import COLUMNS\nrows = ml")
    edit(project, 'rows[["x"]]', "rows[COLUMNS]")
    run(project)
    (project / "helpers.py").write_text('COLUMNS = ["x", "z"]\n')
    assert main(["iterate", "flow.py", "--approximate", "0.1", "--against", "v1"]) == 0
    assert "auc against v1: better: +0." in capfd.readouterr().out


def test_what_cannot_be_compared_with_is_refused(project, capfd):
    run(project)
    assert main(["iterate", "flow.py", "--against", "v1"]) == 2
    assert "--approximate" in capfd.readouterr().err
    assert main(["iterate", "flow.py", "--approximate", "0.1", "--against", "v9"]) != 0
    assert "v9" in capfd.readouterr().err
    with mileage.connect(project) as session:
        mileage.compute(mileage.step(len)([1]), session=session, flow="cells")
    assert main(["iterate", "flow.py", "--approximate", "0.1", "--against", "v2"]) != 0
    assert "v2 has no flow file to run" in capfd.readouterr().err


def test_more_test_rows_fit_no_model_again(project):
    rows = step(small_step)()
    train, test = rows[:10_000], rows[10_000:]
    from sklearn.linear_model import LogisticRegression

    model = step(LogisticRegression()).fit(train[["x", "z"]], train["y"])
    shown = {"auc": mileage.scored(test["y"], model.predict_proba(test[["x", "z"]]))}
    sample = Sample(0.05, 1)
    with mileage.connect(project) as session:
        few = iterate(session, shown, approximate=sample)
        more = iterate(session, shown, approximate=sample.larger())
    fits = [task.action for task in more.tasks if task.label == "LogisticRegression.fit"]
    assert fits == [Action.LOAD]
    assert len(more["auc"].truth) == pytest.approx(2 * len(few["auc"].truth), rel=0.05)
