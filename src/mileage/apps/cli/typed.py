"""Typed text: where a statement ends, which columns may come next. Shared by the terminal and the piped REPL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mileage.apps.cli.arguments import VERBS

if TYPE_CHECKING:
    from mileage.session import Session

_FIRST = re.compile(r"\s*(\w+)")
_SOURCE = re.compile(r"\bFROM\s+('[^']+'|:\w+|\w+(?:\.\w+)*)", re.IGNORECASE)


def needs_more(text: str) -> bool:
    """Return whether a statement goes on after the text: it has no end mark, and it breaks off or lacks its data.

    Examples
    --------
    >>> needs_more("PREDICT y"), needs_more("PREDICT y FROM t"), needs_more("PREDICT y FROM t WITH")
    (True, False, True)
    >>> needs_more("PREDICT y FORM t"), needs_more("SHOW"), needs_more("SHOW history;")
    (False, True, False)
    """
    from mileage.language import check

    text = text.rstrip()
    if not text or text.endswith(";") or text.lstrip().startswith("\\"):
        return False
    if not is_verb(text):
        return False
    mistakes = check(text)
    if not mistakes:
        return _lacks_data(text)
    return (
        len(text.split()) == 1 or _open(text) or all(d.span is not None and d.span.start >= len(text) for d in mistakes)
    )


def is_verb(line: str) -> bool:
    """Return whether a line begins with the first word of a statement.

    Examples
    --------
    >>> is_verb("predict y"), is_verb("BUDGET 10 s")
    (True, False)
    """
    match = _FIRST.match(line)
    return bool(match and match[1].upper() in VERBS)


def is_helper(line: str) -> bool:
    r"""Return whether a line is for the REPL itself: ``\help``, ``:help``, ``exit``.

    Examples
    --------
    >>> is_helper(r"\d 't.csv'"), is_helper("exit"), is_helper("FROM :df")
    (True, True, False)
    """
    bare = line.strip().rstrip(";").lower()
    return bare.startswith(("\\", ":")) or bare in {"help", "quit", "exit"}


def statements(lines: Iterable[str]) -> Iterator[str]:
    r"""Yield the statements of lines: each ends at ``;``, a blank line, or where the next one begins.

    Examples
    --------
    >>> list(statements(["PREDICT y", "FROM t;", "SHOW history", "SHOW data", "", r"\quit"]))
    ['PREDICT y\nFROM t;', 'SHOW history', 'SHOW data', '\\quit']
    """
    held: list[str] = []
    for raw in lines:
        line = raw.rstrip()
        if held and (not line or is_helper(line) or (is_verb(line) and not needs_more("\n".join(held)))):
            yield "\n".join(held)
            held = []
        if not line:
            continue
        held.append(line)
        if line.endswith(";") or is_helper(line):
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


class Columns:
    """The columns of the source that a half-written query names, asked of the session once for each source."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, text: str) -> tuple[str, ...]:
        """Return the columns, none while no source can be read."""
        match = _SOURCE.search(text)
        if match is None:
            return ()
        if match[1] not in self._known:
            found = self.session.columns(text)
            if not found:
                return ()  # perhaps not typed to its end yet: ask again
            self._known[match[1]] = tuple(found)
        return self._known[match[1]]


def _lacks_data(text: str) -> bool:
    from mileage.language import ast, parse

    last = parse(text).statements[-1]
    return isinstance(last, ast.Predict) and last.clause(ast.From) is None


def _open(text: str) -> bool:
    """Return whether a quote or a parenthesis is still open at the end of the text."""
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*", "", text)
    return "'" in bare or '"' in bare or bare.count("(") > bare.count(")") or bare.count("{") > bare.count("}")
