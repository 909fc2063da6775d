"""The magics, on a shell that is no IPython."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mileage.apps.notebook import load_ipython_extension, unload_ipython_extension
from mileage.apps.notebook.magic import frames
from mileage.errors import BindError, MileError


class Shell:
    """What the extension uses of IPython."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magic: Any = None

    def register_magic_function(self, function: object, kind: str, name: str) -> None:
        assert kind == "line_cell"
        if name == "mileage":
            self.magic = function

    @property
    def magics_manager(self) -> SimpleNamespace:
        return SimpleNamespace(magics={"cell": {"mileage": self.magic}})


@pytest.fixture
def shell(stub: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    shell = Shell()
    load_ipython_extension(shell)
    return shell


def test_a_cell_sees_frames_and_keeps_its_answer(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    frame = SimpleNamespace(__dataframe__=None)
    shell.user_ns |= {"df": frame, "t": 3}
    answer = shell.magic("best", "PREDICT y FROM :df")
    assert answer is shell.user_ns["best"]
    assert answer.frames == {"df": frame}
    assert answer._repr_html_() == "<table>"
    assert "assumed: the search may take 1 minute" in capsys.readouterr().out


def test_a_line_runs_in_the_same_session(shell: Shell) -> None:
    shell.magic("", "PREDICT y FROM t")
    shell.magic("SHOW leaderboard")
    session = shell.magic.session
    assert session.ran == ["PREDICT y FROM t", "SHOW leaderboard"]
    unload_ipython_extension(shell)
    assert session.closed


def test_a_mistake_shows_its_message_and_no_traceback(shell: Shell) -> None:
    with pytest.raises(BindError) as caught:
        shell.magic("", "PREDICT nope FROM t")
    assert caught.value._render_traceback_()[0] == "error[E201]: no column 'nope'"
    with pytest.raises(MileError, match="cannot read"):
        shell.magic("a b c", "SHOW data")


def test_a_cell_may_name_the_project(shell: Shell, tmp_path: Path) -> None:
    shell.magic(f"--project {tmp_path / 'p'}", "SHOW data")
    assert shell.magic.session.project.root == tmp_path / "p"


def test_only_frames_that_are_named_are_handed_over() -> None:
    frame = SimpleNamespace(__arrow_c_stream__=None)
    names = {"a": frame, "b": frame, "c": 3}
    assert frames("PREDICT y FROM :a", names) == {"a": frame}
    assert frames("PREDICT y FROM a VALIDATE ON :c", names) == {}


def test_the_extension_does_not_import_ipython() -> None:
    code = "import sys, mileage.apps.notebook; print([m for m in ('IPython', 'rich', 'duckdb', 'typer') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
