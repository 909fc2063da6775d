"""Where tasks run; this file imports nothing heavy, so that workers can begin to start before all else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mileage.session.session import Session


def warm(session: Session) -> None:
    """Let the workers' libraries load while the query and the data are read."""
    if backend_name(session, {}) == "processes":
        from mileage.engine.backends.processes import warm as start_server

        start_server()


def backend_name(session: Session, hints: Mapping[str, object]) -> str:
    """Return where tasks run: what the query hints, the session says, or the environment; else ``processes``."""
    return str(hints.get("backend") or session.backend or os.environ.get("MILE_BACKEND") or "processes")
