"""What came of a plan: its values, read when they are looked at, and what they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mileage.core.fingerprint import Fingerprint
from mileage.engine.backend import JobState, Located
from mileage.engine.tasks import TaskError
from mileage.workflow.task import Port


class Values(Mapping[Port, Any]):
    """Values by port, each read on first use; those that are not kept can be read until the executor is closed."""

    def __init__(self, located: Mapping[Port, Located], read: Callable[[Located], Any]) -> None:
        self._located = dict(located)
        self._read = read
        self._values: dict[Port, Any] = {}

    def __getitem__(self, port: Port) -> Any:
        if port not in self._values:
            self._values[port] = self._read(self._located[port])
        return self._values[port]

    def __contains__(self, port: object) -> bool:
        return port in self._located  # without reading it

    def __iter__(self) -> Iterator[Port]:
        return iter(self._located)

    def __len__(self) -> int:
        return len(self._located)


@dataclass(frozen=True)
class Outcome:
    """The end of one ticket.

    ``seconds`` (by task) and ``sizes`` (bytes by port key) are of the tasks computed for this ticket first;
    ``n_shared`` tasks were there from, or shared with, earlier tickets. ``compute_s`` is what the limit counts.
    """

    ticket: int
    label: str
    state: JobState
    values: Mapping[Port, Any] = field(default_factory=dict)
    seconds: Mapping[Fingerprint, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    error: TaskError | None = None
    n_computed: int = 0
    n_loaded: int = 0
    n_shared: int = 0
    compute_s: float = 0.0
    peak_bytes: int = 0
