"""The one place where the store makes room: a hard budget for all processes together, and what leaves for it.

Room is reserved before anything is written. The reservation *is* the file: under one short lock it is made at its full
size, in a folder for files that are not yet part of the store, and it stays locked by its writer. So the sum of all file
sizes is always what is spoken for; and what a killed writer leaves is unlocked, and is swept.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mileage.catalog.container import Packing
from mileage.catalog.locks import Lease, flock, is_dead, wait_for
from mileage.errors import CatalogError

SMALL_BYTES = 64 * 1024
MARGIN_BYTES = 4096  # for the files of locks
LARGE_SHARE, HUGE_SHARE = 1 / 64, 1 / 2  # of the room: what takes more of it is packed, quickly or as small as can be
_HOPELESS_SHARE = 1.2
_WAIT_S = 20.0
_CLOCK_S = 2.0  # time stamps of files are this exact
_OLD_S = 3600.0
_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept file: key, bytes and when it was last used (seconds since 1970)."""

    key: str
    size_bytes: int
    last_used: float


Order = Callable[[Sequence[Kept], int, Kept | None], Iterable[str] | None]
"""Given what may leave, the bytes that are needed and what comes (None: no matter for what), the keys that
leave, the least worth first; None if that would lose more than it gains."""


def least_recent(kept: Sequence[Kept], need_bytes: int, incoming: Kept | None) -> Iterable[str]:
    """Let go what was used longest ago; small results last."""
    del need_bytes, incoming
    return [k.key for k in sorted(kept, key=lambda k: (k.size_bytes < SMALL_BYTES, k.last_used, k.key))]


@dataclass(eq=False)
class Hold:
    """Says that a run may read what is kept: nothing it has touched since it began leaves for another one's sake.

    ``keys`` are all it will read, where it knows; then the holder itself may let others go.
    """

    lease: Lease | None
    room: Room
    since: float
    keys: frozenset[str] | None = None

    def release(self) -> None:
        """End it."""
        self.room.holds.discard(self)
        if self.lease is not None:
            self.lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass
