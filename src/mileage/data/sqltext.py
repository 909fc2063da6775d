"""SQL as text: quoting, and mistakes in a user's SELECT put at their place."""

from __future__ import annotations

import itertools
import re

from mileage.errors import DataError

_EXPLAIN = "EXPLAIN\n"
_OF_THE_SYSTEM = re.compile(r'"(pg_|duckdb_|sqlite_|information_schema|pragma_)')
_NO_FILE = re.compile(r'No files found that match the pattern "(.*)"')
_LINE = re.compile(r"LINE (\d+): ")


class SqlError(DataError):
    """DuckDB refused a piece of SQL; ``position`` is the character in the user's text, None if unknown."""

    code = "E210"

    def __init__(self, message: str, *, position: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, code="E210", hint=hint)
        self.position = position


def quote(name: str) -> str:
    """Return a name as a quoted SQL identifier.

    Examples
    --------
    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string.

    Examples
    --------
    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def checked_select(text: str) -> str:
    """Return the one SELECT-like statement of ``text`` without a closing semicolon.

    Raises
    ------
    SqlError
        If it does not parse, or is no single statement that only reads.

    Examples
    --------
    >>> checked_select("SELECT 1 AS a;")
    'SELECT 1 AS a'
    """
    import duckdb

    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise sql_error(error, text) from None
    if not statements:
        raise SqlError("there is no SELECT here", position=0, hint="write one, for example SELECT * FROM 'data.csv'")
    if len(statements) > 1:
        raise SqlError(
            "only one SELECT can stand here", position=len(statements[0].query), hint="remove what follows it"
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        word = str(statements[0].type).rsplit(".", 1)[-1].replace("_", " ")
        raise SqlError(f"only a SELECT can stand here, not {word}", position=0, hint="a source only reads")
    return text[: _end(text)].rstrip()


def _end(text: str) -> int:
    """Return where the statement ends: before a semicolon that only comments follow."""
    import duckdb

    tokens = [(at, kind) for at, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    # Places are bytes of UTF-8.
    last = len(text.encode()[: tokens[-1][0]].decode()) if tokens else 0
    return last if text[last : last + 1] == ";" else len(text)


def explained(text: str) -> str:
    r"""Return SQL that binds ``text`` without running it; :func:`sql_error` knows its first line.

    Examples
    --------
    >>> explained("SELECT 1")
    'EXPLAIN\nSELECT 1'
    """
    return _EXPLAIN + text


def sql_error(error: Exception, text: str, *, explain: bool = False) -> SqlError:
    """Return DuckDB's error about ``text``, explained or not: its first line, its candidates, its caret's place."""
    lines = str(error).splitlines() or [type(error).__name__]
    candidates = next((line.strip() for line in lines[1:] if "andidate" in line or "Did you mean" in line), None)
    if candidates is not None and _OF_THE_SYSTEM.search(candidates):
        candidates = None
    more = next((line.strip() for line in lines[1:] if line.startswith("Error when converting")), "")
    position = _position(lines, text, explained=explain)
    if position is None and (file := _NO_FILE.search(lines[0])):
        at = text.find(literal(file[1]))
        position = at if at >= 0 else None
        candidates = "paths start at the folder in which mile was started"
    return SqlError(f"{lines[0].strip()} {more}".strip(), position=position, hint=candidates)


def _position(lines: list[str], text: str, *, explained: bool) -> int | None:
    for line, below in itertools.pairwise(lines):
        match, caret = _LINE.match(line), below.find("^")
        if match is None or caret < 0:
            continue
        rows = text.split("\n")
        row = int(match[1]) - 1 - explained
        if not 0 <= row < len(rows):
            return None
        # A long line is shown as an excerpt between dots.
        shown, column = line[match.end() :], caret - match.end()
        if shown.startswith("..."):
            shown, column = shown[3:], column - 3
        start = rows[row].find(shown.removesuffix("..."))
        place = sum(len(part) + 1 for part in rows[:row]) + start + column
        return place if start >= 0 and 0 <= place <= len(text) else None
    return None


def first_line(error: Exception) -> str:
    r"""Return the first line of DuckDB's message, without the name of its class of errors.

    Examples
    --------
    >>> first_line(ValueError("IO Error: No files found\nmore"))
    'No files found'
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", line)
