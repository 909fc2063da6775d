"""The parse table as an automaton that only recognizes: cheap to stop, copy and resume.

Lark compiles ``grammar.lark`` once a process, or reads what an earlier one compiled (:func:`remember`). Repair and completion need to try hundreds of continuations, so the
stack is a linked list that is shared, never copied. Trees are made by Lark itself, once a text is known to parse.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mileage.core.fingerprint import fingerprint

if TYPE_CHECKING:
    from lark import Lark

END = "$END"


class Stack(NamedTuple):
    """A parser stack: the state on top, and the rest."""

    state: int
    rest: Stack | None


@dataclass(frozen=True, slots=True)
class Automaton:
    """The table and the words of the grammar.

    ``words`` maps a keyword in upper case to the terminals it may stand for; ``symbols`` maps a sign to its terminal.
    """

    lark: Lark
    table: dict[int, dict[str, tuple[Any, Any]]]
    start: Stack
    final: int
    words: dict[str, tuple[str, ...]]
    symbols: dict[str, str]

    def feed(self, stack: Stack, terminal: str) -> Stack | None:
        """Return the stack after a terminal, or None if it does not fit there."""
        while True:
            action = self.table[stack.state].get(terminal)
            if action is None:
                return None
            kind, argument = action
            if kind.name == "Shift":
                return Stack(argument, stack)
            stack = self._reduce(stack, argument)
            if terminal == END and stack.state == self.final:
                return stack

    def _reduce(self, stack: Stack, rule: Any) -> Stack:
        for _ in rule.expansion:
            assert stack.rest is not None
            stack = stack.rest
        _, target = self.table[stack.state][rule.origin.name]
        return Stack(target, stack)

    def row(self, stack: Stack) -> dict[str, tuple[Any, Any]]:
        """Return the actions of the top state, by terminal: a superset of what is accepted."""
        return self.table[stack.state]

    def accepts(self, stack: Stack) -> tuple[str, ...]:
        """Return the terminals that really fit at this place."""
        return tuple(
            name for name in self.row(stack) if (name.isupper() or name == END) and self.feed(stack, name) is not None
        )

    def spellings(self, terminal: str) -> tuple[str, ...]:
        """Return what is written for a terminal: keywords in upper case, or its sign."""
        words = tuple(word for word, names in self.words.items() if terminal in names)
        return words or tuple(sign for sign, name in self.symbols.items() if name == terminal)


class Memory(Protocol):
    """What keeps a text by name from process to process, and lets nobody else write it."""

    def get(self, name: str) -> str | None:
        """Return a text, if it is kept."""

    def put(self, name: str, text: str) -> None:
        """Keep a text, if that is possible."""


@dataclass
class _Remembered:
    """Where the table of the grammar is kept, if it is."""

    memory: Memory | None = None


_remembered = _Remembered()


def remember(memory: Memory) -> None:
    """Let the table of the grammar be read from a memory, and be kept there once it was compiled."""
    _remembered.memory = memory


@cache
def automaton() -> Automaton:
    """Return the automaton of the grammar, built on first use."""
    lark = _compiled()
    words, symbols = _vocabulary(lark)
    state = lark.parse_interactive("").parser_state
    config: Any = state.parse_conf
    table: dict[int, dict[str, tuple[Any, Any]]] = config.parse_table.states
    return Automaton(lark, table, Stack(config.start_state, None), config.end_state, words, symbols)


def _compiled() -> Lark:
    """Return the compiled grammar: a kept one of this very grammar and this version of Lark, or a new one."""
    import lark

    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    name, memory = str(fingerprint("table of the grammar", grammar, lark.__version__)), _remembered.memory
    if memory is not None and (text := memory.get(name)) is not None:
        return read_table(text)
    made = lark.Lark(
        grammar, parser="lalr", lexer=_no_lexer(), start="script", propagate_positions=True, maybe_placeholders=False
    )
    if memory is not None:
        memory.put(name, write_table(made))
    return made


def write_table(lark: Lark) -> str:
    """Return a compiled grammar as JSON; :func:`read_table` reads it."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = lark.memo_serialize([TerminalDef, Rule])
    parser = data["parser"]  # parts of it are the object's own: what is left out, is so of copies
    plain = {key: value for key, value in parser["lexer_conf"].items() if key != "lexer_type"}
    options = {key: value for key, value in data["options"].items() if key != "lexer"}  # who reads it has its own
    data = {**data, "options": options, "parser": {**parser, "lexer_conf": plain}}
    return json.dumps({"data": data, "memo": memo}, separators=(",", ":"))


def read_table(text: str) -> Lark:
    """Return the compiled grammar that :func:`write_table` has written."""
    from lark import Lark

    found = json.loads(text, object_hook=lambda d: {int(k) if k.isdigit() else k: v for k, v in d.items()})
    data = found["data"]
    data["options"]["lexer"] = data["parser"]["lexer_conf"]["lexer_type"] = _no_lexer()
    loaded: Any = Lark._load_from_dict
    made: Lark = loaded(data, found["memo"])
    return made


def _no_lexer() -> type[Any]:
    from lark.lexer import Lexer

    class _HandMade(Lexer):
        """Stands in for Lark's scanner: tokens are fed by hand, see lexer.py."""

        def __init__(self, lexer_conf: object) -> None:
            del lexer_conf

        def lex(self, lexer_state: object, parser_state: object) -> Any:
            del lexer_state, parser_state
            return iter(())

    return _HandMade


def _vocabulary(lark: Lark) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    words: dict[str, tuple[str, ...]] = {}
    symbols: dict[str, str] = {}
    for terminal in lark.terminals:
        text = terminal.pattern.value if terminal.pattern else ""
        if re.fullmatch(r"[A-Z ]+(\|[A-Z]+)*", text):
            for word in text.split("|"):
                words[word] = (*words.get(word, ()), terminal.name)
        elif terminal.pattern is not None and terminal.pattern.type == "str":
            symbols[text] = terminal.name
    return words, symbols
