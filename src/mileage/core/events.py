"""What happens during a run, told to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a ``kind`` such as ``"trial_finished"`` and its plain ``data``.

    ``at_s`` is the monotonic clock in seconds.
    """

    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    at_s: float = field(default_factory=time.monotonic)


Listener = Callable[[Event], None]


class EventBus:
    """Tells each event to all listeners, in order, in the caller's thread.

    Examples
    --------
    >>> bus, seen = EventBus(), []
    >>> bus.listen(lambda event: seen.append(event.kind))
    >>> bus.tell("run_started", trials=3)
    >>> seen
    ['run_started']
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Add a listener."""
        self._listeners.append(listener)

    def tell(self, kind: str, **data: Any) -> None:
        """Tell all listeners of one event."""
        event = Event(kind, data)
        for listener in self._listeners:
            listener(event)
