"""Columns of the source of a half-written query, for completion."""

from __future__ import annotations

import re

from mileage.data import Database, SourceSpec
from mileage.errors import MileError

_FROM = re.compile(r"\bFROM\s+(?:'(?P<file>[^']+)'|:(?P<frame>\w+)|(?P<table>\w+))", re.IGNORECASE)


def source_columns(database: Database, text: str) -> tuple[str, ...]:
    """Return the columns, or none if the source is not there yet."""
    match = _FROM.search(text)
    if match is None:
        return ()
    kind = next(name for name, value in match.groupdict().items() if value)
    try:
        return tuple(database.bind(SourceSpec(kind, match[kind])).schema.names)
    except MileError:
        return ()  # no such file yet: nothing to complete, and no moment to complain
