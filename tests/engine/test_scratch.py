"""The scratch folder of a run: private, locked, and gone in the end, whatever end that was."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mileage.engine.scratch import Scratch

CODE = "from mileage.engine.scratch import Scratch; s = Scratch(); s.put('a', 1); print(s.path, flush=True); input()"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The system's temporary folder, for this test alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def other(home):
    """Another process that holds a scratch folder, and the folder."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(p).resolve()) for p in sys.path if p)}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    path = Path(process.stdout.readline().strip())
    yield process, path
    process.kill()
    process.communicate()


def test_a_folder_of_a_killed_process_is_removed_by_the_next_one(home, other):
    process, path = other
    assert path.parent == home and path.exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert path.exists()
    mine = Scratch()
    assert path.exists() and mine.path.exists() and not path.exists()
    mine.close()


def test_there_is_no_folder_where_nothing_is_written(home):
    with_nothing = Scratch()
    with_nothing.close()
    assert not list(home.iterdir())


def test_a_folder_in_use_stays(home, other):
    _, path = other
    mine = Scratch()
    second = Scratch()
    assert path.exists() and mine.path.exists() and second.path.exists()
    mine.close()
    second.close()
    assert list(home.iterdir()) == [path]


def test_what_was_never_locked_or_half_removed_goes_when_it_is_old(home):
    half = [home / ".mileage-scratch-x", home / "mileage-scratch-y", home / "mileage-scratch-z"]
    for folder in half:
        folder.mkdir()
        (folder / "key").write_text("x")
    for folder in half[:2]:
        os.utime(folder, (1, 1))
    mine = Scratch()
    mine.put("a", 1)
    mine.close()
    assert [folder.exists() for folder in half] == [False, False, True]


def test_a_worker_reads_the_folder_and_does_not_hold_it(home):
    mine = Scratch()
    mine.put("a", np.arange(3))
    there = pickle.loads(pickle.dumps(mine))
    assert (there.get("a") == np.arange(3)).all()
    mine.close()
    assert not list(home.iterdir())


def test_a_folder_of_the_callers_own_is_used_as_it_is(tmp_path):
    assert Scratch(tmp_path / "mine").path == tmp_path / "mine"
