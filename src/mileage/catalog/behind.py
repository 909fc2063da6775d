"""Write-behind: a run hands its results over and goes on; one thread writes them in order.

What waits is served from memory. The queue is bounded by bytes: a run that computes faster than the disk writes waits for
it in the end. What cannot be written is said in :attr:`WriteBehind.failed`, and the run goes on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from mileage.catalog.claims import Claim
from mileage.catalog.container import Encoded
from mileage.catalog.formats import encode
from mileage.catalog.room import Hold
from mileage.catalog.store import ArtifactStore, StoreFinding
from mileage.data.frames import frame_bytes
from mileage.errors import CatalogError

QUEUE_BYTES = 512 * 2**20
_NO_ROOM = "C721"


@dataclass(eq=False)
class _Waiting:
    """A value in the queue: as it is where nobody can change it, else as bytes."""

    key: str
    value: Any
    encoded: Encoded | None
    size_bytes: int


class WriteBehind:
    """A store in front of an artifact store that writes later; for one process.

    Laws: what was put is there at once; a change of a value after it was put is never kept; after :meth:`flush` all is
    written, or in :attr:`failed`. Nothing waits for the disk itself: a machine that fails may lose what was written last,
    which is then computed again; it never makes it wrong. Another process gets the store behind it.

    Parameters
    ----------
    store : ArtifactStore
    queue_bytes : int
        At most so much waits; a single larger value is written alone.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> store = ArtifactStore(Path(tempfile.mkdtemp()))
    >>> with WriteBehind(store) as behind:
    ...     size = behind.put("ab12.out", np.arange(3.0))
    ...     print(behind.get("ab12.out"))
    [0. 1. 2.]
    >>> store.has("ab12.out")
    True
    """

    def __init__(self, store: ArtifactStore, *, queue_bytes: int = QUEUE_BYTES) -> None:
        self.store = store
        self.queue_bytes = queue_bytes
        self.failed: list[StoreFinding] = []
        self.declined: set[str] = set()
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._bytes = 0
        self._claims: dict[str, Claim] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        self._changed = threading.Condition()

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process writes at once: it may be killed at any time."""
        return (_itself, (self.store,))

    # --- what a run asks for ------------------------------------------------------------------------------------------

    def put(self, key: str, value: Any) -> int:
        """Take a value to be written, and return its size in bytes as far as it is known."""
        with self._changed:
            if (known := self._waiting.get(key)) is not None:  # a key has one value
                return known.size_bytes
        waiting = _waiting(key, value)
        with self._changed:
            while self._waiting and self._bytes + waiting.size_bytes > self.queue_bytes:
                self._changed.wait(1.0)
            self._start()
            self._waiting[key] = waiting
            self._bytes += waiting.size_bytes
            self._changed.notify_all()
        return waiting.size_bytes

    def get(self, key: str) -> Any:
        """Return a value, not to be changed; KeyError if there is none."""
        with self._changed:
            waiting = self._waiting.get(key)
        return self.store.get(key) if waiting is None else _value(waiting)

    def has(self, key: str) -> bool:
        """Say whether a value is kept, or will be."""
        with self._changed:
            if key in self._waiting:
                return True
        return self.store.has(key)

    def claim(self, task: str) -> Claim:
        """Return the claim to a task; it lasts until its results are written (:meth:`ArtifactStore.claim`)."""
        return _Lasting(self.store.claim(task), self, task)

    def hold(self, keys: Collection[str] | None = None) -> Hold:
        """As :meth:`ArtifactStore.hold`."""
        return self.store.hold(keys)

    # --- ends ---------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Return when nothing waits."""
        with self._changed:
            while self._waiting:
                self._changed.wait(1.0)

    def close(self) -> None:
        """Flush, and end the thread."""
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._closed = False
            self._thread = threading.Thread(target=self._run, name="mileage-write-behind", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                waiting = next(iter(self._waiting.values()))
            self._write(waiting)
            with self._changed:
                del self._waiting[waiting.key]
                self._bytes -= waiting.size_bytes
                self._changed.notify_all()
            self._settle_claim(waiting.key.partition(".")[0])

    def _write(self, waiting: _Waiting) -> None:
        try:
            encoded = waiting.encoded or encode(waiting.value)
            self.store.put_encoded(waiting.key, encoded, durable=False)
        except CatalogError as error:
            if error.code == _NO_ROOM:
                self.declined.add(waiting.key)
            else:
                self.failed.append(StoreFinding(waiting.key, error.message))
        except Exception as error:  # noqa: BLE001  (whatever pickling a user's object may raise)
            self.failed.append(StoreFinding(waiting.key, f"{type(error).__name__}: {error}"))

    def _last(self, task: str, claim: Claim) -> None:
        """Release a claim now, or once what waits of its task is written."""
        with self._changed:
            if any(key.partition(".")[0] == task for key in self._waiting):
                self._claims[task] = claim
                return
        claim.release()

    def _settle_claim(self, task: str) -> None:
        with self._changed:
            if any(key.partition(".")[0] == task for key in self._waiting):
                return
            claim = self._claims.pop(task, None)
        if claim is not None:
            claim.release()


class _Lasting(Claim):
    """A claim that lasts until what was put under it is written."""

    def __init__(self, claim: Claim, behind: WriteBehind, task: str) -> None:
        super().__init__(claim.lease, claim.waited)
        self._behind, self._task = behind, task
        self._claim = claim

    def release(self) -> None:
        """Release it when the task's results are written."""
        self._behind._last(self._task, self._claim)


def _itself(store: ArtifactStore) -> ArtifactStore:
    return store


def _waiting(key: str, value: Any) -> _Waiting:
    """Return what waits: a snapshot of a value that cannot change under it, be it by whoever made it."""
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and type(value).__name__ == "DataFrame":
        return _Waiting(key, value.copy(deep=False), None, frame_bytes(value))
    if module == "numpy" and hasattr(value, "flags") and not value.flags.writeable and not value.dtype.hasobject:
        return _Waiting(key, value, None, int(value.nbytes))
    if module == "pyarrow" and type(value).__name__ == "Table":
        return _Waiting(key, value, None, int(value.nbytes))
    encoded = encode(value)
    encoded = Encoded(encoded.format, tuple(bytes(part) for part in encoded.parts), encoded.meta)
    return _Waiting(key, None, encoded, sum(len(part) for part in encoded.parts))


def _value(waiting: _Waiting) -> Any:
    if waiting.encoded is not None:
        from mileage.catalog.formats import decode

        return decode(waiting.encoded)
    frame = hasattr(waiting.value, "memory_usage")
    return waiting.value.copy(deep=False) if frame else waiting.value
