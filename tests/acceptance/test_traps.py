"""Edits that tools with memory get wrong: MILE neither serves what is stale nor runs what the edit does not touch."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

import mileage
from mileage.session.flow_file import run_file

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_before = list(sys.path)
cases, traps = _benchmark("trap_cases"), _benchmark("traps")
sys.path[:] = _before
# The benchmark runs all of them, each in a process of its own; here it is every fifth, less those that leave a file open.
HERE = [trap for trap in cases.TRAPS if not (trap.own_process or trap.killed or trap.unseeded)][::5]
_truths = {}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with mileage.connect(tmp_path_factory.mktemp("traps")) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Path(os.path.realpath(tmp_path))


@contextmanager
def imported_anew(folder: Path) -> Iterator[None]:
    """Import the modules of a folder as a fresh process would."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
                del sys.modules[name]


def truth(trap, folder, memory, *, second):
    """What the code says, without any memory; steps need not dwell for that."""
    key = (trap.setup, tuple(sorted(trap.env[0].items()))) if not second else None
    if key not in _truths or key is None:
        with pytest.MonkeyPatch.context() as patch, imported_anew(folder):
            _set(patch, trap.env[second])
            patch.setattr(time, "sleep", lambda _: None)
            _truths[key] = {"answer": traps.plain(memory)}
    return _truths[key]


def _set(patch, env):
    for name, value in env.items():
        patch.setenv(name, value)


@pytest.mark.parametrize("trap", HERE, ids=lambda trap: trap.name)
def test_nothing_is_stale_and_nothing_runs_for_nothing(trap, folder, session):
    def run(trap, folder, memory, *, second):
        with pytest.MonkeyPatch.context() as patch:
            _set(patch, trap.env[second])
            made = run_file(session, "flow.py")
        return {"answer": str(made["report"]), "ran": [_step(t.label) for t in made.tasks if t.action == "compute"]}

    def flow(folder):
        cases.Trap.prepare(trap, folder)
        jobs = folder / "jobs.py"
        jobs.write_text(jobs.read_text().replace("sleep(0.01)", "sleep(0.003)"))

    memory = folder / "memory"
    flow(folder)
    right = truth(trap, folder, memory, second=False)
    first = run(trap, folder, memory, second=False)
    trap.edit(folder)
    expected = truth(trap, folder, memory, second=True)
    second = run(trap, folder, memory, second=True)
    seen = traps.judge(trap, (right["answer"], expected["answer"]), first, second)
    assert (seen["stale"], seen["spurious"], seen["wrong"]) == (False, [], None)


def _step(label):
    return {"sql": "totals"}.get(label, "rows" if label.startswith("read ") else label)
