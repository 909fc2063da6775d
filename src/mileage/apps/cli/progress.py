"""A run's events as progress on stderr: one live line on a terminal, plain lines elsewhere, or nothing.

The state of a run is kept apart from how it is drawn, so that each drawing is a pure function of it.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

from mileage.core.events import Event
from mileage.core.units import format_seconds

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.text import Text

LINE_EVERY_S = 1.0
_RARER = 0.05  # of the time that has passed
LINE_WIDTH = 160
_MARKS = {"assumed": "assumed", "warning": "warning", "error": "warning", "info": "note"}


class Progress(Protocol):
    """A listener of events that is open during one run."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass
class RunState:
    """What is known of a run so far.

    Examples
    --------
    >>> state = RunState()
    >>> state.update(Event("run_started", {"seconds": 60.0, "trials": None, "n_workers": 2}, 1.0))
    >>> finished = {"number": 1, "state": "ok", "score": 0.9, "se": 0.01, "metric": "roc_auc", "best": 0.9}
    >>> state.update(Event("trial_finished", finished | {"elapsed_s": 4.0}, 5.0))
    >>> state.best_text, state.n_done, state.elapsed_s(6.0)
    ('best roc_auc 0.9000 ± 0.0100', 1, 5.0)
    """

    budget_s: float | None = None
    budget_trials: int | None = None
    stage: str = "starting"
    metric: str = ""
    best: float | None = None
    best_se: float | None = None
    n_done: int = 0
    n_failed: int = 0
    running: dict[int, str] = field(default_factory=dict)
    started_at_s: float | None = None

    def update(self, event: Event) -> None:
        """Take in one event; unknown kinds are left alone."""
        if self.started_at_s is None:
            self.started_at_s = event.at_s
        data = event.data
        match event.kind:
            case "run_started":
                self.budget_s, self.budget_trials = data.get("seconds"), data.get("trials")
                self.stage = "searching"
            case "stage":
                self.stage = str(data.get("name", ""))
            case "trial_started":
                self.running[data["number"]] = str(data.get("describe", ""))
            case "trial_finished":
                self._finished(event)

    def _finished(self, event: Event) -> None:
        data = event.data
        self.running.pop(data["number"], None)
        if data.get("state") in {"ok", "behind"}:
            self.n_done += 1
        elif data.get("state") != "skipped":
            self.n_failed += 1
        self.metric = str(data.get("metric") or self.metric)
        if data.get("best") is not None and data["best"] != self.best:
            self.best = data["best"]
            self.best_se = data.get("se") if data.get("score") == data["best"] else None
        if data.get("elapsed_s") is not None:
            self.started_at_s = event.at_s - data["elapsed_s"]  # the session's clock began before its first event

    def elapsed_s(self, now_s: float) -> float:
        """Seconds since the run began."""
        return now_s - self.started_at_s if self.started_at_s is not None else 0.0

    @property
    def best_text(self) -> str:
        """The best score so far with its noise band."""
        if self.best is None:
            return ""
        band = f" ± {self.best_se:.4f}" if self.best_se is not None else ""
        return f"best {self.metric} {self.best:.4f}{band}"

    @property
    def count_text(self) -> str:
        """How many trials are done."""
        of = f"/{self.budget_trials}" if self.budget_trials else ""
        failed = f", {self.n_failed} failed" if self.n_failed else ""
        return f"{self.n_done}{of} {'trial' if (self.budget_trials or self.n_done) == 1 else 'trials'}{failed}"

    def time_text(self, now_s: float) -> str:
        """Time spent, of the budget if there is one."""
        spent = self.elapsed_s(now_s)
        return f"{spent:.0f}/{self.budget_s:.0f} s" if self.budget_s else f"{spent:.0f} s"

    def fraction(self, now_s: float) -> float | None:
        """Return the part of the budget that is spent, 0 to 1; None without a budget."""
        parts = []
        if self.budget_s:
            parts.append(self.elapsed_s(now_s) / self.budget_s)
        if self.budget_trials:
            parts.append((self.n_done + self.n_failed) / self.budget_trials)
        return min(1.0, max(parts)) if parts else None

    @property
    def doing(self) -> str:
        """What runs now."""
        if self.stage == "searching" and self.running:
            return self.running[max(self.running)]
        return self.stage


def note_line(data: dict[str, Any]) -> str:
    """Return an assumption or warning as one line, with the clause that would say or mend it.

    Examples
    --------
    >>> note_line({"text": "the search may take 1 minute", "clause": "BUDGET 1 min", "severity": "assumed"})
    '  assumed: the search may take 1 minute  [BUDGET 1 min]'
    """
    mark = _MARKS.get(str(data.get("severity", "info")), str(data.get("severity")))
    clause = f"  [{data['clause']}]" if data.get("clause") else ""
    return f"  {mark}: {data.get('text', '')}{clause}"


