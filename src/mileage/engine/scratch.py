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
import sys
import tempfile
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

from mileage.engine.values import dump, freeze

_ALIGN = 64
_PREFIX = "mileage-scratch-"
_LOCK = ".lock"
_UNLOCKED_S = 60.0
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
    """A store in a folder of its own; arrays come back as read-only maps of the file, without a copy.

    A folder of the system's temporary one is made when it is first asked for, and locked by the process that made it. So
    what a killed process has left behind is known, and is removed when the next one makes its own.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._lock: int | None = None
        self._path = None if path is None else Path(path)
        if self._path is not None:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        """The folder."""
        if self._path is None:
            remove_left_behind()
            self._path, self._lock = _locked_folder()
        return self._path

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

    def __getstate__(self) -> dict[str, Any]:
        """Other processes use the folder; its lock stays with the one that made it."""
        return {"_path": self.path, "_lock": None}

    def room_bytes(self) -> int:
        """Return how many bytes values may take: half of what is free."""
        return shutil.disk_usage(self.path).free // 2

    def close(self) -> None:
        """Remove the folder."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_left_behind() -> None:
    """Remove the temporary folders of processes of this user that were killed."""
    home = Path(tempfile.gettempdir())
    for folder in (*home.glob(f"{_PREFIX}*"), *filter(_is_old, home.glob(f".{_PREFIX}*"))):
        try:  # where the lock is gone, its removal was cut short
            handle = os.open(folder / _LOCK, os.O_RDWR | (os.O_CREAT if _is_old(folder) else 0), 0o600)
        except OSError:  # somebody else's, or another process removes it just now
            continue
        try:
            if _take(handle):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


def _is_old(folder: Path) -> bool:
    """Say whether nobody can be about to lock a folder, or to remove it."""
    try:
        return time.time() - folder.stat().st_mtime > _UNLOCKED_S
    except OSError:
        return False


def _locked_folder() -> tuple[Path, int | None]:
    """Make a folder that has its name only once it is locked, so that nobody takes it for left behind."""
    if sys.platform == "win32":
        return Path(tempfile.mkdtemp(prefix=_PREFIX)), None
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    handle = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    _take(handle)
    path = made.with_name(made.name.removeprefix("."))
    made.rename(path)
    return path, handle


def _take(handle: int) -> bool:
    """Lock a file for as long as it is open; False if another process holds it, or there are no locks here."""
    if sys.platform == "win32":  # nothing tells a folder left behind from one in use
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
