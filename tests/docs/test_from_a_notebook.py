"""The notebook of the guide and its flow give the same numbers, and few lines differ."""

from __future__ import annotations

import difflib
import runpy
import shutil
from pathlib import Path

import pytest

import mileage
from mileage.session.flow_file import run_file
from mileage.workflow import Action

ROOT = Path(__file__).parents[2]
NOTEBOOK, FLOW = ROOT / "examples" / "penguins_notebook.py", ROOT / "examples" / "penguins_flow.py"
MOST_LINES = 15
FOUND = ("best_params_", "best_score_")


def differing() -> list[str]:
    old, new = (path.read_text(encoding="utf-8").splitlines() for path in (NOTEBOOK, FLOW))
    return list(difflib.unified_diff(old, new, NOTEBOOK.name, FLOW.name, n=0, lineterm=""))


def test_at_most_fifteen_lines_differ() -> None:
    lines = NOTEBOOK.read_text(encoding="utf-8").splitlines()
    added = [line for line in differing()[2:] if line.startswith("+")]
    removed = [line for line in differing()[2:] if line.startswith("-")]
    assert 90 <= len(lines) <= 110
    assert len(removed) <= len(added) <= MOST_LINES


def test_the_guide_shows_the_difference() -> None:
    guide = (ROOT / "docs" / "how-to" / "from-a-notebook.md").read_text(encoding="utf-8")
    assert "```diff\n" + "\n".join(differing()) + "\n```" in guide
    assert f"{len([line for line in differing()[2:] if line.startswith('+')])} lines are different" in guide


def test_both_give_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    plain = runpy.run_path("examples/penguins_notebook.py")
    capsys.readouterr()
    flow = tmp_path / "examples" / "penguins_flow.py"
    with mileage.connect(tmp_path) as session:
        run = run_file(session, flow)
        assert run["score"] == plain["score"]
        assert run["score_by_type"] == plain["score_by_type"]
        assert (run["confusion"] == plain["confusion"]).all()
        assert run["best_settings"] == plain["search"].best_params_
        assert (run["internal"], run["held_out"]) == (plain["search"].best_score_, plain["held_out"])
        text = flow.read_text(encoding="utf-8")
        flow.write_text(text.replace("[0.1, 1.0, 10.0, 100.0]", "[0.1, 1.0, 10.0]"), encoding="utf-8")
        again = {task.label for task in run_file(session, flow).tasks if task.action is Action.COMPUTE}
        differing = {step.label for step in session.version("v1").diff("v2").steps}
    assert differing == {"RandomizedSearchCV", *(f"RandomizedSearchCV.{n}" for n in ("fit", "score")), *FOUND}
    assert differing <= again and not {"read penguins.csv", "dropna"} & again
