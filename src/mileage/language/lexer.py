"""Text to tokens, one at a time: what a word is depends on what the parser accepts at that place.

So there are no reserved words: in ``EXCLUDING budget BUDGET 2 min`` the first ``budget`` is a column. Parentheses that
hold SQL are read whole, by a hand scanner that knows DuckDB's strings, quoted names and comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mileage.core.units import UNITS
from mileage.language.automaton import END

if TYPE_CHECKING:
    from mileage.language.automaton import Automaton, Stack

BAD = "BAD"
# What ends the name of a file of data, and so no name of a table.
FILE_ENDINGS = frozenset(
    {
        "csv",
        "tsv",
        "txt",
        "parquet",
        "pq",
        "json",
        "jsonl",
        "ndjson",
        "duckdb",
        "db",
        "sqlite",
        "sqlite3",
        "gz",
        "zst",
        "xlsx",
    }
)
_FOLDED_UNITS = {unit.casefold(): unit for unit in UNITS}
# Marks that no one sees (a byte-order mark, a zero-width space) come with pasted text.
_BLANK = re.compile(r"[\s\ufeff\u200b]+")
_SHAPES = (
    ("STRING", re.compile(r"'(?:[^']|'')*'")),
    ("QUOTED", re.compile(r'"(?:[^"]|"")*"')),
    ("NUMBER", re.compile(r"[-+]?(?:\d[\d_]*(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][-+]?\d+)?")),
    ("IDENT", re.compile(r"[^\W\d]\w*")),
    ("REF", re.compile(r"@\w+(?:\.\w+)?")),
    ("HANDLE", re.compile(r"#[A-Za-z]+\d+")),
    ("SIGN", re.compile(r">>|>=|<=|\.\.|[.;:(),=|*{}<>%]")),
)
_SQL_STOP = re.compile(r"""['"()$]|--|/\*|[eE]'""")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")


@dataclass(frozen=True, slots=True)
class Token:
    """A terminal, its text, and its place ``[start, end)``."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment without its marks; ``alone`` says that it begins its line."""

    text: str
    start: int
    alone: bool


def skip_blank(text: str, at: int, comments: list[Comment] | None = None) -> int:
    """Return the place after blanks and comments; the comments met are added to the list."""
    while at < len(text):
        if match := _BLANK.match(text, at):
            at = match.end()
        elif text.startswith("--", at):
            end = _line_end(text, at)
            _note(text, at, text[at + 2 : end], comments)
            at = end
        elif text.startswith("/*", at):
            close = text.find("*/", at + 2)
            if close < 0:
                return at
            _note(text, at, text[at + 2 : close], comments)
            at = close + 2
        else:
            break
    return at


def _note(text: str, at: int, body: str, comments: list[Comment] | None) -> None:
    if comments is not None:
        before = text[text.rfind("\n", 0, at) + 1 : at]
        lines = "\n".join(line.strip() for line in body.strip().splitlines())
        comments.append(Comment(lines, at, alone=not before.strip()))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def next_token(machine: Automaton, stack: Stack, text: str, at: int) -> Token:
    """Return the token that begins at ``at`` (no blank there), as the parser's state wants it.

    A token that does not fit keeps its shape as its kind; a thing that is no token at all is ``BAD``.
    """
    if at >= len(text):
        return Token(END, "", at, at)
    if text[at] == "(" and machine.feed(stack, "SQL"):
        end = sql_end(text, at)
        return Token(BAD if end is None else "SQL", text[at : end or at + 1], at, end or at + 1)
    for kind, shape in _SHAPES:
        match = shape.match(text, at)
        if match is None:
            continue
        token = Token(kind, match.group(), at, match.end())
        if kind == "IDENT":
            return _word(machine, stack, text, token)
        return _sign(machine, stack, token) if kind == "SIGN" else token
    return Token(BAD, text[at], at, at + 1)


def _word(machine: Automaton, stack: Stack, text: str, token: Token) -> Token:
    upper = token.text.upper()
    if upper == "WITH" and machine.feed(stack, "WITH_CONFIDENCE"):
        match = re.compile(r"\s+confidence(?=\s*[-+.\d])", re.IGNORECASE).match(text, token.end)
        if match:
            return Token("WITH_CONFIDENCE", text[token.start : match.end()], token.start, match.end())
    for name in machine.words.get(upper, ()):
        if machine.feed(stack, name):
            return Token(name, token.text, token.start, token.end)
    if token.text.casefold() in _FOLDED_UNITS and machine.feed(stack, "UNIT"):
        return Token("UNIT", token.text, token.start, token.end)
    return token


def _sign(machine: Automaton, stack: Stack, token: Token) -> Token:
    kind = machine.symbols.get(token.text, BAD)
    if token.text == "%":
        kind = "UNIT"
    elif token.text in (">=", "<=", ">", "<", "=") and machine.feed(stack, "CMP"):
        kind = "CMP"
    return Token(kind, token.text, token.start, token.end)


def unit_of(text: str) -> str | None:
    """Return the unit as this project spells it, or None.

    Examples
    --------
    >>> unit_of("MIN"), unit_of("gb"), unit_of("mins")
    ('min', 'GB', None)
    """
    return _FOLDED_UNITS.get(text.casefold())


def sql_end(text: str, at: int) -> int | None:
    r"""Return the place after the parenthesis that closes the one at ``at``, or None if it is never closed.

    Examples
    --------
    >>> sql_end("(a = ')' -- )\n) rest", 0)
    15
    """
    depth = 0
    while match := _SQL_STOP.search(text, at):
        sign, at = match.group(), match.end()
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth == 0:
                return at
        else:
            end = _sql_skip(text, sign, match.start())
            if end is None:
                return None
            at = end
    return None


def sql_open_quote(text: str, at: int) -> int | None:
    """Return the place of the quote that keeps the parenthesis at ``at`` from being closed, None if it is no quote.

    Examples
    --------
    >>> sql_open_quote("(SELECT 'a FROM t)", 0), sql_open_quote("(SELECT a", 0)
    (8, None)
    """
    while match := _SQL_STOP.search(text, at):
        at = match.end()
        if match.group() in ("(", ")"):
            continue
        end = _sql_skip(text, match.group(), match.start())
        if end is None:
            return match.end() - 1 if match.group()[-1] in "'\"" else None
        at = end
    return None


def _sql_skip(text: str, sign: str, at: int) -> int | None:
    """Return the place after a string, a quoted name or a comment of SQL that begins at ``at``."""
    if sign == "--":
        return _line_end(text, at)
    if sign == "$":
        tag = _DOLLAR.match(text, at)
        return at + 1 if tag is None else _after(text, tag.group(), tag.end())
    if sign == "/*":
        return _after(text, "*/", at + 2)
    if sign in ("e'", "E'"):
        escaped = re.compile(r"[eE]'(?:[^'\\]|''|\\.)*'", re.DOTALL).match(text, at)
        return escaped.end() if escaped else None
    return _after(text, sign, at + 1)


def _after(text: str, mark: str, at: int) -> int | None:
    end = text.find(mark, at)
    return None if end < 0 else end + len(mark)
