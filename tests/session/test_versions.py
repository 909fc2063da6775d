"""A version says what changed, keeps what was shown, and can be put back."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.errors import DataError, EngineError, UnknownRefError
from mileage.session.checkout import checkout
from mileage.session.flow_file import run_file
from mileage.session.version_tables import first_rows
from mileage.session.versions import explain_report, log_report, run_report, tag

FLOW = """
    import mileage as ml
    from pathlib import Path
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from lib.jobs import clean_title

    WIDTH = 2

    @ml.step
    def features(rows):
        return clean_title(rows).iloc[:, :WIDTH]

    rows = ml.read("rows.csv")
    X, y = features(rows), rows["y"]
    train, test, y_train, y_test = ml.step(train_test_split, outputs=4)(X, y, random_state=0)
    model = ml.step(LogisticRegression(C=1.0)).fit(train, y_train)
    report = ml.step(lambda score: f"<html><b>{score}</b></html>", label="report")
    accuracy = model.score(test, y_test)
    ml.show(accuracy=accuracy, predictions=model.predict(test), truth=y_test, report=report(accuracy), table=rows.head(), n=3)
"""
JOBS = """
    def clean_title(rows):
        made = rows.fillna(0)
        made["a"] = made["a"] * 1.0
        return made
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    lines = [f"{x:.4f},{z:.4f},{int(x + 0.3 * z > 0)}" for x, z in zip(a, b, strict=True)]
    (tmp_path / "rows.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    (tmp_path / "lib" / "jobs.py").write_text(textwrap.dedent(JOBS))
    with mileage.connect(tmp_path) as session:
        session.folder = tmp_path
        yield session


def run(session):
    return run_file(session, session.folder / "flow.py")


def edit(session, name, old, new):
    path = session.folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def changed(session, old="v1", new="last"):
    return {
        (step.part, step.label): [(c.kind, c.text) for c in step.changes]
        for step in session.version(old).diff(new).steps
        if step.state != "affected"
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "step", "change"),
    [
        ("lib/jobs.py", "1.0", "0.0", ("preprocessing", "features"), ("code", "helper `clean_title` edited at jobs.py:4")),
        ("flow.py", "iloc[:, :WIDTH]", "iloc[:, 1:2]", ("preprocessing", "features"), ("code", "`features` edited at flow.py:12")),
        ("flow.py", "WIDTH = 2", "WIDTH = 1", ("preprocessing", "features"), ("parameter", "`WIDTH`: 2 -> 1 at flow.py:8")),
        ("flow.py", "C=1.0", "C=0.5", ("learning", "LogisticRegression"), ("parameter", "C: 1.0 -> 0.5")),
        ("flow.py", "<b>", "<i>", ("post-processing", "report"), ("code", "`<lambda>` edited at flow.py:18")),
        ("rows.csv", "a,b,y\n", "a,b,y\n9,9,1\n", ("preprocessing", "read rows.csv"), ("data", "rows.csv has other content")),
    ],
)  # fmt: skip
def test_a_change_has_a_part_a_kind_and_a_component(project, name, old, new, step, change):
    run(project)
    edit(project, name, old, new)
    run(project)
    assert change in changed(project)[step]


def test_steps_that_come_and_go_are_told(project):
    run(project)
    edit(project, "flow.py", "table=rows.head()", "table=rows.describe()")
    run(project)
    diff = project.version("v1").diff("v2")
    assert {(step.label, step.state) for step in diff.steps} == {("describe", "added"), ("head", "removed")}
    assert "removed (was at flow.py:20)" in diff.report().text()


def test_the_lines_of_an_edited_function_are_shown(project):
    run(project)
    edit(project, "lib/jobs.py", "1.0", "0.0")
    run(project)
    text = str(project.version("v1").diff("v2"))
    assert '-    made["a"] = made["a"] * 1.0' in text and '+    made["a"] = made["a"] * 0.0' in text


