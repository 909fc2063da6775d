"""A watched flow runs again when anything it depends on is saved, and survives its own errors."""

from __future__ import annotations

import os

import pytest

from mileage.apps.cli import main
from mileage.session.flow_watch import watch

FLOW = 'import mileage as ml\nfrom lib.jobs import f\nml.show(n=ml.step(f)(ml.read("rows.csv")))\n'


@pytest.fixture
def flow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "jobs.py").write_text("def f(rows):\n    return len(rows)\n")
    (tmp_path / "rows.csv").write_text("x\n1\n2\n")
    (tmp_path / "flow.py").write_text(FLOW)
    return tmp_path


def saves(edits):
    """Return a sleep that makes one edit each time, and then presses Ctrl-C."""
    left = iter(edits)

    def sleep(_):
        try:
            path, text = next(left)
        except StopIteration:
            raise KeyboardInterrupt from None
        path.write_text(text)
        later = path.stat().st_mtime_ns + 10**9
        os.utime(path, ns=(later, later))

    return sleep


def test_it_runs_again_for_the_flow_its_modules_and_its_files_and_goes_on_after_errors(flow, monkeypatch, capsys):
    jobs, rows, file = flow / "lib" / "jobs.py", flow / "rows.csv", flow / "flow.py"
    edits = [
        (rows, "x\n1\n2\n3\n"),
        (jobs, "def f(rows):\n    return len(rows) +\n"),
        (jobs, "def f(rows):\n    return len(rows) / 0\n"),
        (jobs, "def f(rows):\n    return 10 * len(rows)\n"),
        (file, FLOW + "broken(\n"),
        (file, FLOW),
        (flow / "notes.txt", "not read"),
    ]
    monkeypatch.setattr("mileage.session.flow_watch.watch.__kwdefaults__", {"poll_s": 0, "sleep": saves(edits)})
    assert main(["iterate", "flow.py", "--watch"]) == 130
    shown = capsys.readouterr()
    assert [line.split()[-1] for line in shown.out.splitlines() if line.strip().startswith("n ")] == [
        "2",
        "3",
        "30",
        "30",
    ]
    errors = [line for line in shown.err.splitlines() if line.startswith("error")]
    assert [line.partition(":")[0] for line in errors] == ["error[X612]", "error[X610]", "error[X612]"]
    assert "--> jobs.py:2" in shown.err and "--> flow.py:4" in shown.err
    assert 'jobs.py", line 2, in f' in shown.err


def test_what_is_saved_while_it_runs_makes_it_run_again(flow):
    runs = []

    def run():
        runs.append(1)
        if len(runs) == 1:
            saves([(flow / "flow.py", "# saved meanwhile\n")])(0)
        return ()

    with pytest.raises(KeyboardInterrupt):
        watch(flow / "flow.py", run, sleep=saves([]))
    assert len(runs) == 2
