"""The artifact store: values by key in a folder, written whole, read without a copy where possible.

Every file has a header that is authenticated with the project's key; a file that fails the check, is cut short or was
written by somebody else counts as absent, and nothing of it is ever unpickled. It knows nothing of what the values
mean; :mod:`mileage.catalog.formats` turns them into bytes, :mod:`mileage.catalog.room` keeps it within its quota,
:mod:`mileage.catalog.behind` writes while a run goes on.
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

from mileage.catalog.claims import Claim, claim
from mileage.catalog.container import Damaged, Encoded, Packing, pack_header, read_header, unpack
from mileage.catalog.formats import decode, encode
from mileage.catalog.packing import packed
from mileage.catalog.room import Hold, Kept, Order, Room, least_recent
from mileage.errors import CatalogError

_TOUCH_S = 1.0
_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True)
class StoreFinding:
    """A file of the store that was not trusted, and why."""

    key: str
    why: str


@dataclass
class ArtifactStore:
    """Values by key in a sharded folder; safe for many processes, and picklable, so that workers open it themselves.

    Laws: a reader sees a whole value or none; writing one key from many processes leaves one good value; a value that
    cannot be trusted is absent (``has`` is false, ``get`` raises KeyError) and is reported in :attr:`findings`; the files
    never take more than the quota, however many processes write and whenever they are killed.

    Attributes
    ----------
    folder : Path
    quota_bytes : int, optional
        At most so many bytes are used, by all processes together.
    key : bytes, optional
        32 bytes that authenticate what was written; without one, a store reads only what it wrote itself.

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
    findings: list[StoreFinding] = field(default_factory=list, init=False, repr=False)
    room: Room = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self.room = Room(self.folder, self.quota_bytes)
        if self.key is None:
            self.key = os.urandom(32)

    @property
    def order(self) -> Order:
        """In which order things leave when there is no room: what was used longest ago first, unless set."""
        return self.room.order

    @order.setter
    def order(self, order: Order | None) -> None:
        self.room.order = order or least_recent

    def put(self, key: str, value: Any, *, durable: bool = True) -> int:
        """Keep a value and return its size in bytes.

        Parameters
        ----------
        key : str
            ``<fingerprint>.<output>``.
        value : object
        durable : bool, default True
            Return only when the bytes are on the disk; false for what a crash of the machine may lose.

        Raises
        ------
        CatalogError
            If the disk is full, the quota leaves no room, or the folder cannot be written. Nothing is left behind.
        """
        return self.put_encoded(key, encode(value), durable=durable)

    def put_encoded(self, key: str, encoded: Encoded, *, durable: bool = True) -> int:
        """Keep a value that is bytes already; as :meth:`put`. What would take much of the room takes less of it, packed."""
        assert self.key is not None
        encoded = self._packed(encoded)
        head = pack_header(encoded, self.key)
        size = len(head) + sum(len(part) + -len(part) % 64 for part in encoded.parts)
        path = self._path(key)
        part = self.room.aside / f"{path.name}.{os.getpid()}.{threading.get_ident()}.{next(_COUNTER)}.part"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.parent.mkdir(exist_ok=True)
            # content that no hash guards must be on the disk before it has its name
            self._write(part, path, size, (head, *encoded.parts), durable=durable or not encoded.hashed)
            if durable:
                _sync_folder(path.parent)
        except OSError as error:
            reason = error.strerror or str(error)
            raise CatalogError(
                f"an artifact of {size} bytes cannot be kept in '{self.folder}': {reason}",
                code="C720",
                hint="free some space; the run goes on without keeping it",
            ) from error
        return size

    def _packed(self, plain: Encoded) -> Encoded:
        """Return a value as small as the room asks for."""
        packing = self.room.packing_for(plain.size_bytes)
        made = plain if packing is None else packed(plain, packing)
        if packing is Packing.SMALL and self.room.is_tight_for(made.size_bytes):
            made = packed(plain, packing, hard=True)
        return made

    def _write(self, part: Path, path: Path, size: int, content: tuple[Any, ...], *, durable: bool) -> None:
        """Write a file of which the room is reserved; it has its name when it is whole."""
        with os.fdopen(self.room.reserve(part, size, path.name), "wb") as file:
            try:
                for piece in content:
                    file.write(piece)
                    file.write(b"\0" * (-len(piece) % 64))
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                part.replace(path)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise

    def claim(self, task: str) -> Claim:
        """Return the claim to a task that this process means to compute; wait while another one does.

        After a wait, look whether its results are there. Release it when they are, or when there will be none.
        """
        return claim(self.room.aside, task)

    def hold(self, keys: Collection[str] | None = None) -> Hold:
        """Say that a run reads what is kept: ``keys``, or anything it touches from now on, until it is released."""
        return self.room.hold(keys)

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
        return self.size_of(key) is not None

    def size_of(self, key: str) -> int | None:
        """Return the bytes that a key takes on the disk; None if it is not kept, not whole, or not written by this project."""
        # asked of each task that is planned: quicker than an error, or a path
        if not os.path.lexists(self.room.place(_checked(key))):
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                assert self.key is not None
                size = os.fstat(file.fileno()).st_size
                read_header(file, self.key, size)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Damaged as error:
            self._distrust(key, path, str(error))
            return None
        except OSError:
            return None
        self._touch(path)
        return size

    def delete(self, key: str) -> None:
        """Remove a value; none is no error."""
        path = self._path(key)
        with suppress(FileNotFoundError):
            path.unlink()

    def __iter__(self) -> Iterator[Kept]:
        """Iterate over what is kept, in no order."""
        return self.room.kept()

    def bytes_used(self) -> int:
        """Return the bytes of everything that is kept."""
        return sum(kept.size_bytes for kept in self)

    def evict(self, target_bytes: int | None = None, *, protect: Collection[str] = ()) -> tuple[str, ...]:
        """Remove what is worth least until at most ``target_bytes`` are used; return the keys.

        Parameters
        ----------
        target_bytes : int, optional
            The quota by default.
        protect : collection of str
            Keys that stay; so does what a run reads that lives (:meth:`hold`).
        """
        if target_bytes is None:
            if self.quota_bytes is None:
                return ()
            target_bytes = self.quota_bytes
        return self.room.evict(target_bytes, protect)

    def sweep(self) -> None:
        """Remove what killed writers left half-written, and what was put aside, an hour later."""
        self.room.sweep()

    def _touch(self, path: Path) -> None:
        """Note the use of a file."""
        try:
            if time.time() - path.stat().st_mtime > _TOUCH_S:
                os.utime(path)
        except OSError:
            pass  # evicted meanwhile, or a read-only disk: order of eviction suffers, nothing else

    def _distrust(self, key: str, path: Path, why: str) -> None:
        """Report a file once and put it aside, so that a good one can take its place."""
        self.findings.append(StoreFinding(key, why))
        with suppress(OSError):
            self.room.aside.mkdir(exist_ok=True)
            path.replace(self.room.aside / f"{path.name}.bad")

    def _path(self, key: str) -> Path:
        return self.room.path(_checked(key))


def _checked(key: str) -> str:
    """Return a key that names a file and no other place."""
    if not key or key.startswith(".") or "/" in key or os.sep in key or "\0" in key:
        message = f"{key!r} is no key of an artifact"
        raise ValueError(message)
    return key


def _sync_folder(folder: Path) -> None:
    """Make a rename last; a system that cannot sync folders (Windows) is left as it is."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
