"""Evidence that somebody should look at: what monitors yield."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mileage.core.diagnostics import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence from a monitor; ``suggestion`` is the clause that would answer it."""

    code: str
    message: str
    severity: Severity = Severity.WARNING
    columns: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    suggestion: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)
