"""Functions in cells are followed as those of files are, on a shell that keeps cells as IPython does, and on IPython."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

import mileage
from mileage.apps.notebook import load_ipython_extension
from mileage.errors import DataError, EngineError

HELPER = "import mileage as ml\ndef helper(x):\n    return x + 1\n"
DWELL = "import time\ndef helper(x):\n    time.sleep(0.01)  # a step that takes no time is not worth a load\n    return x + 1\n"
STEP = "@ml.step\ndef double(x):\n    return helper(x) * 2\n"


class Shell:
    """A shell that compiles and keeps cells as IPython does."""

    def __init__(self) -> None:
        self.user_ns = {"__name__": "__main__"}
        self.magics = {}
        self.number = 0
        self.files = []

    def register_magic_function(self, function, kind, name):
        self.magics[name] = function

    def run_cell(self, cell):
        self.number += 1
        file = f"<ipython-input-{self.number}-{hashlib.md5(cell.encode()).hexdigest()[:12]}>"
        linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
        self.files.append(file)
        try:
            exec(compile(cell, file, "exec"), self.user_ns)
        except Exception as error:  # noqa: BLE001  (a shell shows whatever a cell raises)
            return SimpleNamespace(success=False, error=error)
        return SimpleNamespace(success=True, error=None)

    def cells(self, *cells):
        for cell in cells:
            assert self.run_cell(cell).success

    def iterate(self, line="", cell=None):
        return self.magics["mile_iterate"](line, cell)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "birds.ipynb"))
    made = Shell()
    load_ipython_extension(made)
    yield made
    made.magics["mileage"].close()
    for file in made.files:
        linecache.cache.pop(file, None)


def actions(report):
    return {row[1]: (row[0], row[-1]) for row in report.sections[1].rows}


def outputs(report):
    return dict(report.sections[0].rows)


def versions(path):
    with mileage.connect(path) as session:
        return session.versions()


def test_a_cell_run_again_unchanged_computes_nothing(shell, tmp_path):
    shell.cells(HELPER, DWELL, STEP, "y = double(3)")
    assert actions(shell.iterate("y"))["double"][0] == "computed"
    shell.cells(HELPER, DWELL, STEP, "y = double(3)")
    assert actions(shell.iterate("y"))["double"][0] == "loaded"
    assert [v.record.flow for v in versions(tmp_path)] == ["birds", "birds"]


def test_a_helper_edited_in_another_cell_is_noticed_and_named(shell):
    shell.cells(HELPER, STEP, "y = double(3)")
    assert outputs(shell.iterate("y")) == {"y": "8"}
    shell.cells("def helper(x):\n    return x + 10\n")
    report = shell.iterate("y")
    assert outputs(report) == {"y": "26"}
    assert actions(report)["double"] == ("computed", "function helper edited at cell 4, line 1")


def test_versions_of_a_notebook_are_compared_by_cell(shell, tmp_path):
    shell.cells(HELPER, STEP, "y = double(3)")
    shell.iterate()
    shell.cells("def helper(x):\n    return x + 10\n")
    shell.iterate()
    with mileage.connect(tmp_path) as session:
        text = str(session.version("v1").diff("v2"))
        assert set(session.version("v1").sources) == {"cell 1", "cell 2", "cell 3"}
    assert "helper `helper` edited at cell 4, line 2" in text
    assert "-    return x + 1" in text and "+    return x + 10" in text


def test_a_value_of_an_older_function_is_told(shell):
    shell.cells(HELPER, STEP, "y = double(3)")
    shell.iterate("y")
    shell.cells(STEP.replace("* 2", "* 3"))
    report = shell.iterate("y")
    assert outputs(report) == {"y": "8"}
    assert "note: 'double' was edited after cell 3, line 1 made a value with it: run that cell again" in report.lines
    shell.cells("y = double(3)")
    report = shell.iterate("y")
    assert outputs(report) == {"y": "12"}
    assert not any("edited after" in line for line in report.lines)


def test_what_a_cell_shows_is_one_version(shell, tmp_path):
    shell.cells(HELPER, STEP)
    report = shell.iterate("", "a, b = double(1), double(2)\nml.show(a=a, b=b, note='as it is')\n")
    assert outputs(report) == {"a": "4", "b": "6", "note": "as it is"}
    assert len(versions(tmp_path)) == 1
    assert shell.iterate("", "c = 1\n") is None


def test_values_computed_in_a_cell_are_versions_of_the_notebook(shell, tmp_path):
    shell.cells(HELPER, STEP, "y = double(3)\nn = ml.compute(y)\nml.show(y)")
    assert shell.user_ns["n"] == 8
    assert [(v.record.flow, dict(v.outputs)) for v in versions(tmp_path)] == [("birds", {"y": 8})] * 2


def test_an_error_is_said_at_the_line_of_the_cell(shell):
    shell.cells("import mileage as ml", "@ml.step\ndef broken(x):\n    a = 1\n    return x / 0\n", "y = broken(1)")
    with pytest.raises(EngineError, match="ZeroDivisionError") as raised:
        shell.iterate("y")
    assert raised.value.hint.splitlines()[:2] == ["  cell 2, line 4, in broken", "    return x / 0"]
    assert raised.value._render_traceback_()[0].startswith("error[X610]")
    assert isinstance(shell.run_cell("ml.compute(y)").error, EngineError)


def test_a_cell_that_fails_is_not_computed(shell, tmp_path):
    shell.cells("import mileage as ml")
    with pytest.raises(Exception) as raised:  # noqa: PT011  (whatever it is, IPython shows it once only)
        shell.iterate("", "ml.show(ml.step(abs)(-1))\n1 / 0\n")
    assert raised.value._render_traceback_() == []
    assert versions(tmp_path) == ()


def test_a_name_that_cannot_be_computed_is_told(shell):
    shell.cells(HELPER, STEP, "y = double(3)", "plain = 3")
    with pytest.raises(DataError, match="'yy' is not defined") as raised:
        shell.iterate("yy")
    assert raised.value.hint == "did you mean y?"
    with pytest.raises(DataError, match="'plain' is no deferred value"):
        shell.iterate("plain")


SCRIPT = """
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance(colors="nocolor")
    def run(cell):
        shell.run_cell(cell, store_history=True)
    run("%load_ext mileage")
    run("import mileage as ml\\ndef helper(x):\\n    return x + 1")
    run("@ml.step\\ndef double(x):\\n    return helper(x) * 2")
    run("y = double(3)")
    run("%mile_iterate y")
    run("%mile_iterate y")
    run("def helper(x):\\n    return x + 10")
    run("%%mile_iterate\\nml.show(y)")
    run("@ml.step\\ndef broken(x):\\n    return x / 0")
    run("ml.compute(broken(1))")
"""


@pytest.mark.skipif(importlib.util.find_spec("IPython") is None, reason="IPython is not installed")
def test_ipython_itself(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    made = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    said = [line for line in made.stdout.splitlines() if " computed, " in line]
    assert [line.split(" · ")[1].partition(",")[0] for line in said] == ["1 computed", "0 computed", "1 computed"]
    assert "function helper edited at cell 7, line 1" in made.stdout
    assert "line 3, in broken" in made.stdout and "flow_file.py" not in made.stdout
