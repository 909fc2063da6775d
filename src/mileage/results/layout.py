"""Cells as aligned lines: columns that must shrink are wrapped where a reader would break them, and nothing is lost."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

GAP = 2
NARROWEST = 12  # a wrapped column is not made narrower than this
_GLUE = "\N{NO-BREAK SPACE}"


def wrapped(text: str, size: int) -> list[str]:
    """Return text in lines of at most ``size``, broken before ``>>`` and after commas rather than within ``a = b``.

    Examples
    --------
    >>> wrapped("median >> one_hot >> logistic(C = 1.0, penalty = 'l1')", 30)
    ['median >> one_hot', '  >> logistic(C = 1.0,', "  penalty = 'l1')"]
    """
    if len(text) <= size and "\n" not in text:
        return [text]
    glued = text.replace(" = ", f"{_GLUE}={_GLUE}").replace(">> ", f">>{_GLUE}")
    if max(map(len, glued.split(" "))) > size:  # glue would break words elsewhere
        glued = text
    made = textwrap.wrap(
        glued, max(1, size), subsequent_indent="  " if size > NARROWEST else "", break_on_hyphens=False
    )
    return [line.replace(_GLUE, " ") for line in made] or [""]


def shortened(text: str, size: int) -> str:
    """Return text cut to ``size`` with a mark.

    Examples
    --------
    >>> shortened("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= size else text[: max(0, size - 1)] + "…"


def column_sizes(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return how wide each column is within ``width``: the widest shrink first, all to the same measure.

    Examples
    --------
    >>> column_sizes(["a", "b"], [["x" * 50, "y" * 10]], 42)
    [30, 10]
    """
    n = max((len(row) for row in (header, *rows)), default=0)
    sizes = [max((len(row[i]) for row in (header, *rows) if i < len(row)), default=0) for i in range(n)]
    room = width - GAP * max(0, n - 1)
    while sum(sizes) > room and max(sizes, default=0) > NARROWEST:
        widest = max(sizes)
        others = [size for size in sizes if size < widest]
        step = max(NARROWEST, max(others, default=0), widest - -(-(sum(sizes) - room) // sizes.count(widest)))
        sizes = [min(size, step) if size == widest else size for size in sizes]
    return sizes


def how_many_fit(sizes: Sequence[int], width: int) -> int:
    """Return how many columns, from the left, fit a width; one at least.

    Examples
    --------
    >>> how_many_fit([10, 10, 10], 25)
    2
    """
    used = 0
    for i, size in enumerate(sizes):
        used += size + (GAP if i else 0)
        if used > width and i:
            return i
    return len(sizes)


def row_lines(cells: Sequence[str], sizes: Sequence[int], right: Collection[int] = ()) -> list[str]:
    """Return the lines of one row; a cell wider than its column goes on below.

    Examples
    --------
    >>> row_lines(["w1", "a long cell of words"], [3, 17])
    ['w1   a long cell of', '       words']
    """
    columns = [wrapped(cell, size) for cell, size in zip(cells, sizes, strict=False)]
    height = max(map(len, columns), default=1)
    lines = []
    for line in range(height):
        parts = [part[line] if line < len(part) else "" for part in columns]
        placed = [
            text.rjust(size) if i in right else text.ljust(size)
            for i, (text, size) in enumerate(zip(parts, sizes, strict=False))
        ]
        lines.append((" " * GAP).join(placed).rstrip())
    return lines
