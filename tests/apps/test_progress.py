"""Progress: what is shown of a run's events."""

from __future__ import annotations

import io
import sys

import pytest

from mileage.apps.cli.progress import Lines, Live, RunState, Silent, note_line, progress, status_line, trial_line
from mileage.core.events import Event


def _finished(
    number: int, at_s: float, *, score: float | None = 0.8, best: float | None = 0.8, state: str = "ok"
) -> Event:
    data = {
        "number": number,
        "describe": "ridge",
        "state": state,
        "score": score,
        "se": 0.01,
        "metric": "r2",
        "best": best,
    }
    return Event(
        "trial_finished",
        {**data, "seconds": 1.0, "elapsed_s": at_s, "error": "out of memory" if state != "ok" else None},
        at_s,
    )


def test_the_best_keeps_its_own_noise_band() -> None:
    state = RunState()
    state.update(_finished(1, 1.0, score=0.9, best=0.9))
    state.update(_finished(2, 2.0, score=0.7, best=0.9))
    assert (state.best, state.best_se, state.n_done) == (0.9, 0.01, 2)


def test_a_failed_trial_is_counted_apart() -> None:
    state = RunState(budget_trials=10)
    state.update(_finished(1, 1.0, score=None, best=None, state="failed"))
    assert state.count_text == "0/10 trials, 1 failed"
    assert state.fraction(1.0) == 0.1


def test_the_line_shows_what_runs_now() -> None:
    state = RunState()
    state.update(Event("run_started", {"seconds": 10.0, "trials": None, "n_workers": 1}, 0.0))
    state.update(Event("trial_started", {"number": 1, "describe": "svm[linear]"}, 0.0))
    assert status_line(state, 5.0, bar_width=4).endswith("[dim]svm\\[linear][/]")
    state.update(Event("stage", {"name": "refitting"}, 6.0))
    assert "refitting" in status_line(state, 6.0)
    assert state.fraction(60.0) == 1.0


def test_lines_are_rate_limited_but_never_hide_an_improvement() -> None:
    stream = io.StringIO()
    lines = Lines(stream, every_s=1.0)
    for event in (
        _finished(1, 0.0),
        _finished(2, 0.1),
        _finished(3, 0.2, score=0.9, best=0.9),
        _finished(4, 0.3, best=0.9),
    ):
        lines(event)
    lines(Event("worker_lost", {"why": "killed"}))
    lines(Event("run_finished", {"state": "finished", "seconds": 0.4}))
    shown = stream.getvalue().splitlines()
    assert [line.split("]")[1].split()[0] for line in shown[:2]] == ["1", "3"]
    assert shown[2] == "  note: a worker was lost and replaced: killed"
    assert shown[3] == "  finished in 0.40 s (2 more trials not shown)"


def test_a_failed_trial_says_why() -> None:
    assert (
        trial_line(_finished(7, 2.0, score=None, best=None, state="failed").data)
        == "[  2.0 s]   7  failed  out of memory: ridge"
    )
    assert note_line({"text": "F1 a leak", "severity": "warning"}) == "  warning: F1 a leak"


def test_the_live_line_is_gone_in_the_end_and_notes_stay() -> None:
    from rich.console import Console

    stream = io.StringIO()
    with Live(Console(file=stream, force_terminal=True, width=60)) as live:
        live(Event("note", {"text": "[odd] name", "severity": "warning"}))
        live(Event("run_started", {"seconds": 10.0, "trials": None, "n_workers": 1}))
        live(Event("trial_started", {"number": 1, "describe": "x" * 200}))
    assert "warning: [odd] name" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in stream.getvalue()


def test_the_progress_fits_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress(quiet=True), Silent)
    assert isinstance(progress(), Lines)
    assert isinstance(progress(plain=True), Lines)
