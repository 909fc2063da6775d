"""Where values wait between workers during one run: a private folder of mapped files, and a cache in memory.

Unlike the artifact store it lives no longer than the run, and only the processes of the run write to it.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import shutil
import struct
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

from mileage.engine.values import dump, freeze

_ALIGN = 64
_WORD = struct.Struct("<Q")


class Store(Protocol):
    """What the engine needs of a store; the artifact store of the catalog is one."""

    def put(self, key: str, value: Any) -> int:
        """Keep a value; return its size in bytes."""

    def get(self, key: str) -> Any:
        """Return a value, not to be changed."""

    def has(self, key: str) -> bool:
        """Say whether the key is kept."""


class Scratch:
    """A store in a folder of its own; arrays come back as read-only maps of the file, without a copy."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = Path(path) if path is not None else Path(tempfile.mkdtemp(prefix="mileage-"))
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, key: str, value: Any) -> int:
        """Write a value; a reader sees all of it or nothing."""
        buffers: list[pickle.PickleBuffer] = []
        body = io.BytesIO()
        dump(value, body, buffers.append)
        raw = [buffer.raw() for buffer in buffers]
        parts: list[Any] = [body.getbuffer(), *raw]
        head = b"".join(_WORD.pack(n) for n in (len(parts), *(part.nbytes for part in parts)))
        temporary = self.path / f".{key}.{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(head)
            for part in parts:
                file.write(b"\0" * (-file.tell() % _ALIGN))
                file.write(part)
            size = file.tell()
        temporary.replace(self.path / key)
        return size

    def get(self, key: str) -> Any:
        """Read a value; raises KeyError where there is none."""
        try:
            with (self.path / key).open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except FileNotFoundError:
            raise KeyError(key) from None
        count = _WORD.unpack_from(view, 0)[0]
        lengths = [_WORD.unpack_from(view, 8 * (i + 1))[0] for i in range(count)]
        parts, at = [], 8 * (count + 1)
        for length in lengths:
            at += -at % _ALIGN
            parts.append(view[at : at + length])
            at += length
        return freeze(pickle.loads(parts[0], buffers=parts[1:]))

    def has(self, key: str) -> bool:
        """Say whether the key is there."""
        return (self.path / key).exists()

    def delete(self, key: str) -> None:
        """Remove a value; none is no error."""
        (self.path / key).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)


class MemoryCache:
    """Values by key within a budget of bytes; the least recently used one goes first."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.used_bytes = 0
        self._items: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, key: str) -> Any:
        """Return a value that is in the cache."""
        self._items.move_to_end(key)
        return self._items[key][0]

    def put(self, key: str, value: Any, size: int) -> list[str]:
        """Add a value; return the keys that had to go."""
        if key in self._items:
            self.used_bytes -= self._items.pop(key)[1]
        if size > self.budget_bytes:
            return [key]
        self._items[key] = (value, size)
        self.used_bytes += size
        gone = []
        while self.used_bytes > self.budget_bytes:
            old, (_, freed) = self._items.popitem(last=False)
            self.used_bytes -= freed
            gone.append(old)
        return gone
