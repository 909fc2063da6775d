"""Fitted steps that are ready: those used last stay in memory, so that predicting for a few rows does not begin with loading models."""

from __future__ import annotations

from collections import OrderedDict
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
    cores : int
        So many threads answer for rows, where the bits of what is answered do not depend on that.
    """

    def __init__(self, store: ArtifactStore, room_bytes: int = _ROOM_BYTES, cores: int = 1) -> None:
        self._store, self._room, self._cores = store, room_bytes, cores
        self._steps: OrderedDict[str, tuple[int, Any]] = OrderedDict()

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
        step = _with_threads(self._store.get(port.key), self._cores)
        self._add(port.key, self._store.size_of(port.key) or 0, step)
        return step

    def _add(self, key: str, size_bytes: int, step: Any) -> None:
        if size_bytes > self._room:
            return
        self._steps[key] = (size_bytes, step)
        while sum(size for size, _ in self._steps.values()) > self._room:
            self._steps.popitem(last=False)


def _with_threads(step: Any, n: int) -> Any:
    """Let LightGBM answer with so many threads: one of them adds up what all trees say of a row, so the sum is the same."""
    for model in (step, getattr(step, "regressor_", None)):
        if model is not None and type(model).__module__.startswith("lightgbm."):
            model.set_params(n_jobs=n)
    return step
