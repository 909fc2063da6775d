"""Independent steps of libraries run at the same time; outputs and versions are those of one thread."""

from __future__ import annotations

import textwrap

import pytest

import mileage
from mileage.session import iterate as iteration
from mileage.session.flow_file import run_file
from mileage.workflow import Action

FLOW = """
    import mileage as ml
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    @ml.step
    def label(rows):
        return (rows["a"] + rows["b"] > 10).astype(int)

    rows = ml.read("rows.csv")
    means = ml.sql("SELECT c, avg(a) AS mean FROM rows GROUP BY c ORDER BY c")
    X, y = rows[["a", "b", "c"]], label(rows)
    forest = ml.cross_validate(RandomForestClassifier(5, random_state=0), X, y, cv=3)["test_score"]
    linear = ml.cross_validate(make_pipeline(StandardScaler(), LogisticRegression()), X, y, cv=3)["test_score"]
    ml.show(means, forest, linear, total=ml.step(pd.DataFrame.sum)(rows))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("a,b,c\n" + "".join(f"{i % 13},{i % 7},{i % 5}\n" for i in range(90)))
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    return tmp_path


def run(project, monkeypatch, n_threads, name):
    monkeypatch.setattr(iteration, "n_cores", lambda: n_threads)
    with mileage.connect(project / name) as session:
        return run_file(session, project / "flow.py")


def told(made):
    return [(t.label, t.where, t.action, t.task, t.why, t.undeclared, t.identity.key) for t in made.tasks]


def test_outputs_and_versions_are_those_of_one_thread(project, monkeypatch):
    one, many = (run(project, monkeypatch, n, f"with {n}") for n in (1, 4))
    assert told(one) == told(many)
    assert all(str(one[name]) == str(many[name]) for name in one.values)
    flow = project / "flow.py"
    flow.write_text(flow.read_text().replace("> 10", "> 9"))
    one, many = (run(project, monkeypatch, n, f"with {n}") for n in (1, 4))
    assert one.count(Action.COMPUTE) > 0
    assert [t[:2] + t[3:4] for t in told(one)] == [t[:2] + t[3:4] for t in told(many)]
    assert all(str(one[name]) == str(many[name]) for name in one.values)


def test_an_error_is_that_of_one_thread(project, monkeypatch):
    flow = project / "flow.py"
    flow.write_text(flow.read_text().replace("RandomForestClassifier(5,", "RandomForestClassifier('five',"))
    said = set()
    for n in (1, 4):
        with pytest.raises(mileage.MileError) as error:
            run(project, monkeypatch, n, f"with {n}")
        said.add(str(error.value))
    assert len(said) == 1
