"""How far a word is from a keyword or a unit."""

from __future__ import annotations

from mileage.core.units import UNITS

UNIT_ALIASES = {
    "m": "min", "mins": "min", "minute": "min", "minutes": "min", "sec": "s", "secs": "s", "second": "s",
    "seconds": "s", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "msec": "ms", "millis": "ms",
    "milliseconds": "ms", "k": "KB", "kib": "KB", "m_b": "MB", "mib": "MB", "g": "GB", "gig": "GB", "gigs": "GB",
    "gib": "GB", "percent": "%", "pct": "%", "trial": "trials", "core": "cores", "cpus": "cores", "times": "x",
}  # fmt: skip


def distance(left: str, right: str) -> int:
    """Return the number of letters to add, drop, change or swap with a neighbor (optimal string alignment).

    Examples
    --------
    >>> distance("FORM", "FROM"), distance("KNOWNG", "KNOWING"), distance("same", "same")
    (1, 1, 0)
    """
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]


def near_keywords(text: str, keywords: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Return keywords close to a word with their distances, nearest first."""
    upper = text.upper()
    if len(upper) > 24:
        return ()
    reach = 1 if len(upper) <= 3 else 2 if len(upper) <= 8 else 3
    close = ((distance(upper, k), k) for k in keywords if abs(len(k) - len(upper)) <= reach)
    return tuple(sorted(pair for pair in close if 0 < pair[0] <= reach))


def near_units(text: str) -> tuple[str, ...]:
    """Return the units that a word may stand for.

    Examples
    --------
    >>> near_units("mins"), near_units("trails"), near_units("parsecs")
    (('min',), ('trials',), ())
    """
    folded = text.casefold()
    if folded in UNIT_ALIASES:
        return (UNIT_ALIASES[folded],)
    if not 2 <= len(folded) <= 9:
        return ()
    return tuple(unit for unit in UNITS if len(unit) > 1 and distance(folded, unit.casefold()) == 1)
