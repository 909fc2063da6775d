"""From what the shell hands over to a command and its arguments.

The options of ``mile`` itself may stand anywhere, a query may stand where a command does, and a query may come as one
quoted argument or as many words, whose quotes the shell has eaten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mileage.core.quoting import quoted

FLAGS = ("--json", "--quiet", "-q", "--plain", "--debug")
VALUED = ("--project", "-p", "--backend", "--workers", "--attach")

# The first words of statements; small, so that `mile --help` needs no grammar.
VERBS = (
    "PREDICT", "REFINE", "EXPLAIN", "SHOW", "COMPARE", "APPLY", "EXPORT", "ACCEPT", "REJECT", "CREATE", "DEFINE",
    "SUGGEST", "ATTACH", "PAUSE", "RESUME", "STOP", "EXTEND", "FOCUS", "PRUNE",
)  # fmt: skip

_IDENT = re.compile(r"[^\W\d]\w*$")
_BEFORE_A_PATH = frozenset({"FROM", "ON", "TO", "INTO"})
_WRITTEN = ("'", '"', "(", ":", "@")


def hoist(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options of ``mile`` itself, wherever they stood before ``--``, and the other arguments.

    Examples
    --------
    >>> hoist(["show", "data", "--json", "--project", "p"])
    (['--json', '--project', 'p'], ['show', 'data'])
    """
    own: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS or word.startswith(tuple(f"{name}=" for name in VALUED if name.startswith("--"))):
            own.append(word)
        elif word in VALUED:
            own += [word, *([value] if (value := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return own, rest


def route(words: Sequence[str], commands: Iterable[str]) -> list[str]:
    """Return the words with the hidden command ``query`` before them if they are a query, or ``run`` before ``-``.

    Examples
    --------
    >>> route(["PREDICT", "y", "FROM", "t"], ["run"])
    ['query', '--', 'PREDICT', 'y', 'FROM', 't']
    >>> route(["run", "a.mile"], ["run"])
    ['run', 'a.mile']
    """
    if not words or words[0] in commands:
        return list(words)
    if words[0] == "-":
        return ["run", *words]
    if words[0] == "--" or is_query(words[0]):
        return ["query", "--", *(words[1:] if words[0] == "--" else words)]
    return list(words)


def is_query(word: str) -> bool:
    """Return whether an argument is a query, or begins one: a verb, or anything with a blank in it."""
    return word.upper() in VERBS or bool(re.search(r"\s", word.strip()))


def join(words: Sequence[str]) -> str:
    """Return words as one MILEAGE text, with the quotes a file name needs.

    Examples
    --------
    >>> join(["PREDICT", "y", "FROM", "my data.csv", "BUDGET", "10", "s"])
    "PREDICT y FROM 'my data.csv' BUDGET 10 s"
    >>> join(["PREDICT y FROM t"])
    'PREDICT y FROM t'
    """
    return " ".join(_worded(word, words[i - 1].upper() if i else "") for i, word in enumerate(words))


def _worded(word: str, before: str) -> str:
    bare = word.rstrip(";,")
    tail = word[len(bare) :]
    if bare.startswith(_WRITTEN) or (before in _BEFORE_A_PATH and _IDENT.match(bare)):
        return word
    return f"{quoted(bare)}{tail}" if before in _BEFORE_A_PATH or before == "BECAUSE" else word


def reference(text: str) -> str:
    """Return a reference with its ``@``, which some shells make hard to type."""
    return text if text.startswith("@") else f"@{text}"


def source(text: str) -> str:
    """Return a data source as MILEAGE writes it: SELECT in parentheses as it is, anything else as a file."""
    return text if text.startswith(("(", "'", ":")) else quoted(text)
