"""What may be typed next: from the parser's own table, so it is exact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.core.units import UNITS
from mileage.language.automaton import END, automaton
from mileage.language.habits import CLAUSE_WORDS
from mileage.language.printer_base import word
from mileage.language.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mileage.language.lexer import Token

# After these words a name is of a family of its own; after any other it is a column.
_FAMILIES = {
    "FROM": "tables", "OPTIMIZE": "metrics", "THEN": "metrics", "UNTIL": "metrics", "ON": "metrics", "PREFER": "intents",
    "REQUIRE": "intents", "WITH": "slots", "WITHOUT": "operators", "PIN": "slots", "UNPIN": "slots", "SHOW": "topics",
    "ABOUT": "topics", "KNOWLEDGE": "packs", "REUSE": "views", "FOCUS": "slots", "PRUNE": "slots", "TO": "stresses",
    "NAMED": "", "INTENT": "", "VIEW": "", "ATTACH": "", "COLON": "frames", "WHY": "operators",
}  # fmt: skip
_COLUMNS = frozenset(
    {"PREDICT", "FEATURES", "EXCLUDING", "KNOWING", "KEEPING", "OF", "BY", "ACROSS", "IN", "AND", "FOR"}
)
_SPACE = frozenset({"WITH", "WITHOUT", "FOCUS", "PRUNE", "PIN"})
_TAIL = re.compile(r"[@#]?\w*\Z")


def complete(
    text: str,
    cursor: int | None = None,
    *,
    columns: Iterable[str] = (),
    names: Mapping[str, Iterable[str]] | None = None,
) -> tuple[str, ...]:
    """Return what may stand at the cursor, names first, then keywords.

    Parameters
    ----------
    text : str
        The text, as far as it is typed.
    cursor : int, optional
        A place in it; by default its end. A word begun before it is completed.
    columns : iterable of str
        Columns of the data.
    names : mapping of str to iterables, optional
        Other names by family: ``tables``, ``frames``, ``metrics``, ``intents``, ``slots``, ``operators``, ``topics``,
        ``packs``, ``views``, ``stresses``, ``formats``, ``hints``, ``classes``, ``refs`` (with ``@``) and ``handles``
        (with ``#``). A family may have narrower ones: ``operators:model``, ``parameters:knn``, ``values:knn.weights``,
        ``values:hint.backend``.

    Examples
    --------
    >>> complete("PREDICT y FROM t BUDGET 10 m")
    ('ms', 'min', 'MB')
    >>> complete("PREDICT y FROM t KNOWING a", columns=["age", "sex"])
    ('age',)
    >>> complete("PREDICT y FROM t WITH MODEL = knn(n", names={"parameters:knn": ["n_neighbors", "weights"]})
    ('n_neighbors',)
    """
    before = text[: len(text) if cursor is None else cursor]
    begun = _TAIL.search(before)
    typed = begun.group() if begun else ""
    head = before[: len(before) - len(typed)]
    machine = automaton()
    trace = scan(machine, head)
    if trace.bad is not None and trace.bad.token.kind != END:
        return ()
    last = trace.bad or trace.steps[-1]
    families = names or {}
    options: list[str] = []
    accepted = [name for name in machine.accepts(last.stack) if name != END]
    if "IDENT" in accepted:
        options += _names([step.token for step in trace.steps if step.token.kind != END], tuple(columns), families)
    options += UNITS if "UNIT" in accepted else ()
    options += families.get("refs", ()) if "REF" in accepted else ()
    options += families.get("handles", ()) if "HANDLE" in accepted else ()
    options += sorted(w for name in accepted for w in machine.spellings(name) if w[0].isalpha())
    fits = (option for option in options if option.casefold().lstrip('"').startswith(typed.casefold()))
    return tuple(dict.fromkeys(fits))


def _names(tokens: list[Token], columns: tuple[str, ...], families: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the names that may stand after the tokens, as they are written."""
    family = family_after(tokens)
    if family == "columns":
        return [word(column) for column in columns]
    wide = family.split(":", 1)[0]
    return list(families.get(family, families.get(wide, ()) if wide == "operators" else ()))


def family_after(tokens: Sequence[Token]) -> str:
    """Return the family of a name after the tokens: ``columns``, ``metrics``, ``parameters:knn``, ...; "" for none."""
    opened = _open_bracket(tokens)
    return _flat(tokens) if opened is None else _inside(tokens, opened)


def _open_bracket(tokens: Sequence[Token]) -> int | None:
    """Return the place of the last parenthesis or brace that is still open."""
    depth = 0
    for at in range(len(tokens) - 1, -1, -1):
        depth += (tokens[at].kind in ("RPAR", "RBRACE")) - (tokens[at].kind in ("LPAR", "LBRACE"))
        if depth < 0:
            return at
    return None


def _flat(tokens: Sequence[Token]) -> str:
    """Return the family outside of all parentheses: the last word that says one."""
    depth, first = 0, ""
    for at in range(len(tokens) - 1, -1, -1):
        token = tokens[at]
        depth += (token.kind in ("RPAR", "RBRACE")) - (token.kind in ("LPAR", "LBRACE"))
        if depth:
            continue
        first = first or (token.kind if token.kind in ("EQUAL", "COMMA") else "")
        if token.kind == "EQUAL" and first != "COMMA" and at > 0 and _clause_of(tokens, at) in _SPACE:
            return f"operators:{tokens[at - 1].text.casefold()}"
        if token.kind == "AS":
            return "formats" if any(t.kind == "EXPORT" for t in tokens) else ""
        if token.kind in _FAMILIES:
            return _FAMILIES[token.kind] if first != "EQUAL" else ""
        if token.kind in _COLUMNS:
            return "columns"
    return ""


def _inside(tokens: Sequence[Token], at: int) -> str:
    """Return the family within the parentheses or braces that open at a token."""
    before, assigned = tokens[max(0, at - 1)], tokens[-1].kind == "EQUAL"
    if before.kind == "HINT":
        return f"values:hint.{tokens[-2].text.casefold()}" if assigned else "hints"
    if tokens[at].kind == "LBRACE":  # name IN { ... }
        return f"values:{_operator_around(tokens, at)}.{tokens[at - 2].text}"
    if before.kind not in ("IDENT", "QUOTED"):  # a chain, or a list of columns
        return family_after(tokens[:at]) if before.kind in ("EQUAL", "VBAR", "NEXT_STEP", "LPAR") else "columns"
    name = before.text.strip('"').casefold()
    if _clause_of(tokens, at) not in _SPACE:
        return "classes"
    return f"values:{name}.{tokens[-2].text}" if assigned else f"parameters:{name}"


def _operator_around(tokens: Sequence[Token], at: int) -> str:
    """Return the operator in whose parentheses a token stands."""
    depth = 0
    for back in range(at - 1, 0, -1):
        depth += (tokens[back].kind == "RPAR") - (tokens[back].kind == "LPAR")
        if depth < 0:
            return tokens[back - 1].text.strip('"').casefold()
    return ""


def _clause_of(tokens: Sequence[Token], at: int) -> str:
    """Return the word that begins the clause around a token."""
    return next(
        (t.kind for t in reversed(tokens[:at]) if t.kind in CLAUSE_WORDS | _SPACE | {"PREDICT", "SHOW", "ON"}), ""
    )
