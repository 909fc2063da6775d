"""The commands for flows: text for people, one JSON object for programs, exit codes for shells."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mileage.apps.cli import main


@pytest.fixture
def flow(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs.py").write_text("def widen(x):\n    return x + 1\n")
    (tmp_path / "flow.py").write_text(
        "import mileage as ml\nfrom jobs import widen\nml.show(accuracy=ml.step(widen)(1), page=ml.step(str)('<html>a</html>'))\n"
    )
    assert main(["iterate", "flow.py"]) == 0
    (tmp_path / "jobs.py").write_text("def widen(x):\n    return x + 2\n")
    assert main(["iterate", "flow.py"]) == 0
    capsys.readouterr()
    return tmp_path


def asked(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_each_answers_as_json(flow, capsys):
    log = asked(capsys, "log")
    assert [v["version"] for v in log["versions"]] == ["v2", "v1"]
    assert log["versions"][0]["changes"][0]["changes"][0]["text"] == "`widen` edited at jobs.py:2"
    assert log["versions"][0]["marks"] == {"accuracy": "better"}
    diff = asked(capsys, "diff", "v1", "v2")
    assert (diff["from"], diff["to"], diff["metrics"][0]["difference"]) == ("v1", "v2", 1.0)
    assert diff["steps"][0]["changes"][0]["kind"] == "code"
    assert asked(capsys, "show", "v1")["outputs"]["accuracy"] == 2
    assert asked(capsys, "explain", "v2")["steps"][0]["why"] == "`widen` edited at jobs.py:2"
    assert asked(capsys, "tag", "v1", "first") == {"kind": "tag", "version": "v1", "tag": "first"}
    assert asked(capsys, "show", "@first")["version"] == "v1"
    assert (asked(capsys, "show", "last")["version"], asked(capsys, "explain", "last")["title"]) == ("v2", "v2")
    assert asked(capsys, "explain", "first")["kind"] == "explain"
    assert asked(capsys, "checkout", "first")["written"] == ["jobs.py"]
    assert asked(capsys, "show", "v1", "--save", "out")["files"][0].endswith("page.html")
    assert len(asked(capsys, "log", "-n", "1")["versions"]) == 1


def test_a_version_that_is_not_there_is_told(flow, capsys):
    assert main(["show", "v9"]) == 3
    assert "no version 'v9'" in capsys.readouterr().err
    assert main(["diff", "v1", "other"]) == 3


def test_what_was_shown_and_explained_before_still_is(flow, capsys):
    assert main(["show", "history"]) == 0
    assert main(["show", "leaderbord"]) == 3
    assert "leaderboard" in capsys.readouterr().err


def test_unsaved_edits_stop_a_checkout(flow, capsys):
    (flow / "jobs.py").write_text("def widen(x):\n    return x + 3\n")
    assert main(["checkout", "v1"]) == 4
    assert "jobs.py would be overwritten" in capsys.readouterr().err
    assert main(["checkout", "v1", "--force"]) == 0
    assert "x + 1" in (flow / "jobs.py").read_text()


@pytest.mark.parametrize("module", ["mileage", "mileage.apps.cli"])
def test_the_command_as_a_module_has_its_exit_codes(tmp_path, module):
    done = subprocess.run(
        [sys.executable, "-m", module, "show", "v9"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "no version 'v9'" in done.stderr) == (3, True)
