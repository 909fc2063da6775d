"""Answers and errors on their way out: text for people, one JSON object for programs, an exit code for shells."""

# ruff: noqa: T201  (printing is what a face does)
from __future__ import annotations

import json
import math
import os
import shutil
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mileage.errors import DataError, InternalError, MileError, NotYetError, QueryError, UnknownRefError

if TYPE_CHECKING:
    from mileage.core.diagnostics import Diagnostic

_WIDTH, _NARROWEST = 120, 40  # columns where there is no terminal, and at least
OK, FAILED, USAGE, QUERY, DATA, NOT_YET, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class Answer(Protocol):
    """What a statement returns, as far as the faces are concerned."""

    @property
    def kind(self) -> str:
        """``result``, ``explain``, ``show``, ..."""

    def text(self, *, width: int = 120) -> str:
        """Return the answer for a terminal."""

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``mile`` itself."""

    project: Path | None = None
    json: bool = False
    quiet: bool = False
    plain: bool = False
    debug: bool = False
    backend: str | None = None
    workers: int | None = None
    attach: tuple[str, ...] = ()


@dataclass
class Output:
    """Where answers go: printed at once as text, or collected for the one JSON object.

    ``code`` is the exit code so far: the last thing that went wrong, or 0. ``asked_s`` is when the user pressed Enter, by
    ``time.monotonic``, where that is known.
    """

    options: Options = field(default_factory=Options)
    asked_s: float | None = None
    code: int = OK
    answers: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    _printed: bool = False

    def answer(self, answer: Answer) -> None:
        """Show one answer; an answer that was stopped sets the exit code to 130."""
        if getattr(answer, "stopped", False):
            self.code = INTERRUPTED
            self.note("stopped: what had finished is kept and ranked")
        if self.options.json:
            self.answers.append(answer.to_json())
            return
        if self._printed:
            print()
        show(answer)
        self._printed = True

    def data(self, data: dict[str, Any], text: str) -> None:
        """Show something that is not the answer of a statement."""
        if self.options.json:
            self.answers.append(data)
        elif text:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """Tell a person something on stderr."""
        if not self.options.json and not self.options.quiet:
            print(text, file=sys.stderr, flush=True)

    def fail(self, error: BaseException) -> None:
        """Show an error and set the exit code; anything but a MileError is a bug of ours."""
        self.code = exit_code(error)
        if self.options.debug:
            traceback.print_exception(error)
        if isinstance(error, KeyboardInterrupt):
            shown = MileError("interrupted; what had finished is kept", code="X630")
        else:
            shown = error if isinstance(error, MileError) else unexpected(error, debug=self.options.debug)
        if self.options.json:
            self.error = error_json(shown)
        else:
            print("interrupted" if isinstance(error, KeyboardInterrupt) else str(shown), file=sys.stderr, flush=True)

    def refuse(self, message: str, hint: str | None = None) -> None:
        """Show a mistake in the command line itself."""
        self.code = USAGE
        if self.options.json:
            self.error = {"code": "U001", "message": message, "hint": hint, "diagnostics": []}
        else:
            tail = f"\n  {hint}" if hint else ""
            print(f"error[U001]: {message}{tail}", file=sys.stderr, flush=True)

    def close(self) -> int:
        """Print the one JSON object if one is wanted, and return the exit code."""
        if self.options.json:
            print(dumps(self._object()), flush=True)
        return self.code

    def _object(self) -> dict[str, Any]:
        if self.error is not None:
            return {"error": self.error, **({"answers": self.answers} if self.answers else {})}
        if len(self.answers) == 1:
            return self.answers[0]
        boards = [answer["leaderboard"] for answer in self.answers if "leaderboard" in answer]
        return {"kind": "script", "answers": self.answers, **({"leaderboard": boards[-1]} if boards else {})}


def show(answer: Answer) -> None:
    """Print an answer as wide as the terminal; with bold and dim text where there is one and the user wants them."""
    width = max(_NARROWEST, shutil.get_terminal_size((_WIDTH, 24)).columns)
    styled = getattr(answer, "styled", None)
    if styled is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        print(answer.text(width=width), flush=True)
        return
    from rich.console import Console

    console = Console(width=width, highlight=False)
    for text, style in styled(width=width):
        console.print(text, style=style or None, markup=False, soft_wrap=True)


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error.

    Examples
    --------
    >>> exit_code(DataError("no such file")), exit_code(KeyError("x")), exit_code(KeyboardInterrupt())
    (4, 1, 130)
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, QueryError):  # a file that is not there is the data's fault, though the query names it
        return NOT_YET if isinstance(error, NotYetError) else code_of(error.diagnostics) or QUERY
    if isinstance(error, UnknownRefError):
        return QUERY
    return DATA if isinstance(error, DataError) else FAILED


def code_of(diagnostics: tuple[Diagnostic, ...]) -> int:
    """Return the exit code of what a check found: a mistake of the query counts before one of the data."""
    codes = [d.code for d in diagnostics if str(d.severity) == "error"]
    if not codes:
        return OK
    if all(code.startswith("E3") for code in codes):
        return NOT_YET
    return DATA if all(code.startswith("D") for code in codes) else QUERY


def unexpected(error: BaseException, *, debug: bool) -> InternalError:
    """Return an exception that should not have come this far as one line."""
    said = " ".join(str(error).split()) or "no message"
    return InternalError(f"{type(error).__name__}: {said}", hint=None if debug else "--debug shows where it happened")


def error_json(error: MileError) -> dict[str, Any]:
    """Return an error as plain data."""
    diagnostics = [d.to_json(error.source) for d in error.diagnostics] if isinstance(error, QueryError) else []
    return {"code": error.code, "message": error.message, "hint": error.hint, "diagnostics": diagnostics}


def dumps(data: dict[str, Any]) -> str:
    """Return strict JSON: numbers that JSON has no word for become null.

    Examples
    --------
    >>> dumps({"score": float("nan"), 1: (2, 3)})
    '{"score": null, "1": [2, 3]}'
    """
    return json.dumps(_plain(data), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)
