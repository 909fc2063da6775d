"""A flow runs what its last edit touches, and every run is a version that says why."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap

import pytest

import mileage
from mileage.errors import DataError, EngineError, UnknownRefError
from mileage.session.flow_file import run_file
from mileage.session.versions import log_report, run_report
from mileage.workflow import Action

FLOW = """
    import time
    import mileage as ml
    from sklearn.linear_model import LinearRegression
    from helpers import clean

    SCALE = 2.0

    @ml.step
    def features(rows):
        time.sleep(0.03)
        return clean(rows)[["x"]] * SCALE

    rows = ml.read("rows.csv")
    X = features(rows)
    model = ml.step(LinearRegression(fit_intercept=True)).fit(X, rows["y"])
    ml.show(score=model.score(X, rows["y"]), n=ml.step(len)(X))
"""
HELPERS = """
    def clean(rows):
        return rows.fillna(0)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{i},{3 * i + (i % 2)}\n" for i in range(40)))
    write(tmp_path / "flow.py", FLOW)
    write(tmp_path / "helpers.py", HELPERS)
    return tmp_path


def write(path, text):
    path.write_text(textwrap.dedent(text))


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def run(project):
    with mileage.connect(project) as session:
        return run_file(session, project / "flow.py")


def by_label(made, action):
    return {task.label: task.why for task in made.tasks if task.action is action}


def test_a_second_run_computes_nothing(project):
    first, second = run(project), run(project)
    assert first.count(Action.COMPUTE) == len(first.tasks)
    assert second.count(Action.COMPUTE) == 0
    assert second["score"] == first["score"]
    assert second["n"] == 40
    assert second.version.parent == first.version.id


@pytest.mark.parametrize(
    ("file", "old", "new", "label", "why"),
    [
        ("helpers.py", "fillna(0)", "fillna(1)", "features", "function helpers.clean edited at helpers.py:2"),
        ("flow.py", "SCALE = 2.0", "SCALE = 3.0", "features", "global mile_flow.SCALE changed from 2.0 to 3.0"),
        ("flow.py", "fit_intercept=True", "fit_intercept=False", "LinearRegression", "fit_intercept changed from True"),
        ("rows.csv", "39,118", "39,119", "read rows.csv", "changed"),
    ],
)
def test_an_edit_is_found_and_named(project, file, old, new, label, why):
    run(project)
    edit(project / file, old, new)
    made = run(project)
    assert why in by_label(made, Action.COMPUTE)[label]


def test_what_an_edit_does_not_touch_is_not_computed(project):
    run(project)
    edit(project / "flow.py", "fit_intercept=True", "fit_intercept=False")
    assert "features" not in by_label(run(project), Action.COMPUTE)


def test_comments_and_blank_lines_compute_nothing(project):
    run(project)
    edit(project / "helpers.py", "def clean", "# fills gaps\n\n\ndef clean")
    edit(project / "flow.py", "@ml.step", "# what is learned from\n@ml.step")
    assert run(project).count(Action.COMPUTE) == 0


def test_an_undone_edit_finds_what_was_kept(project):
    first = run(project)
    edit(project / "flow.py", "SCALE = 2.0", "SCALE = 3.0")
    run(project)
    edit(project / "flow.py", "SCALE = 3.0", "SCALE = 2.0")
    again = run(project)
    assert again.count(Action.COMPUTE) == 0
    assert again["score"] == first["score"]


def test_a_run_equals_the_plain_script(project):
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    rows = pd.read_csv(project / "rows.csv")
    X = rows.fillna(0)[["x"]] * 2.0
    expected = LinearRegression().fit(X, rows["y"]).score(X, rows["y"])
    assert run(project)["score"] == expected


def test_a_failing_step_names_itself_its_line_and_its_inputs(project):
    edit(project / "flow.py", 'clean(rows)[["x"]]', 'clean(rows)[["z"]]')
    with pytest.raises(EngineError, match="features") as raised:
        run(project)
    assert "z" in str(raised.value)
    assert 'flow.py", line 12' in raised.value.hint
    with mileage.connect(project) as session:
        assert session.catalog.flows.versions("flow")[-1].state == "failed"