def test_equal_sources_differ_in_nothing(project):
    run(project)
    run(project)
    diff = project.version("v1").diff("v2")
    assert (diff.steps, diff.outputs) == ((), ())
    assert "no step differs by itself" in str(diff)


def test_metrics_are_compared_by_rows_where_predictions_are_kept(project):
    run(project)
    edit(project, "lib/jobs.py", "1.0", "0.0")
    run(project)
    [metric] = [m for m in project.version("v1").diff("v2").metrics if m.name == "accuracy"]
    assert metric.verdict == "worse"
    assert metric.low <= metric.difference <= metric.high < 0
    assert metric.basis == "paired bootstrap over 100 rows (accuracy of truth and predictions)"
    assert project.version("v2").mark("accuracy") == "worse"


def test_kept_outputs_are_read_again_after_the_store_is_emptied(project):
    made = run(project)
    for kept in list(project.store):
        project.store.delete(kept.key)
    version = project.version("v1")
    assert version["accuracy"] == made["accuracy"]
    assert version["predictions"].tolist() == made["predictions"].tolist()
    assert version["report"] == made["report"]
    assert version["table"].equals(made["table"])
    assert (version["n"], made["n"]) == (3, 3)
    with pytest.raises(UnknownRefError, match="no output 'other'"):
        version["other"]


def test_what_is_too_large_to_keep_says_how_to_get_it_back(project, monkeypatch):
    monkeypatch.setattr("mileage.session.version_outputs.LIMIT_BYTES", 10)
    run(project)
    for kept in list(project.store):
        project.store.delete(kept.key)
    with pytest.raises(UnknownRefError, match="no longer kept") as raised:
        project.version("v1")["report"]
    assert "mile checkout v1" in raised.value.hint


def test_what_is_kept_is_written_out_and_overwrites_nothing(project, tmp_path):
    made = run(project)
    files = {path.relative_to(tmp_path / "out").as_posix() for path in project.version().save(tmp_path / "out")}
    assert files == {
        "predictions.json",
        "truth.json",
        "report.html",
        "table.csv",
        "source/flow.py",
        "source/lib/jobs.py",
    }
    assert (tmp_path / "out" / "report.html").read_text() == made["report"]
    (tmp_path / "out" / "report.html").write_text("mine")
    with pytest.raises(DataError, match=r"report\.html would be overwritten"):
        project.version().save(tmp_path / "out")
    project.version().save(tmp_path / "out", force=True)
    assert (tmp_path / "out" / "report.html").read_text() == made["report"]


def test_checkout_puts_sources_back_and_the_next_run_is_edited_from_there(project):
    run(project)
    first = (project.folder / "lib" / "jobs.py").read_text()
    edit(project, "lib/jobs.py", "1.0", "0.0")
    run(project)
    report = checkout(project, "v1")
    assert dict(report.sections[0].rows) == {"flow.py": "as it was", "lib/jobs.py": "written"}
    assert (project.folder / "lib" / "jobs.py").read_text() == first
    assert run(project).version.parent == 1


def test_checkout_refuses_to_lose_edits(project):
    run(project)
    edit(project, "flow.py", "C=1.0", "C=2.0")
    edit(project, "lib/jobs.py", "1.0", "0.0")
    mine = (project.folder / "flow.py").read_text()
    with pytest.raises(DataError, match=r"flow\.py, lib/jobs\.py would be overwritten"):
        checkout(project, "v1")
    assert (project.folder / "flow.py").read_text() == mine
    checkout(project, "v1", ["jobs.py"], force=True)
    assert (project.folder / "flow.py").read_text() == mine
    checkout(project, "v1", force=True)
    assert changed_nothing(project)


def changed_nothing(project):
    run(project)
    return not changed(project)


def test_checkout_of_some_files_leaves_the_parent(project):
    run(project)
    edit(project, "lib/jobs.py", "1.0", "0.0")
    run(project)
    checkout(project, "v1", ["lib/jobs.py"])
    assert run(project).version.parent == 2
    with pytest.raises(UnknownRefError, match=r"v1 has no source 'other\.py'"):
        checkout(project, "v1", ["other.py"])


