"""A session that answers at once: it parses for real, and runs nothing. The target's name says what happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.events import EventBus, Listener
from mileage.errors import BindError, DataError, EngineError, NotYetError, QueryError, UnknownRefError
from mileage.language import ast, format_node, parse
from mileage.results.report import Report


@dataclass
class StubResult:
    """A leaderboard of one workflow."""

    text_of: str
    stopped: bool = False
    kind: str = "result"
    frames: dict[str, Any] = field(default_factory=dict)

    def text(self, *, width: int = 120) -> str:
        return f"@w1 hist_gbm 0.9000 ± 0.0100 (at most {width >= 0} wide)"

    def to_json(self) -> dict[str, Any]:
        row = {"ref": "@w1", "score": 0.9, "se": float("nan")}
        return {"kind": self.kind, "stopped": self.stopped, "text": self.text_of, "leaderboard": [row]}

    def _repr_html_(self) -> str:
        return "<table>"


class StubSession:
    """The session's interface."""

    def __init__(self, project: Path) -> None:
        self.project = SimpleNamespace(root=project)
        self.closed = False
        self.ran: list[str] = []

    def run(self, query: str, **options: Any) -> Any:
        return list(self.run_script(query, **options))[-1]

    def run_script(
        self,
        text: str,
        *,
        frames: dict[str, Any] | None = None,
        on_event: Listener | None = None,
        name: str = "query",
        asked_s: float | None = None,
    ) -> Iterator[Any]:
        del asked_s
        script = parse(text, name=name)
        bus = EventBus()
        if on_event:
            bus.listen(on_event)
        for statement in script.statements:
            self.ran.append(text)
            if isinstance(statement, ast.Predict):
                yield self._predict(statement, text, bus, frames or {})
            elif isinstance(statement, ast.Compare) and statement.refs[0].name == "w99":
                raise UnknownRefError("no workflow @w99")
            else:
                yield Report("show", "answer", lines=(format_node(statement),), data={"text": format_node(statement)})

    def _predict(self, query: ast.Predict, text: str, bus: EventBus, frames: dict[str, Any]) -> StubResult:
        target = query.targets[0]
        problem = Diagnostic("E201", f"no column '{target.text}'", target.span, (Fix(target.span, "y"),))
        failures: dict[str, Exception] = {
            "nope": BindError([problem], source=text),
            "later": NotYetError([Diagnostic("E301", "PREFER is not executed yet", target.span)], source=text),
            "nodata": DataError("cannot read 'x.csv'", hint="is it there?"),
            "crash": EngineError("a task failed"),
            "bug": KeyError("oops"),
            "interrupt": KeyboardInterrupt(),  # type: ignore[dict-item]
        }
        if target.text in failures:
            raise failures[target.text]
        return StubResult(text, stopped=_search(bus, slow=target.text == "slow"), frames=frames)

    def check(self, text: str) -> tuple[Diagnostic, ...]:
        try:
            script = parse(text)
        except QueryError as error:
            return error.diagnostics
        names = [s.targets[0] for s in script.statements if isinstance(s, ast.Predict)]
        return tuple(Diagnostic("E201", "no column 'nope'", n.span) for n in names if n.text == "nope")

    def clean(self, *, dry_run: bool = False) -> Report:
        return Report("clean", "0 B given back", data={"freed_bytes": 0, "dry_run": dry_run})

    def columns(self, text: str) -> tuple[str, ...]:
        return ("age", "sex") if "'t.csv'" in text else ()

    def complete(self, text: str, columns: tuple[str, ...] | None = None) -> tuple[str, ...]:
        from mileage.language import complete

        return complete(text, columns=columns or (), names={"topics": ("leaderboard", "history"), "refs": ("@w1",)})

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _search(bus: EventBus, *, slow: bool) -> bool:
    bus.tell("stage", name="reading data")
    bus.tell("note", text="the search may take 1 minute", clause="BUDGET 1 min", severity="assumed")
    bus.tell("run_started", run=1, query="@q1", seconds=60.0, trials=None, n_workers=2)
    score = {"metric": "roc_auc", "score": 0.9, "se": 0.01, "best": 0.9}
    for number in range(3):
        bus.tell("trial_started", number=number, describe="hist_gbm", forecast_s=1.0)
        try:
            if slow:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
        except KeyboardInterrupt:
            return True
        bus.tell(
            "trial_finished",
            number=number,
            describe="hist_gbm",
            state="ok",
            seconds=0.1,
            elapsed_s=0.1 * number,
            **score,
        )
    bus.tell("run_finished", state="finished", seconds=0.3)
    return False


Session = StubSession


def connect(
    project: str | Path | None = None,
    *,
    backend: str | None = None,
    workers: int | None = None,
    attach: tuple[str, ...] = (),
) -> StubSession:
    """Return a stub on the folder."""
    del backend, workers, attach
    return StubSession(Path(project or "."))
