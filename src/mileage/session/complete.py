"""Completion with the names that a session knows: columns of the source, operators, parameters, metrics, references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mileage.data import Database, SourceSpec
from mileage.errors import MileError
from mileage.language import complete, handles, parse_query

if TYPE_CHECKING:
    from mileage.operators import Operator
    from mileage.session.session import Session

_FROM = re.compile(r"\bFROM\s+(?:'(?P<file>[^']+)'|:(?P<frame>\w+)|(?P<table>\w+(?:\.\w+)*))", re.IGNORECASE)
_QUERIES_SHOWN = 20


def completions(session: Session, text: str, columns: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return what may stand at the end of a text, best first; ``columns`` if they are known already."""
    found = source_columns(session.database, text) if columns is None else columns
    return complete(text, columns=found, names=_Names(session))


def source_columns(database: Database, text: str) -> tuple[str, ...]:
    """Return the columns of the source that a query names after FROM, or none if it is not there yet."""
    matches = list(_FROM.finditer(text))
    if not matches:
        return ()
    match = matches[-1]
    kind = next(name for name, value in match.groupdict().items() if value)
    try:
        return tuple(database.bind(SourceSpec(kind, match[kind])).schema.names)
    except MileError:
        return ()  # no such file yet: nothing to complete, and no moment to complain


class _Names(Mapping[str, tuple[str, ...]]):
    """The names of each family, looked up when they are asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._makers: dict[str, Callable[[], tuple[str, ...]]] = {
            "tables": session.database.table_names,
            "metrics": _metrics,
            "slots": _slots,
            "operators": _operators,
            "topics": _topics,
            "formats": _formats,
            "hints": _hints,
            "refs": self._refs,
            "handles": self._handles,
        }

    def __getitem__(self, family: str) -> tuple[str, ...]:
        wide, _, narrow = family.partition(":")
        if family in self._makers:
            return self._makers[family]()
        if wide == "operators" and narrow:
            return _operators_of(narrow)
        if wide == "parameters":
            operator = _operator(narrow)
            return tuple(p.name for p in operator.params) if operator is not None else _operators_of(narrow)
        if wide == "values":
            return _values(*narrow.split(".", 1))
        raise KeyError(family)

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def _refs(self) -> tuple[str, ...]:
        queries = [f"@q{query.id}" for query in self.session.catalog.queries()][-_QUERIES_SHOWN:]
        return ("@last", "@best", "@single", "@distilled", "@w1", "@w2", "@w3", *reversed(queries))

    def _handles(self) -> tuple[str, ...]:
        queries = self.session.catalog.queries()
        return tuple(handles(parse_query(queries[-1].text))) if queries else ()


def _metrics() -> tuple[str, ...]:
    from mileage.operators.metrics import metric_names

    return metric_names()


def _slots() -> tuple[str, ...]:
    from mileage.planner.slots import ORDER

    return tuple(name.upper() for name in ("distilled", *reversed(ORDER), "pipeline"))


def _operators() -> tuple[str, ...]:
    from mileage.operators import operators

    return tuple(sorted(operators.names()))


def _operators_of(slot: str) -> tuple[str, ...]:
    """Return the operators that may fill a slot; in a PIPELINE, all of them."""
    from mileage.operators import operators

    if slot == "pipeline":
        return _operators()
    return tuple(sorted(op.name for op in operators if op.family.value == slot or op.name == "none"))


def _operator(name: str) -> Operator | None:
    from mileage.operators import resolve

    return resolve(name)


def _values(name: str, parameter: str) -> tuple[str, ...]:
    """Return the words that a parameter or a hint may be."""
    if name == "hint":
        from mileage.session.statements.check import hint_values

        return hint_values(parameter)
    operator = _operator(name)
    known = operator.param(parameter) if operator is not None else None
    listed = getattr(known.domain, "values", ()) if known is not None else ()
    return tuple("none" if v is None else str(v).upper() if isinstance(v, bool) else str(v) for v in listed)


def _topics() -> tuple[str, ...]:
    from mileage.session.statements.names import SHOWN

    return SHOWN


def _formats() -> tuple[str, ...]:
    from mileage.session.statements.names import FORMATS

    return FORMATS


def _hints() -> tuple[str, ...]:
    from mileage.planner.settings import HINTS

    return HINTS
