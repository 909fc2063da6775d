"""What a fact about a column does."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.data import Kind


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A word of ``KNOWING column IS word``: ``kind`` it sets, or ``drops`` with the reason given to the user.

    ``effect`` says in words what the fact does; EXPLAIN prints it.
    """

    word: str
    effect: str
    kind: Kind | None = None
    drops: str | None = None
