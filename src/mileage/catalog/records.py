"""Plain records that go into the catalog and come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """A version of a query; ``parent`` is the version it was refined from."""

    id: int
    text: str
    semantic_hash: str
    name: str | None = None
    parent: int | None = None
    source: str = "run"
    created: float = 0.0

    @property
    def ref(self) -> str:
        """The reference in a query: ``@q1``."""
        return f"@q{self.id}"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a query; ``state`` is running, finished, stopped, failed or interrupted.

    ``started``, ``ended`` and ``heartbeat`` are seconds since 1970; ``ended`` of an interrupted run is the last moment
    it was seen alive.
    """

    id: int
    query_id: int
    state: str
    started: float
    ended: float | None = None
    budget_s: float | None = None
    seed: int = 0
    data_fingerprint: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    pid: int = 0
    heartbeat: float = 0.0
    n_trials: int = 0

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.ended is None else self.ended - self.started


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """What the catalog knows of a kept artifact; ``seconds`` is what computing it took."""

    key: str
    size_bytes: int
    kind: str = ""
    created: float = 0.0
    last_used: float = 0.0
    seconds: float | None = None
    run_id: int | None = None
