"""Two texts that differ, as far as a reader needs them to see how."""

from __future__ import annotations

from collections.abc import Sequence

_AROUND = 3  # words on each side of what differs
_LONGEST = 120  # characters of what differs


def excerpts(old: str, new: str, *, whole: int = 60) -> tuple[str, str]:
    """Return two texts; if one is longer than ``whole``, only the words that differ, with some around them.

    Examples
    --------
    >>> excerpts("3", "4")
    ('3', '4')
    >>> query = (
    ...     "SELECT month, day, hour, distance, origin FROM flights WHERE month <= {} AND origin = 'JFK' ORDER BY ALL"
    ... )
    >>> excerpts(query.format(3), query.format(4))
    ('… WHERE month <= 3 AND origin = …', '… WHERE month <= 4 AND origin = …')
    >>> [len(text) for text in excerpts("a " * 500, "b " * 500)]
    [120, 120]
    """
    if max(len(old), len(new)) <= whole:
        return old, new
    was, now = old.split(" "), new.split(" ")
    first = _n_alike(was, now)
    last = _n_alike(was[first:][::-1], now[first:][::-1])
    cut = _cut(was, first, last), _cut(now, first, last)
    short = tuple(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …" for text in cut)
    return cut if short[0] == short[1] else (short[0], short[1])


def _n_alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many words two texts have in common at their start."""
    differing = (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    return next(differing, min(len(old), len(new)))


def _cut(words: list[str], first: int, last: int) -> str:
    start, end = max(0, first - _AROUND), min(len(words), len(words) - last + _AROUND)
    before, after = ("… " if start else ""), (" …" if end < len(words) else "")
    return before + " ".join(words[start:end]) + after