class Room:
    """The budget of a folder, and the order in which things leave it."""

    folder: Path
    quota_bytes: int | None = None
    order: Order = least_recent
    holds: set[Hold] = field(default_factory=set, init=False)

    def __getstate__(self) -> dict[str, object]:
        """Another process has holds of its own; those of this one protect from it by their files."""
        return {"folder": self.folder, "quota_bytes": self.quota_bytes, "order": self.order, "holds": set()}

    @property
    def aside(self) -> Path:
        """Where files are that are not, or no longer, part of the store; on the same disk, so that a rename is whole."""
        return self.folder / ".aside"

    def packing_for(self, size: int) -> Packing | None:
        """Return how so many bytes had better be packed: not at all if they are a small share of all the room there is."""
        if self.quota_bytes is None or size <= LARGE_SHARE * self.quota_bytes:
            return None
        return Packing.SMALL if size > HUGE_SHARE * self.quota_bytes else Packing.QUICK

    def is_tight_for(self, size: int) -> bool:
        """Say whether what takes so many bytes, packed small, would fill most of the room, and may fit if packed harder."""
        return self.quota_bytes is not None and HUGE_SHARE < size / self.quota_bytes <= _HOPELESS_SHARE

    def reserve(self, part: Path, size: int, key: str) -> int:
        """Make an empty file of ``size`` bytes, locked, and return its handle; what is worth less leaves for it.

        Raises
        ------
        CatalogError
            C721 if there is no room for it.
        OSError
            If the disk is full.
        """
        if self.quota_bytes is not None and size + MARGIN_BYTES > self.quota_bytes:
            raise self._no_room(size)
        with self._mutex():
            used = self._read_used()
            if self.quota_bytes is not None and used + size + MARGIN_BYTES > self.quota_bytes:
                used = self._scan()
                excess = used + size + MARGIN_BYTES - self.quota_bytes
                if excess > 0:
                    freed = self._evict(excess, Kept(key, size, time.time()))
                    if freed is None:
                        raise self._no_room(size)
                    used -= freed
            self._write_used(used + size)
            handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                flock(handle)
                os.ftruncate(handle, size)
            except OSError:
                os.close(handle)
                part.unlink(missing_ok=True)
                raise
            return handle

    def evict(self, target_bytes: int, protect: Collection[str] = ()) -> tuple[str, ...]:
        """Let things go until at most ``target_bytes`` are used, as far as nobody reads them; return their keys."""
        with self._mutex():
            used = self._scan()
            gone = self._leaving(used - target_bytes, None, protect)
            for item in gone or ():
                used -= self._remove(item)
            self._write_used(used)
        return tuple(item.key for item in gone or ())

    def sweep(self) -> None:
        """Remove what killed processes have left half-written, and what was put aside, an hour later."""
        if any(_is_left(entry) for entry in _entries(self.aside)):
            with suppress(CatalogError, OSError), self._mutex():
                self._write_used(self._scan())

    def hold(self, keys: Collection[str] | None = None) -> Hold:
        """Say that a run may read what is kept from now on, until it is released or the process ends."""
        now = time.time()
        lease = None
        with suppress(OSError):  # a full or read-only disk, where nothing can be written, and so nothing has to leave
            lease = Lease.take(self.aside / f"{os.getpid()}.{next(_COUNTER)}.{now:.3f}.hold")
        hold = Hold(lease, self, now, None if keys is None else frozenset(keys))
        self.holds.add(hold)
        return hold

    def kept(self) -> Iterator[Kept]:
        """Iterate over what is kept, in no order."""
        for entry in _entries(self.folder):
            if not entry.name.startswith(".") and entry.is_dir():
                for file in _entries(Path(entry.path)):
                    with suppress(FileNotFoundError):
                        stat = file.stat()
                        yield Kept(file.name, stat.st_size, stat.st_mtime)

    def path(self, key: str) -> Path:
        """Return the path of a key's file."""
        return Path(self.place(key))

    def place(self, key: str) -> str:
        """Return the same as text."""
        return f"{self.folder}/{key[:2]}/{key}"

    # --- under the lock -----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _mutex(self) -> Iterator[None]:
        lease = wait_for(self.aside / "room.lock", _WAIT_S)
        try:
            yield
        finally:
            lease.release()

    @property
    def _ledger(self) -> Path:
        return self.aside / "used"

    def _read_used(self) -> int:
        """Return the bytes that are in use at most: what was deleted since the last scan still counts."""
        try:
            return int(self._ledger.read_bytes())
        except (OSError, ValueError):
            return self._scan()

    def _write_used(self, used: int) -> None:
        try:
            self._ledger.write_bytes(b"%020d" % used)
        except OSError:
            self._ledger.unlink(missing_ok=True)  # the next one counts for itself

    def _scan(self) -> int:
        """Remove what is left behind, and return the bytes of all files there are."""
        used = 0
        for entry in _entries(self.aside):
            path = Path(entry.path)
            with suppress(OSError):
                size = entry.stat().st_size
                if _is_left(entry):
                    path.unlink()
                else:
                    used += size
        return used + sum(item.size_bytes for item in self.kept())

    def _evict(self, excess: int, incoming: Kept) -> int | None:
        """Free at least ``excess`` bytes for a file and return how many were freed; None, and nothing is, if not possible."""
        gone = self._leaving(excess, incoming, ())
        if gone is None or sum(item.size_bytes for item in gone) < excess:
            return None
        return sum(self._remove(item) for item in gone)

    def _leaving(self, excess: int, incoming: Kept | None, protect: Collection[str]) -> list[Kept] | None:
        known = {item.key: item for item in self.kept()}
        since = min(self._others_since(), default=None)
        holds = tuple(self.holds)  # another thread may begin to read
        own = [hold for hold in holds if hold.keys is None]
        if own:
            since = min([hold.since for hold in own] + ([since] if since is not None else []))
        exact = frozenset().union(*(hold.keys for hold in holds if hold.keys is not None))
        free = [
            item
            for key, item in known.items()
            if key not in protect and key not in exact and (since is None or item.last_used < since - _CLOCK_S)
        ]
        leaving: list[Kept] = []
        order = self.order(free, excess, incoming)
        if order is None:
            return None
        for key in order:
            if excess <= 0:
                break
            leaving.append(known[key])
            excess -= known[key].size_bytes
        return leaving

    def _others_since(self) -> Iterator[float]:
        own = {hold.lease.path.name for hold in tuple(self.holds) if hold.lease is not None}
        for entry in _entries(self.aside):
            if entry.name.endswith(".hold") and entry.name not in own and not is_dead(Path(entry.path)):
                yield float(entry.name.split(".", 2)[2].removesuffix(".hold"))

    def _remove(self, item: Kept) -> int:
        with suppress(FileNotFoundError):
            self.path(item.key).unlink()
        return item.size_bytes

    def _no_room(self, size: int) -> CatalogError:
        return CatalogError(
            f"an artifact of {size} bytes does not fit the quota of {self.quota_bytes} bytes",
            code="C721",
            hint="raise the quota; the run goes on without keeping it",
        )


def _is_left(entry: os.DirEntry[str]) -> bool:
    """Say whether nobody will use a file that is aside."""
    path = Path(entry.path)
    if path.suffix == ".bad":
        with suppress(OSError):
            return time.time() - entry.stat().st_mtime > _OLD_S
    return path.suffix in {".part", ".hold", ".claim"} and is_dead(path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