def test_a_failed_run_keeps_its_sources(project):
    edit(project, "lib/jobs.py", 'made["a"] *', 'made["z"] *')
    with pytest.raises(EngineError):
        run(project)
    version = project.version("v1")
    assert version.record.state == "failed"
    assert b'made["z"]' in version.source("lib/jobs.py")


def test_the_text_that_ran_is_kept_and_not_what_was_saved_meanwhile(project):
    later = 'p = __import__("pathlib").Path("lib/jobs.py"); p.write_text(p.read_text() + "# later"); made = '
    edit(project, "lib/jobs.py", "made = ", later)
    run(project)
    assert b"# later\n" not in project.version().source("lib/jobs.py").replace(b'"# later"', b"")
    assert not project.version().source("lib/jobs.py").endswith(b"# later")


def test_the_log_says_what_changed_and_what_was_reused(project):
    run(project)
    edit(project, "flow.py", "C=1.0", "C=0.5")
    run(project)
    tag(project, "v2", "best")
    [last, first] = [dict(zip(s.header, row, strict=True)) for s in log_report(project).sections for row in s.rows]
    assert (first["what changed"], last["what changed"]) == ("first run", "learning: C: 1.0 -> 0.5")
    assert (last["parent"], last["tags"]) == ("v1", "best")
    reused, n = project.version("v2").reused
    assert last["reused"] == f"{reused}/{n}" and 0 < reused < n
    with pytest.raises(UnknownRefError, match="no flow 'other'"):
        log_report(project, "other")


def test_every_step_is_explained(project):
    run(project)
    edit(project, "lib/jobs.py", "1.0", "0.0")
    run(project)
    steps = {row[1]: (row[0], row[-1]) for row in explain_report(project.version()).sections[0].rows}
    assert steps["features"] == ("computed", "helper `clean_title` edited at jobs.py:4")
    assert steps["LogisticRegression.fit"] == ("computed", "its input changed: train_test_split")
    assert steps["read rows.csv"][0] in {"loaded", "not needed"}


@pytest.mark.parametrize("name", ["v3", "last", "leaderboard", "q1", "two words", "7"])
def test_a_name_that_means_something_else_is_refused(project, name):
    run(project)
    with pytest.raises(DataError, match="cannot name a version"):
        tag(project, "v1", name)


def test_an_error_of_the_file_is_said_at_its_line(project):
    edit(project, "flow.py", "WIDTH = 2", "WIDTH = = 2")
    with pytest.raises(EngineError, match="not Python yet") as raised:
        run(project)
    assert raised.value.hint.splitlines() == ["--> flow.py:8", "   8 | WIDTH = = 2", "               ^"]
    edit(project, "flow.py", "WIDTH = = 2", "WIDTH = 2 / 0")
    with pytest.raises(EngineError, match=r"flow\.py failed: ZeroDivisionError") as raised:
        run(project)
    assert raised.value.hint.splitlines() == ["--> flow.py:8", "   8 | WIDTH = 2 / 0"]


def test_an_error_of_a_module_is_said_at_its_line(project):
    edit(project, "lib/jobs.py", "made = rows", "made == = rows")
    with pytest.raises(EngineError, match="not Python yet") as raised:
        run(project)
    assert "--> jobs.py:3" in raised.value.hint


def test_a_value_used_too_early_is_said_at_its_line(project):
    edit(project, "flow.py", "X, y = features(rows)", "if rows: pass\n    X, y = features(rows)".replace("    ", ""))
    with pytest.raises(mileage.MileError, match="no value yet") as raised:
        run(project)
    assert "--> flow.py:15" in raised.value.hint


