"""An edit that may mend a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """Put ``text`` at ``[start, end)``; the report has ``code``, ``message`` and a caret at ``at``."""

    start: int
    end: int
    text: str
    code: str
    message: str
    cost: float
    at: tuple[int, int]
    # A stand-in lets reading go on; it is no advice, so the report does not offer it.
    silent: bool = False
    # A word that begins a clause is advice only if no other such word would do as well.
    guess: bool = False
    hint: str | None = None
