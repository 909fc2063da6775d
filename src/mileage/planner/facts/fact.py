"""What a fact about a column does."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.data import Kind


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A word of ``KNOWING column IS word``: ``kind`` it sets, or ``drops`` with the reason given to the user."""

    word: str
    kind: Kind | None = None
    drops: str | None = None
    needs_numbers: bool = False
