"""What may be typed next: from the parser's own table, so it is exact."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.core.units import UNITS
from mileage.language.automaton import END, automaton
from mileage.language.printer_base import word
from mileage.language.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# After these terminals a name is no column but of a family of its own.
_FAMILIES = {
    "FROM": "tables", "OPTIMIZE": "metrics", "THEN": "metrics", "UNTIL": "metrics", "ON": "metrics", "PREFER": "intents",
    "REQUIRE": "intents", "WITH": "slots", "WITHOUT": "operators", "PIN": "slots", "UNPIN": "slots", "SHOW": "topics",
    "ABOUT": "topics", "KNOWLEDGE": "packs", "REUSE": "views", "FOCUS": "slots", "PRUNE": "slots", "TO": "stresses",
    "COMMA": "", "EQUAL": "", "VBAR": "operators", "NEXT_STEP": "operators",
}  # fmt: skip
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
        Other names by family: ``tables``, ``metrics``, ``intents``, ``slots``, ``operators``, ``topics``, ``packs``,
        ``views``, ``stresses``, ``refs`` (with ``@``) and ``handles`` (with ``#``).

    Examples
    --------
    >>> complete("PREDICT y FROM t BUDGET 10 m")
    ('ms', 'min', 'MB')
    >>> complete("PREDICT y FROM t KNOWING a", columns=["age", "sex"])
    ('age',)
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
    families = {family: tuple(items) for family, items in (names or {}).items()}
    options: list[str] = []
    accepted = [name for name in machine.accepts(last.stack) if name != END]
    if "IDENT" in accepted:
        options += _names([step.token.kind for step in trace.steps if step is not last], tuple(columns), families)
    options += UNITS if "UNIT" in accepted else ()
    options += families.get("refs", ()) if "REF" in accepted else ()
    options += families.get("handles", ()) if "HANDLE" in accepted else ()
    options += sorted(w for name in accepted for w in machine.spellings(name) if w[0].isalpha())
    fits = (option for option in options if option.casefold().lstrip('"').startswith(typed.casefold()))
    return tuple(dict.fromkeys(fits))


def _names(kinds: list[str], columns: tuple[str, ...], families: Mapping[str, tuple[str, ...]]) -> list[str]:
    depth = 0
    for kind in reversed(kinds):
        depth += (kind in ("RPAR", "RBRACE")) - (kind in ("LPAR", "LBRACE"))
        if depth >= 0 and kind == "EQUAL":
            return list(families.get("operators", ()))
        family = _FAMILIES.get(kind)
        if family and depth == 0:
            return list(families.get(family, ()))
        if (
            kind.isupper()
            and kind not in _FAMILIES
            and kind not in ("IDENT", "QUOTED", "NUMBER", "STRING", "UNIT", "RPAR", "LPAR")
        ):
            break
    return [word(column) for column in columns]
