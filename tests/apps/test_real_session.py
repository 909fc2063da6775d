"""The faces on the real session: one small table, from the query to the script taken away."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from mileage.apps.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table in which ``y`` follows from ``a`` and ``c``."""
    folder = tmp_path_factory.mktemp("project")
    rows = [f"{i % 13},{'xyz'[i % 3]},{(i * 7) % 11},{'yes' if i % 13 > (i * 7) % 11 else 'no'}" for i in range(120)]
    (folder / "t.csv").write_text("\n".join(["a,b,c,y", *rows]), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("MILE_BACKEND", "inline")


def _mile(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_dialog_from_query_to_script(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = _mile(capsys, "--json", "PREDICT", "y", "FROM", "t.csv", "BUDGET", "2", "trials")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["kind"] == "result"
    assert answer["leaderboard"][0]["ref"].endswith("w1")

    lines = ["SHOW leaderboard", "SHOW history", "COMPARE @w1, @w2", "EXPLAIN DATA @last", "\\d 't.csv'"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    code, out, err = _mile(capsys, "repl")
    assert (code, err) == (0, "")
    assert "@q1" in out
    assert out.rstrip().endswith("a  b  c  y")

    assert _mile(capsys, "apply", "@w1", "t.csv", "--into", "out.csv")[0] == 0
    assert len(Path("out.csv").read_text(encoding="utf-8").splitlines()) == 121
    code, out, _ = _mile(capsys, "export", "@w1", "train.py", "--json")
    assert (code, json.loads(out).get("path")) == (0, "train.py")
    assert "import mileage" not in Path("train.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["PREDICT nope FROM 't.csv'"], 3),
        (["PREDICT y FROM 'gone.csv'"], 4),
        (["PREDICT y FROM 't.csv' PREFER interpretable"], 5),
        (["compare", "@w98", "@w99"], 3),
        (["check", "PREDICT nope FROM 't.csv'"], 3),
        (["check", "PREDICT y FROM 't.csv'"], 0),
    ],
)
def test_exit_codes_of_the_real_session(capsys: Capture, arguments: list[str], code: int) -> None:
    got, _, err = _mile(capsys, *arguments)
    assert got == code
    assert "Traceback" not in err