def test_what_ran_before_a_failure_is_kept(project):
    edit(project / "flow.py", 'score=model.score(X, rows["y"])', 'score=ml.step(lambda X: int("no number"))(X)')
    with pytest.raises(EngineError):
        run(project)
    edit(project / "flow.py", 'int("no number")', "7")
    assert "features" not in by_label(run(project), Action.COMPUTE)


def test_versions_are_listed_shown_and_compared(project):
    run(project)
    edit(project / "flow.py", "SCALE = 2.0", "SCALE = 3.0")
    made = run(project)
    with mileage.connect(project) as session:
        session.catalog.flows.tag(1, "first")
        assert [row[0] for row in log_report(session).sections[0].rows] == ["v2", "v1"]
        assert "first" in log_report(session).sections[0].rows[1]
        changed = session.version("first").diff("last").report().sections[0].rows
        assert changed == (("preprocessing", "features", "`SCALE`: 2.0 -> 3.0 at flow.py:7"),)
        assert "v1 of flow" in session.version("v1").report().text()
        with pytest.raises(UnknownRefError, match="no version 'v9'"):
            session.version("v9")
    text = run_report(made).text()
    assert "v2 from v1" in text and "features" in text


def test_a_file_that_shows_nothing_gives_its_last_values(project):
    edit(project / "flow.py", 'ml.show(score=model.score(X, rows["y"]), n=ml.step(len)(X))', "n = ml.step(len)(X)")
    assert {"n", "model"} <= set(run(project).values)


def test_a_file_without_deferred_values_is_refused(project):
    write(project / "flow.py", "x = 3")
    with pytest.raises(DataError, match="shows nothing"):
        run(project)
    (project / "flow.py").unlink()
    with pytest.raises(DataError, match="cannot read"):
        run(project)


def test_values_are_computed_from_a_script(project):
    @mileage.step
    def double(x):
        return 2 * x

    with mileage.connect(project) as session:
        four = double(2)
        assert mileage.compute(four, session=session) == 4
        assert mileage.compute({"a": double(four), "b": [four]}, session=session) == {"a": 8, "b": [4]}


def test_a_step_warns_and_has_threads_as_in_a_script(tmp_path):
    import warnings

    from threadpoolctl import threadpool_info

    def pools():
        return sorted((pool["filepath"], pool["num_threads"]) for pool in threadpool_info())

    @mileage.step
    def look():
        warnings.warn("mind the gap", stacklevel=1)
        return pools()

    with mileage.connect(tmp_path) as session, pytest.warns(UserWarning, match="mind the gap"):
        assert mileage.compute(look(), session=session, flow="look") == pools()


class Heavy:
    """A value whose copies in memory can be counted."""

    def __init__(self, before):
        self.n_alive = [*before, sum(type(one) is Heavy for one in gc.get_objects())]


@pytest.mark.parametrize("policy", ["none", "all"])
def test_a_value_leaves_memory_when_its_last_reader_is_done(tmp_path, policy):
    first = value = mileage.step(Heavy)([])
    for _ in range(4):
        value = mileage.step(lambda one: Heavy(one.n_alive))(value)
    both = mileage.step(lambda one, other: (one.n_alive, other.n_alive))(first, value)
    with mileage.connect(tmp_path, policy=policy) as session:
        assert mileage.compute(both, session=session, flow="chain") == ([1], [1, 2, 3, 3, 3])


def test_a_process_imports_for_a_flow_what_its_steps_need(tmp_path):
    (tmp_path / "flow.py").write_text("import mileage\nmileage.show(four=mileage.step(abs)(-4))\n")
    heavy = ("sqlalchemy", "alembic", "scipy", "sklearn", "pandas", "duckdb", "lark", "mileage.language.ast")
    code = f"""
        import sys, mileage
        from mileage.session.flow_file import run_file
        from mileage.session.versions import log_report, run_report
        with mileage.connect(".") as session:
            print(run_report(run_file(session, "flow.py")).text())
            print(log_report(session).text())
        print([name for name in {heavy} if name in sys.modules])
    """
    words = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "four" in done.stdout and done.stdout.splitlines()[-1] == "[]"


def test_a_step_that_fails_inside_a_library_is_told_at_the_line_that_made_it(project):
    edit(project / "flow.py", "fit_intercept=True", "fit_intercept='no'")
    with pytest.raises(EngineError) as error:
        run(project)
    assert "--> flow.py:16" in str(error.value)
