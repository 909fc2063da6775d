"""Collects the mistakes of a query, so that all are reported in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.near import near_matches
from mileage.core.spans import Span
from mileage.errors import BindError, DataError, MileError, NotYetError

_SUGGESTED = re.compile(r"did you mean (.+)\?")


@dataclass
class Mistakes:
    """Mistakes found so far in one query text; the same mistake is noted once, however often it is met."""

    source: str = ""
    found: list[Diagnostic] = field(default_factory=list)
    data: DataError | None = None

    def add(
        self, code: str, message: str, span: Span | None = None, *, fix: str | None = None, hint: str | None = None
    ) -> None:
        """Note a mistake; ``fix`` is the text that would mend the span."""
        if any((d.code, d.message, d.span) == (code, message, span) for d in self.found):
            return
        fixes = (Fix(span, fix),) if span is not None and fix is not None else ()
        self.found.append(Diagnostic(code, message, span, fixes, hint))

    def tell(self, error: MileError, span: Span | None = None, *, code: str | None = None) -> None:
        """Note an error of another layer; where it asks "did you mean x?", x is the fix."""
        match = _SUGGESTED.fullmatch(error.hint or "")
        hint = None if match and span is not None else error.hint
        self.add(code or error.code, error.message, span, fix=match[1] if match else None, hint=hint)

    def tell_data(self, error: DataError, span: Span | None = None) -> None:
        """Note an error of the data; it is raised as it is if it stays the only one."""
        self.data = self.data or error
        self.tell(error, span)

    def unknown(
        self, code: str, what: str, name: str, known: Iterable[str], span: Span | None = None, *, why: str | None = None
    ) -> None:
        """Note a name that is not known, with its nearest match as the fix; ``why`` says what became of it."""
        known = tuple(known)
        near = near_matches(name, known)
        listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        hint = f"near it: {', '.join(near)}" if near else f"known: {listed}"
        fix = spell(near[0]) if near else None
        self.add(code, f"no {what} '{name}'", span, fix=None if why else fix, hint=why or hint)

    def at_name(self, span: Span | None, name: str) -> Span | None:
        """Return the place of a name at the beginning of a longer span, such as ``knn`` in ``knn(n_neighbors = 3)``."""
        if span is None:
            return None
        written = span.cut(self.source)
        for shown in (name, '"' + name.replace('"', '""') + '"'):
            if written.casefold().startswith(shown.casefold()):
                return Span(span.start, span.start + len(shown))
        return span

    def stop_if_any(self) -> None:
        """Raise all mistakes together; those of clauses that are not executed yet alone, if there are no others."""
        if not self.found:
            return
        if self.data is not None and len(self.found) == 1:
            raise self.data
        found = sorted(self.found, key=lambda d: d.span.start if d.span is not None else 0)
        if all(d.code.startswith("E3") for d in found):
            raise NotYetError(found, source=self.source)
        raise BindError(found, source=self.source)


def spell(name: str) -> str:
    """Return a name as a query writes it.

    Examples
    --------
    >>> spell("age"), spell("net income")
    ('age', '"net income"')
    """
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
