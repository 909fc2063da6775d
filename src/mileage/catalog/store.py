"""The artifact store: values by key in a folder, written whole, read without a copy where possible.

Every file has a header that is authenticated with the project's key; a file that fails the check, is cut short or was
written by somebody else counts as absent, and nothing of it is ever unpickled. It knows nothing of what the values
mean; :mod:`mileage.catalog.formats` turns them into bytes.
"""

from __future__ import annotations

import itertools
import mmap
import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mileage.catalog.container import Damaged, pack_header, read_header, unpack
from mileage.catalog.formats import decode, encode
from mileage.errors import CatalogError

SMALL_BYTES = 64 * 1024
_LOW_WATER = 0.9
_TOUCH_S = 60.0
_STALE_S = 3600.0
_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True)
class StoreFinding:
    """A file of the store that was not trusted, and why."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept file: key, bytes and when it was last used (seconds since 1970)."""

    key: str
    size_bytes: int
    last_used: float


@dataclass
class ArtifactStore:
    """Values by key in a sharded folder; safe for many processes, and picklable, so that workers open it themselves.

    Laws: a reader sees a whole value or none; writing one key from many processes leaves one good value; a value that
    cannot be trusted is absent (``has`` is false, ``get`` raises KeyError) and is reported in :attr:`findings`.

    Attributes
    ----------
    folder : Path
    quota_bytes : int, optional
        At most so many bytes are kept; the least recently used go first, results under 64 KB last.
    key : bytes, optional
        32 bytes that authenticate what was written; without one, a store reads only what it wrote itself.
    grace_s : float, default 60
        What was used within so many seconds is not evicted: a run may be about to read it.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> store = ArtifactStore(Path(tempfile.mkdtemp()))
    >>> store.put("ab12.out", np.arange(3.0)) > 24, store.has("ab12.out"), store.get("ab12.out")
    (True, True, array([0., 1., 2.]))
    """

    folder: Path
    quota_bytes: int | None = field(default=None, kw_only=True)
    key: bytes | None = field(default=None, kw_only=True, repr=False)
    grace_s: float = field(default=60.0, kw_only=True)
    findings: list[StoreFinding] = field(default_factory=list, init=False, repr=False)
    _used: int | None = field(default=None, init=False, repr=False)
    _since_scan: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        if self.key is None:
            self.key = os.urandom(32)

    def put(self, key: str, value: Any, *, durable: bool = True) -> int:
        """Keep a value and return its size in bytes.

        Parameters
        ----------
        key : str
            ``<fingerprint>.<output>``.
        value : object
        durable : bool, default True
            Return only when the bytes are on the disk; false for what a crash may lose.

        Raises
        ------
        CatalogError
            If the disk is full, the quota leaves no room, or the folder cannot be written. Nothing is left behind.
        """
        encoded = encode(value)
        assert self.key is not None
        head = pack_header(encoded, self.key)
        size = len(head) + sum(len(part) + -len(part) % 64 for part in encoded.parts)
        if self.quota_bytes is not None:
            self._make_room(size)
        path = self._path(key)
        part = self._aside / f"{path.name}.{os.getpid()}.{threading.get_ident()}.{next(_COUNTER)}.part"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.parent.mkdir(exist_ok=True)
            _write(part, head, encoded.parts, durable=durable)
            part.replace(path)
            if durable:
                _sync_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            reason = error.strerror or str(error)
            raise CatalogError(
                f"an artifact of {size} bytes cannot be kept in '{self.folder}': {reason}",
                code="C720",
                hint="free some space; the run goes on without keeping it",
            ) from error
        self._used = None if self._used is None else self._used + size
        return size

    def get(self, key: str) -> Any:
        """Return a value, not to be changed; arrays are read-only maps of the file.

        Raises
        ------
        KeyError
            If it is not kept, or what is there cannot be trusted.
        """
        path = self._path(key)
        try:
            with path.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(key) from None
        except ValueError:  # an empty file cannot be mapped
            self._distrust(key, path, "cut short")
            raise KeyError(key) from None
        except OSError as error:  # too many open files, no permission: nothing is wrong with the file itself
            self.findings.append(StoreFinding(key, str(error)))
            raise KeyError(key) from None
        assert self.key is not None
        try:
            value = decode(unpack(view, self.key))
        except Damaged as error:
            self._distrust(key, path, str(error))
            raise KeyError(key) from None
        except Exception as error:  # noqa: BLE001  (a library has changed since: whatever unpickling may raise)
            self._distrust(key, path, f"cannot be read by this version: {type(error).__name__}: {error}")
            raise KeyError(key) from None
        self._touch(path)
        return value

    def has(self, key: str) -> bool:
        """Say whether the key is kept, whole, and written by this project."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                assert self.key is not None
                read_header(file, self.key, os.fstat(file.fileno()).st_size)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except Damaged as error:
            self._distrust(key, path, str(error))
            return False
        except OSError:
            return False
        self._touch(path)
        return True

    def delete(self, key: str) -> None:
        """Remove a value; none is no error."""
        path = self._path(key)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return
        self._used = None if self._used is None else self._used - size

    def __iter__(self) -> Iterator[Kept]:
        """Iterate over what is kept, in no order."""
        for path in self._files():
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process evicted it
                continue
            yield Kept(path.name, stat.st_size, stat.st_mtime)

    def bytes_used(self) -> int:
        """Return the bytes of everything that is kept."""
        self._used = sum(kept.size_bytes for kept in self)
        self._since_scan = 0
        return self._used

    def evict(self, target_bytes: int | None = None, *, protect: Collection[str] = ()) -> tuple[str, ...]:
        """Remove the least recently used values until at most ``target_bytes`` are kept; return their keys.

        Parameters
        ----------
        target_bytes : int, optional
            90 % of the quota by default.
        protect : collection of str
            Keys that stay.
        """
        if target_bytes is None:
            if self.quota_bytes is None:
                return ()
            target_bytes = int(_LOW_WATER * self.quota_bytes)
        self.sweep()
        kept, now, gone = list(self), time.time(), []
        used = sum(item.size_bytes for item in kept)
        free = [item for item in kept if item.key not in protect and now - item.last_used >= self.grace_s]
        for item in sorted(free, key=lambda item: (item.size_bytes < SMALL_BYTES, item.last_used, item.key)):
            if used <= target_bytes:
                break
            self.delete(item.key)
            used -= item.size_bytes
            gone.append(item.key)
        self._used, self._since_scan = used, 0
        return tuple(gone)

    def _make_room(self, size: int) -> None:
        """Evict until ``size`` bytes fit the quota; other processes' writes are seen at the next scan."""
        assert self.quota_bytes is not None
        self._since_scan += size
        if self._used is None or self._since_scan > self.quota_bytes // 20:
            self.bytes_used()
        assert self._used is not None
        if self._used + size <= self.quota_bytes:
            return
        if size <= self.quota_bytes:
            self.evict(min(int(_LOW_WATER * self.quota_bytes), self.quota_bytes - size))
        if self._used + size > self.quota_bytes:
            raise CatalogError(
                f"an artifact of {size} bytes does not fit the quota of {self.quota_bytes} bytes",
                code="C721",
                hint="raise the quota; the run goes on without keeping it",
            )

    def _touch(self, path: Path) -> None:
        """Note the use of a file, at most once a minute."""
        try:
            if time.time() - path.stat().st_mtime > min(_TOUCH_S, self.grace_s / 2):
                os.utime(path)
        except OSError:
            pass  # evicted meanwhile, or a read-only disk: order of eviction suffers, nothing else

    def _distrust(self, key: str, path: Path, why: str) -> None:
        """Report a file once and put it aside, so that a good one can take its place."""
        self.findings.append(StoreFinding(key, why))
        with suppress(OSError):
            self._aside.mkdir(exist_ok=True)
            path.replace(self._aside / f"{path.name}.bad")

    def sweep(self) -> None:
        """Remove what killed writers left half-written and what was put aside, an hour later."""
        try:
            entries = list(os.scandir(self._aside))
        except OSError:  # nothing was put aside, or nothing can be
            return
        for entry in entries:
            try:
                if time.time() - entry.stat().st_mtime > _STALE_S:
                    Path(entry).unlink()
            except OSError:
                continue

    def _files(self) -> Iterator[Path]:
        try:
            shards = [e.path for e in os.scandir(self.folder) if e.is_dir() and not e.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return
        for shard in shards:
            try:
                yield from (Path(entry.path) for entry in os.scandir(shard) if entry.is_file())
            except FileNotFoundError:
                continue

    @property
    def _aside(self) -> Path:
        """Where files are that are not, or no longer, part of the store; on the same disk, so that a rename is whole."""
        return self.folder / ".aside"

    def _path(self, key: str) -> Path:
        if not key or key.startswith(".") or "/" in key or os.sep in key or "\0" in key:
            message = f"{key!r} is no key of an artifact"
            raise ValueError(message)
        return self.folder / key[:2] / key


def _write(path: Path, head: bytes, parts: tuple[Any, ...], *, durable: bool) -> None:
    with path.open("wb") as file:
        file.write(head)
        for part in parts:
            file.write(part)
            file.write(b"\0" * (-len(part) % 64))
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last; a system that cannot sync folders (Windows) is left as it is."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
