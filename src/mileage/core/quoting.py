"""Texts as MILEAGE writes them; apart from the grammar, which a command line need not load."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return a text as a MILEAGE string.

    Examples
    --------
    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
