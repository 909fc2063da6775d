"""Collects the mistakes of a query, so that all are reported in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.near import near_matches
from mileage.core.spans import Span
from mileage.errors import BindError, NotYetError


@dataclass
class Mistakes:
    """Mistakes found so far in one query text."""

    source: str = ""
    found: list[Diagnostic] = field(default_factory=list)

    def add(
        self, code: str, message: str, span: Span | None = None, *, fix: str | None = None, hint: str | None = None
    ) -> None:
        """Note a mistake; ``fix`` is the text that would mend the span."""
        fixes = (Fix(span, fix),) if span is not None and fix is not None else ()
        self.found.append(Diagnostic(code, message, span, fixes, hint))

    def unknown(
        self, code: str, what: str, name: str, known: Iterable[str], span: Span | None = None, also: str = ""
    ) -> None:
        """Note a name that is not known, with its nearest match as the fix; ``also`` ends the hint."""
        known = tuple(known)
        near = near_matches(name, known)
        listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        hint = f"near it: {', '.join(near)}" if near else f"known: {listed}"
        hint = f"{hint}; {also}" if also else hint
        fix = _spell(near[0]) if near else None
        self.add(code, f"no {what} '{name}'", span, fix=fix, hint=hint)

    def stop_if_any(self) -> None:
        """Raise all mistakes together; those of clauses that are not executed yet alone, if there are no others."""
        if not self.found:
            return
        later = [d for d in self.found if d.code.startswith("E3")]
        if len(later) == len(self.found):
            raise NotYetError(later, source=self.source)
        raise BindError(self.found, source=self.source)


def _spell(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