def trial_line(data: dict[str, Any]) -> str:
    """Return a finished trial as one line.

    Examples
    --------
    >>> done = {"number": 3, "describe": "ridge", "state": "ok", "score": 0.5, "se": 0.01, "metric": "r2", "seconds": 2}
    >>> trial_line(done | {"best": 0.6, "elapsed_s": 9.0})
    '[  9.0 s]   3  r2 0.5000 ± 0.0100  (best 0.6000)  ridge'
    """
    clock = f"[{data.get('elapsed_s') or 0.0:5.1f} s] {data['number']:>3}"
    if data.get("score") is None:
        why = f"{' '.join(str(data['error']).split())}: " if data.get("error") else ""
        return _cut(f"{clock}  {data.get('state')}  {why}{data.get('describe', '')}")
    band = f" ± {data['se']:.4f}" if data.get("se") is not None else ""
    best = f"  (best {data['best']:.4f})" if data.get("best") is not None else ""
    return _cut(f"{clock}  {data.get('metric')} {data['score']:.4f}{band}{best}  {data.get('describe', '')}")


def _cut(line: str) -> str:
    return line if len(line) <= LINE_WIDTH else f"{line[: LINE_WIDTH - 1]}…"


def lost_line(data: dict[str, Any]) -> str:
    """Return the loss of a worker as one line."""
    why = data.get("why") or data.get("reason")
    return f"  note: a worker was lost and replaced{f': {why}' if why else ''}"


class _Base:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Silent(_Base):
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Do nothing."""


class Lines(_Base):
    """A line for each better workflow, and for others at most one each ``every_s`` seconds; what is left out is counted.

    The longer a run takes, the rarer the lines: it ends with some dozens, not thousands.
    """

    def __init__(self, stream: TextIO | None = None, *, every_s: float = LINE_EVERY_S) -> None:
        self.stream = stream or sys.stderr
        self.every_s = every_s
        self._last_s = float("-inf")
        self._skipped = 0
        self._best: float | None = None

    def __call__(self, event: Event) -> None:
        """Print the event if it is worth a line."""
        if event.kind == "note":
            self._print(note_line(event.data))
        elif event.kind == "worker_lost":
            self._print(lost_line(event.data))
        elif event.kind == "stage" and event.data.get("name") not in ("reading data", "searching"):
            self._print(f"  {event.data.get('name')}")
        elif event.kind == "trial_finished" and event.data.get("state") != "skipped":
            self._trial(event)
        elif event.kind == "run_finished":
            more = f" ({self._skipped} more trials not shown)" if self._skipped else ""
            self._print(f"  {event.data.get('state')} in {format_seconds(event.data.get('seconds') or 0.0)}{more}")

    def _trial(self, event: Event) -> None:
        improved = event.data.get("best") != self._best
        self._best = event.data.get("best")
        rarely = max(self.every_s, _RARER * float(event.data.get("elapsed_s") or 0.0))
        if event.at_s - self._last_s < rarely and not improved:
            self._skipped += 1
            return
        self._last_s = event.at_s
        self._print(trial_line(event.data))

    def _print(self, line: str) -> None:
        print(line, file=self.stream, flush=True)


class Live(_Base):
    """One status line at the bottom of the terminal, notes above it; it is gone when the answer comes."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live as RichLive

        self.console = console
        self.state = RunState()
        self._live = RichLive(console=console, get_renderable=self._line, refresh_per_second=5, transient=True)

    def __call__(self, event: Event) -> None:
        """Take in the event; the line appears with the first one, notes are printed above it."""
        if not self._live.is_started:
            self._live.start()
        self.state.update(event)
        if event.kind == "note":
            warning = event.data.get("severity") not in ("assumed", "info", "note")
            self._print(note_line(event.data), "yellow" if warning else "dim")
        elif event.kind == "worker_lost":
            self._print(lost_line(event.data), "yellow")

    def _print(self, line: str, style: str) -> None:
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def _line(self) -> Text:
        from rich.text import Text

        line = Text.from_markup(status_line(self.state, time.monotonic()))
        line.truncate(max(1, self.console.width - 1), overflow="ellipsis")
        return line

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def status_line(state: RunState, now_s: float, *, bar_width: int = 20) -> str:
    """Return the status line in Rich's markup.

    Examples
    --------
    >>> state = RunState(budget_s=10.0, stage="searching", n_done=2, started_at_s=0.0, metric="r2", best=0.5)
    >>> status_line(state, 5.0, bar_width=4)
    '[bold]best r2 0.5000[/]  [cyan]━━[/][dim]━━[/] 5/10 s  2 trials  [dim]searching[/]'
    """
    from rich.markup import escape

    parts = [f"[bold]{escape(state.best_text)}[/]"] if state.best_text else []
    fraction = state.fraction(now_s)
    clock = state.time_text(now_s)
    if fraction is not None:
        full = round(fraction * bar_width)
        clock = f"[cyan]{'━' * full}[/][dim]{'━' * (bar_width - full)}[/] {clock}"
    parts += [clock, state.count_text] if state.n_done or state.n_failed else [clock]
    return "  ".join([*parts, f"[dim]{escape(state.doing)}[/]"])


def progress(*, quiet: bool = False, plain: bool = False) -> Progress:
    """Return the progress that fits: silent if asked, live on a terminal, lines otherwise."""
    if quiet:
        return Silent()
    if plain or not sys.stderr.isatty():
        return Lines()
    from rich.console import Console

    console = Console(stderr=True)
    return Live(console) if console.is_terminal and not console.is_dumb_terminal else Lines()
