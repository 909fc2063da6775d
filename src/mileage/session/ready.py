"""Fitted steps that are ready: those used last stay in memory, so that predicting for a few rows does not begin with loading models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from mileage.catalog import ArtifactStore
from mileage.workflow import Port

_ROOM_BYTES = 512 * 2**20


class ReadySteps:
    """Fitted steps of a session by key; those not used for longest leave first.

    Parameters
    ----------
    store : ArtifactStore
        Where they are kept.
    room_bytes : int
        At most so much, as kept, stays in memory.
    """

    def __init__(self, store: ArtifactStore, room_bytes: int = _ROOM_BYTES) -> None:
        self._store, self._room = store, room_bytes
        self._steps: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._prepared: dict[str, Any] = {}

    def has(self, key: str) -> bool:
        """Say whether a step is in memory or kept."""
        return key in self._steps or self._store.has(key)

    def get(self, port: Port) -> Any:
        """Return a fitted step, not to be changed.

        Raises
        ------
        KeyError
            If it is not kept.
        """
        if port.key in self._steps:
            self._steps.move_to_end(port.key)
            return self._steps[port.key][1]
        step = self._store.get(port.key)
        self._add(port.key, self._store.size_of(port.key) or 0, step)
        return step

    def prepared(self, port: Port, prepare: Callable[[Any], Any]) -> Any:
        """Return what was made of a fitted step to answer quickly; it is made once, as long as the step stays in memory.

        Raises
        ------
        KeyError
            If the step is not kept.
        """
        step = self.get(port)
        if port.key not in self._prepared:
            made = prepare(step)
            if port.key not in self._steps:
                return made
            self._prepared[port.key] = made
        return self._prepared[port.key]

    def _add(self, key: str, size_bytes: int, step: Any) -> None:
        if size_bytes > self._room:
            return
        self._steps[key] = (size_bytes, step)
        while sum(size for size, _ in self._steps.values()) > self._room:
            gone, _ = self._steps.popitem(last=False)
            self._prepared.pop(gone, None)
