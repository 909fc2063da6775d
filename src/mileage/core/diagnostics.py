"""One report for one mistake: code, place, cause and fix."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mileage.core.spans import Span

_LINE = 140  # columns of an excerpt


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops the query, a warning may make scores wrong, a note is good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fix:
    """An edit of the text that mends the mistake: put ``text`` in the place of ``span``."""

    span: Span
    text: str

    def apply(self, source: str) -> str:
        """Return ``source`` with the fix made.

        Examples
        --------
        >>> Fix(Span(0, 6), "KNOWING").apply("KNOWNG x IS TEXT")
        'KNOWING x IS TEXT'
        """
        return source[: self.span.start] + self.text + source[self.span.end :]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong, where, and what to do instead; ``fixes`` has the best first."""

    code: str
    message: str
    span: Span | None = None
    fixes: tuple[Fix, ...] = ()
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def to_json(self, source: str = "") -> dict[str, Any]:
        """Return the diagnostic as plain data, with line and column counted from 1."""
        data: dict[str, Any] = {"code": self.code, "severity": str(self.severity), "message": self.message}
        if self.span is not None:
            line, column = self.span.line_column(source)
            data |= {"line": line, "column": column, "start": self.span.start, "end": self.span.end}
        if self.hint:
            data["hint"] = self.hint
        if self.fixes:
            data["fixes"] = [{"start": f.span.start, "end": f.span.end, "text": f.text} for f in self.fixes]
        return data


def render(diagnostic: Diagnostic, source: str, *, name: str = "query") -> str:
    """Return the diagnostic as text with the line at fault, a caret and the fix.

    Examples
    --------
    >>> text = "KNOWNG age IS NOISY"
    >>> place = Span(0, 6)
    >>> print(render(Diagnostic("E101", "unknown word KNOWNG", place, (Fix(place, "KNOWING"),)), text))
    error[E101]: unknown word KNOWNG
      --> query:1:1
     1 | KNOWNG age IS NOISY
       | ^^^^^^ did you mean KNOWING?
    """
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {_visible(diagnostic.message)}"]
    if diagnostic.span is not None and source:
        lines += _excerpt(diagnostic, diagnostic.span, source, name)
    elif diagnostic.fixes:
        lines.append(f"  fix: {diagnostic.fixes[0].text}")
    if diagnostic.hint:
        lines.append(f"  {diagnostic.hint}")
    return "\n".join(lines)


def _visible(line: str) -> str:
    """Return a line with a mark for each character that a terminal obeys or hides; each is one column wide."""
    return "".join(mark if mark.isprintable() or mark == "\n" else _picture(mark) for mark in line)


def _picture(mark: str) -> str:
    if mark == "\t":
        return " "
    return chr(0x2400 + ord(mark)) if ord(mark) < 32 else "·"


def _excerpt(diagnostic: Diagnostic, span: Span, source: str, name: str) -> list[str]:
    line, column = span.line_column(source)
    text, at = source.split("\n")[line - 1].rstrip("\r"), column - 1
    width = max(1, min(span.end - span.start, len(text) - at))
    text, at, width = _window(text, at, width)
    gutter = f"{line}".rjust(2)
    note = _fix_note(diagnostic, source)
    indent = " " * sum(map(_cells, text[:at]))
    under = "^" * max(1, sum(map(_cells, text[at : at + width])))
    caret = f"{indent}{under}{f' {note}' if note else ''}"
    return [f"  --> {name}:{line}:{column}", f"{gutter} | {text}", f"{' ' * len(gutter)} | {caret}"]


def _window(text: str, at: int, width: int) -> tuple[str, int, int]:
    """Return the part of a long line around the place, the place in it, and how much of it is marked."""
    if len(text) <= _LINE:
        return text, at, width
    start = max(0, at - _LINE // 3)
    part = text[start : start + _LINE]
    head, tail = "…" if start else "", "…" if start + _LINE < len(text) else ""
    return f"{head}{part}{tail}", at - start + len(head), max(1, min(width, start + _LINE - at))


def _cells(mark: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1


def _fix_note(diagnostic: Diagnostic, source: str) -> str:
    if not diagnostic.fixes:
        return ""
    fix = diagnostic.fixes[0]
    old = fix.span.cut(source)
    if not fix.text.strip():
        return f"remove {old.strip()}"
    if not old.strip():
        return f"insert {fix.text.strip()}"
    return f"did you mean {fix.text.strip()}?"
