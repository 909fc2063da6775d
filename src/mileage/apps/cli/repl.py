r"""``mile repl``: query after query in one session.

In a terminal: history in the project folder, completion from the grammar and the columns, several lines up to ``;``, a
blank line or a statement that is complete. Ctrl-C clears the input, or stops a search and keeps what it found; Ctrl-D
leaves. From a pipe: the statements of the lines, one after the other; the exit code is that of the last that failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.apps.cli.answers import DATA, OK
from mileage.apps.cli.statements import run_script
from mileage.apps.cli.typed import Columns, statements

if TYPE_CHECKING:
    from mileage.apps.cli.answers import Output
    from mileage.session import Session

HELP = r"""A statement ends with ; or a blank line, or when it is complete.
  PREDICT species FROM 'penguins.csv' BUDGET 30 s      rank workflows
  EXPLAIN PLAN|SPACE|DATA query or @ref                what a query would do, and why
  SHOW leaderboard|workflows|data|history|query [OF @ref]
  REFINE @last ADD clause | SET clause | DROP clause   edit a query and run it
  COMPARE @w1, @w2    APPLY @w1 TO 'new.csv' INTO 'out.csv'    EXPORT @w1 TO 'train.py'
  \d 'file'   columns of a file or table      \i file   run a file
  \help       this                            \quit     leave, as Ctrl-D
Tab completes. Ctrl-C clears the line, or stops a search and keeps what it found."""


class _Leave(Exception):  # noqa: N818  (not an error)
    """The user wants to go."""


def run_repl(session: Session, output: Output, *, interactive: bool) -> None:
    """Read statements and run them until the input ends."""
    if interactive:
        from mileage.apps.cli.terminal import typed_statements

        output.note("MILE: \\help says how, Ctrl-D leaves")
        source: Iterator[str] = typed_statements(session, history_file(session))
    else:
        source = statements(sys.stdin)
    try:
        for text in source:
            _one(session, output, text)
    except _Leave:
        pass
    if interactive:
        output.code = OK  # leaving is no failure


def history_file(session: Session) -> Path:
    """Return where the terminal's history is kept: in the project folder."""
    root = Path(session.project.root)
    folder = root if root.name == ".mile" else root / ".mile"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "history"


def _one(session: Session, output: Output, text: str) -> None:
    word, _, rest = text.strip().rstrip(";").partition(" ")
    helper = _HELPERS.get(word.lower())
    try:
        if helper is not None:
            helper(session, output, rest.strip())
        elif word.startswith("\\"):
            output.refuse(f"no helper '{word}'", "\\help lists them")
        elif word:
            run_script(session, output, text)
    except (KeyboardInterrupt, Exception) as error:  # the next statement is still welcome
        if isinstance(error, _Leave | BrokenPipeError):
            raise
        output.fail(error)


def _help(session: Session, output: Output, rest: str) -> None:
    del session, rest
    output.data({"kind": "help", "text": HELP}, HELP)


def _quit(session: Session, output: Output, rest: str) -> None:
    del session, output, rest
    raise _Leave


def _columns(session: Session, output: Output, rest: str) -> None:
    if not rest:
        output.refuse("\\d wants a file or table", "\\d 'file.csv'")
        return
    columns = Columns(session).of(f"FROM {rest}") or Columns(session).of(f"FROM '{rest}'")
    if columns:
        output.data({"kind": "columns", "columns": list(columns)}, "  ".join(columns))
    else:
        output.refuse(f"no file or table {rest} can be read")
        output.code = DATA


def _include(session: Session, output: Output, rest: str) -> None:
    from mileage.apps.cli.texts import read_text

    name, text = read_text(rest.strip("'"))
    run_script(session, output, text, name=name)


_HELPERS: dict[str, Callable[[Session, Output, str], None]] = {
    "\\help": _help, "\\h": _help, "\\?": _help, "help": _help, ":help": _help,
    "\\quit": _quit, "\\q": _quit, "quit": _quit, "exit": _quit, ":q": _quit, ":quit": _quit,
    "\\d": _columns, "\\i": _include,
}  # fmt: skip
