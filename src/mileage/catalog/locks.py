"""Files that are locked as long as their owner lives: who writes, who computes, who reads.

The lock is the kernel's (``flock``): it ends with the process, however that ends. Where a file system or a platform has
none, a file that exists is the lock, made by whoever is first, and a heartbeat says that its owner still lives.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from mileage.errors import CatalogError

BEAT_S = 2.0
SILENT_S = 15.0  # an owner that has not beaten for so long is taken for dead, or stuck
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_POLL_S = 0.002


def flock(handle: int) -> bool | None:
    """Lock an open file at once; False if another one has it, None if there are no locks here."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise
    return True


@dataclass(eq=False)
class Lease:
    """A file that this process holds; ``handle`` is open as long as it does."""

    path: Path
    handle: int

    kernel: ClassVar[bool] = True  # false: as if there were no locks of the kernel

    @classmethod
    def take(cls, path: Path) -> Lease | None:
        """Take a lease, or return None if somebody alive has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls._take(path) if cls.kernel else cls._create(path)

    @classmethod
    def _take(cls, path: Path) -> Lease | None:
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            taken: bool | None = False
            try:
                taken = flock(handle)
                if taken and _is_the_same(handle, path):
                    return cls._held(path, handle)
            finally:
                if not taken:
                    os.close(handle)
            if taken is None:
                return cls._create(path)
            if not taken:
                return None
            os.close(handle)  # its owner removed it between our opening and our lock

    @classmethod
    def _create(cls, path: Path) -> Lease | None:
        """Take a lease by making its file; one whose owner is silent is moved away first."""
        for _ in range(2):
            try:
                return cls._held(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            except FileExistsError:
                if not is_silent(path):
                    return None
                with suppress(FileNotFoundError):
                    gone = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.gone")
                    path.rename(gone)
                    if not is_silent(gone):  # somebody else was quicker, and it is alive: give it back
                        with suppress(FileExistsError):
                            os.link(gone, path)
                    gone.unlink()
        return None

    @classmethod
    def _held(cls, path: Path, handle: int) -> Lease:
        text = json.dumps({"pid": os.getpid(), "host": platform.node()})
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, text.encode(), 0)
        except OSError:  # a full disk: who it is stays unsaid, the lock holds
            pass
        lease = cls(path, handle)
        _heart.add(lease)
        return lease

    def beat(self) -> None:
        """Say that the owner lives."""
        with suppress(OSError):
            os.utime(self.path)

    def release(self) -> None:
        """Give the lease back; more than once is no error."""
        if self.handle < 0:
            return
        _heart.drop(self)
        if _is_the_same(self.handle, self.path):  # not if it was taken for dead, and another one has it now
            with suppress(FileNotFoundError):
                self.path.unlink()
        os.close(self.handle)
        self.handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def wait_for(path: Path, timeout_s: float) -> Lease:
    """Take a lease that others have for moments only.

    Raises
    ------
    CatalogError
        If it is not free in time: its owner is stopped, or the disk is.
    """
    until, pause = time.monotonic() + timeout_s, _POLL_S
    while (lease := Lease.take(path)) is None:
        if time.monotonic() > until:
            raise CatalogError(
                f"'{path}' is held by another process for more than {timeout_s:.0f} s",
                code="C705",
                hint="see whether a run is stopped; the run goes on without keeping this result",
            )
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    return lease


def is_dead(path: Path) -> bool:
    """Say whether nobody holds a file any more; it can be removed then."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return is_silent(path)
    try:
        taken = flock(handle) if Lease.kernel else None
        return is_silent(path) if taken is None else taken
    finally:
        os.close(handle)


def is_silent(path: Path) -> bool:
    """Say whether the owner of a file has not beaten for long."""
    try:
        return time.time() - path.stat().st_mtime > SILENT_S
    except FileNotFoundError:
        return False


def _is_the_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


class _Heart:
    """One thread for all leases of this process; it beats only while there are some, and for none that are short."""

    def __init__(self) -> None:
        self._leases: set[Lease] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def add(self, lease: Lease) -> None:
        with self._lock:
            if self._pid != os.getpid():  # a forked child has no threads, and no leases of its own
                self._leases, self._thread, self._pid = set(), None, os.getpid()
            self._leases.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="mileage-heart", daemon=True)
                self._thread.start()

    def drop(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)

    def _run(self) -> None:
        while True:
            time.sleep(BEAT_S)
            with self._lock:
                if not self._leases:
                    self._thread = None
                    return
                for lease in self._leases:
                    lease.beat()


_heart = _Heart()
