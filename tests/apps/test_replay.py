"""``mile replay``: one line says whether a recorded search comes out the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def mile(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mileage", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table and a project with one answer."""
    made = tmp_path_factory.mktemp("replay")
    rows = [f"{i % 7},{i % 3},{'yes' if (i * 7) % 11 > 5 else 'no'}" for i in range(60)]
    (made / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    done = mile(made, "-q", "--backend", "inline", "PREDICT y FROM 't.csv' WITH MODEL = knn | ridge BUDGET 4 trials")
    assert done.returncode == 0, done.stderr
    return made


def test_a_recorded_search_comes_out_the_same(folder: Path) -> None:
    done = mile(folder, "--backend", "inline", "replay", "@q1")
    assert done.returncode == 0, done.stderr
    assert "5 of 5 workflows of @q1 score as they did: 5 bit by bit" in done.stdout
    assert "predicts as it did, bit by bit" in done.stdout


def test_it_is_one_object_for_programs(folder: Path) -> None:
    answer = json.loads(mile(folder, "--backend", "inline", "--json", "replay").stdout)
    assert (answer["kind"], answer["workflows"], answer["differ"]) == ("replay", 5, [])


def test_a_search_that_is_not_there_is_an_error(folder: Path) -> None:
    done = mile(folder, "replay", "@q9")
    assert done.returncode == 3
    assert "@q9" in done.stderr
