"""Running the statements of a text: progress while they run, answers as they come, errors where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.apps.cli.progress import Progress, Silent, progress

if TYPE_CHECKING:
    from mileage.apps.cli.answers import Output
    from mileage.core.events import Event
    from mileage.session import Session


class _Relay:
    """Passes events on to the progress of the statement that runs."""

    def __init__(self) -> None:
        self.to: Progress = Silent()

    def __call__(self, event: Event) -> None:
        self.to(event)


def run_script(
    session: Session, output: Output, text: str, *, name: str = "query", asked_s: float | None = None
) -> None:
    """Run a script and show each answer; stop after an answer that was interrupted."""
    relay = _Relay()
    answers = iter(session.run_script(text, on_event=relay, name=name, asked_s=asked_s))
    while True:
        # The progress is closed before the answer is printed: they share a terminal.
        with progress(quiet=output.options.quiet or output.options.json, plain=output.options.plain) as relay.to:
            answer = next(answers, None)
        if answer is None:
            break
        output.answer(answer)
        if getattr(answer, "stopped", False):
            break
