"""Why something was cut, chosen or dropped."""

from __future__ import annotations

from dataclasses import dataclass

from mileage.core.spans import Span


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence and where it comes from.

    ``origin`` is one of ``"user"`` (a clause; ``span`` is its place), ``"default"``, ``"profile"`` (the data),
    ``"operator"`` (a contract), ``"budget"`` or ``"strategy"``.
    """

    text: str
    origin: str = "default"
    span: Span | None = None

    def __str__(self) -> str:
        return self.text
