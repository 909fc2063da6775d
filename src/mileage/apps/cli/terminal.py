"""Typing queries in a terminal: prompt, completion, colors and keys, by prompt_toolkit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from mileage.apps.cli.arguments import VERBS
from mileage.apps.cli.typed import Columns, needs_more

if TYPE_CHECKING:
    from mileage.session import Session

CLAUSES = (
    "AS", "FROM", "FEATURES", "EXCLUDING", "VALIDATE", "BY", "FOLDS", "HOLDOUT", "KEEPING", "TOGETHER", "OPTIMIZE", "THEN",
    "KNOWING", "PREFER", "REQUIRE", "BUDGET", "UNTIL", "PATIENCE", "WITH", "WITHOUT", "REUSE", "RETURN", "SEED", "NAMED",
    "HINT", "ADD", "SET", "DROP", "PIN", "OF", "TO", "INTO", "BECAUSE", "IS", "ARE", "IN", "PLAN", "SPACE", "DATA",
)  # fmt: skip
_STYLE = Style.from_dict(
    {"prompt": "bold ansicyan", "keyword": "bold", "string": "ansigreen", "number": "ansiblue", "comment": "italic ansibrightblack",
     "ref": "ansimagenta"}
)  # fmt: skip
_TOKENS = re.compile(
    rf"(?P<comment>--.*)|(?P<string>'(?:[^']|'')*'?)|(?P<ref>[@:]\w+)|(?P<keyword>\b(?:{'|'.join((*VERBS, *CLAUSES))})\b)"
    r"|(?P<number>\b\d[\d_.]*)",
    re.IGNORECASE,
)
_BEGUN = re.compile(r"[@#]?\w*\Z")


class QueryCompleter(Completer):
    """What the grammar allows at the cursor, with the columns of the query's source."""

    def __init__(self, session: Session) -> None:
        self.columns = Columns(session)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield completions of the word at the cursor."""
        text = document.text_before_cursor
        begun = _BEGUN.search(text)
        typed = begun.group() if begun else ""
        if text.lstrip().startswith("\\") or not (typed or complete_event.completion_requested):
            return
        for option in self.columns.session.complete(text, self.columns.of(document.text)):
            yield Completion(option, start_position=-len(typed))


class QueryLexer(Lexer):
    """Light colors: keywords, strings, numbers, references, comments."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return a function that colors one line."""
        return lambda number: colored(document.lines[number])


def colored(line: str) -> StyleAndTextTuples:
    """Return a line in pieces with their styles.

    Examples
    --------
    >>> colored("SEED 7")
    [('class:keyword', 'SEED'), ('', ' '), ('class:number', '7')]
    """
    pieces: StyleAndTextTuples = []
    at = 0
    for match in _TOKENS.finditer(line):
        if match.start() > at:
            pieces.append(("", line[at : match.start()]))
        pieces.append((f"class:{match.lastgroup}", match.group()))
        at = match.end()
    if at < len(line):
        pieces.append(("", line[at:]))
    return pieces


def typed_statements(session: Session, history: Path, **streams: Any) -> Iterator[str]:
    """Yield what the user types, statement by statement, until Ctrl-D."""
    prompt: PromptSession[str] = PromptSession(
        [("class:prompt", "mile> ")],
        history=FileHistory(str(history)),
        completer=QueryCompleter(session),
        lexer=QueryLexer(),
        style=_STYLE,
        key_bindings=keys(),
        multiline=True,
        prompt_continuation=lambda width, _line, _soft: " " * max(0, width - 5) + "...  ",
        complete_while_typing=True,
        **streams,
    )
    while True:
        try:
            yield prompt.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def keys() -> KeyBindings:
    """Return the keys: Enter ends a statement that is complete, else the line; Alt-Enter always ends the line."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        document = buffer.document
        blank = not document.current_line.strip()
        if not blank and (document.text_after_cursor.strip() or needs_more(document.text)):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings
