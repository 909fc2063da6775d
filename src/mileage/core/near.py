"""Near matches for names that are not known."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def near_matches(name: str, known: Iterable[str], *, at_most: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
    """Return the known names most like ``name``, best first.

    Examples
    --------
    >>> near_matches("agee", ["age", "age_band", "income"])
    ('age',)
    """
    folded = name.casefold()
    scored = [(SequenceMatcher(None, folded, other.casefold()).ratio(), other) for other in known]
    good = sorted(((score, other) for score, other in scored if score >= cutoff), key=lambda pair: (-pair[0], pair[1]))
    return tuple(other for _, other in good[:at_most])
