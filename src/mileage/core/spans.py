"""Places in a query text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    r"""Half-open range of characters ``[start, end)`` of a text.

    Examples
    --------
    >>> Span(3, 8).cut("my query text")
    'query'
    >>> Span(8, 9).line_column("one\ntwo\nthree")
    (3, 1)
    """

    start: int
    end: int

    def cut(self, text: str) -> str:
        """Return the text at this place."""
        return text[self.start : self.end]

    def line_column(self, text: str) -> tuple[int, int]:
        """Return line and column of the start, both counted from 1."""
        before = text[: self.start]
        return before.count("\n") + 1, self.start - (before.rfind("\n") + 1) + 1

    def shifted(self, offset: int) -> Span:
        """Return the span moved by ``offset`` characters."""
        return Span(self.start + offset, self.end + offset)