def test_plots_are_kept_as_pictures(project):
    figure = type("Figure", (), {"savefig": lambda self, out, **_: out.write(b"\x89PNG drawn")})
    from mileage.session.version_outputs import keep_output

    kept = keep_output(figure())
    assert (kept.kind, kept.suffix, kept.content) == ("picture", ".png", b"\x89PNG drawn")


FIGURES = """
    import random
    import time
    import numpy as np
    import mileage as ml

    class Figure:
        def __init__(self, values):
            self.values = np.asarray(values, dtype=float)

        def savefig(self, out, **_):
            self.values[0] += 1.0  # as matplotlib notes its limits while it draws
            with open("drawn.txt", "a") as file:
                file.write("x")
            out.write(b"\\x89PNG" + self.values.tobytes())

    def drawn(text):
        time.sleep(0.05)
        return Figure(range(10_000))

    def thrown(text):
        return Figure([random.random()])

    def written(figure):
        with open("own.png", "wb") as file:
            figure.savefig(file)

    ml.show(once=ml.step(drawn)("a"), chance=ml.step(thrown)("b"), n=1)
"""


def test_a_plot_that_is_loaded_is_the_one_that_was_kept_and_is_not_drawn_again(project):
    (project.folder / "flow.py").write_text(textwrap.dedent(FIGURES))
    run(project)
    run(project)
    first, second = (project.version(ref) for ref in ("v1", "v2"))
    assert (project.folder / "drawn.txt").read_text() == "xxx"
    assert first.content("once") == second.content("once")
    assert first.content("chance") != second.content("chance")
    edit(project, "flow.py", "n=1", "n=ml.step(written)(ml.step(drawn)('a'))")
    run(project)
    assert (project.folder / "own.png").read_bytes() == first.content("once")


def test_the_first_rows_of_a_table_are_shown(project):
    report = run_report(run(project))
    [table] = [section for section in report.sections if section.title.startswith("table")]
    assert (table.title, table.header, len(table.rows)) == ("table: 5 rows", ("a", "b", "y"), 5)
    wide = pd.DataFrame(np.arange(600).reshape(20, 30) / 7, index=pd.Index(list("abcdefghijklmnopqrst"), name="key"))
    [section] = first_rows({"wide": wide, "none": wide[:0], "number": 3})
    assert section.title == "wide: the first 10 of 20 rows, 10 of 30 columns"
    assert section.header[:2] == ("key", "0") and section.rows[1][:3] == ("b", "4.28571", "4.42857")
    pairs = pd.DataFrame({"n": ["x" * 40]}, index=pd.MultiIndex.from_tuples([(1, "a")]))
    assert first_rows({"pairs": pairs})[0].rows == (("1", "a", "x" * 29 + "…"),)


def test_a_path_is_kept_as_the_file_it_names(project, tmp_path):
    from mileage.session.version_outputs import keep_output

    (tmp_path / "plot.svg").write_text("<svg/>")
    assert keep_output(tmp_path / "plot.svg").content == b"<svg/>"
    assert keep_output(tmp_path / "plot.svg").suffix == ".svg"
    assert keep_output(b"\x89PNG...").suffix == ".png"
    assert keep_output(tmp_path / "none.svg") is None


def test_the_newest_versions_are_found_without_reading_the_others(project):
    for width in (1, 2, 1, 2):
        edit(project, "flow.py", f"WIDTH = {3 - width}", f"WIDTH = {width}")
        run(project)
    tag(project, "v3", "middle")
    project.catalog.flows._file.change(lambda c: c.execute("UPDATE versions SET record = 'not JSON' WHERE id = 1"))
    assert [version.ref for version in project.versions("flow", most=2)] == ["v3", "v4"]
    assert [project.version(ref).ref for ref in ("v3", "middle", "last", "@v4")] == ["v3", "v3", "v4", "v4"]
    assert log_report(project, "flow", most=2).lines == ("the last 2 of 4 versions",)
    with pytest.raises(UnknownRefError, match="there are v1 to v4"):
        project.version("v5")
