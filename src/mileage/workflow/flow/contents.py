"""The content of the files that a flow reads, as hashes: each file is read once, as long as nothing says that it was written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from mileage.core.content import hash_file, stamp_of
from mileage.core.fingerprint import fingerprint

_HASHES: dict[tuple[str, int, int, int, int], str] = {}
_YOUNG_NS = 2_000_000_000  # a file may change twice within one tick of its time stamps
_LARGE_BYTES = 2**20  # smaller ones are hashed sooner than a hash of theirs could be looked up
_hash_of: ContextVar[Callable[[Path], bytes]] = ContextVar("mile_hash_of", default=hash_file)


@contextmanager
def hashed_by(hash_of: Callable[[Path], bytes]) -> Iterator[None]:
    """Let hashes of large files come from ``hash_of`` in this block: from one who knows them from earlier processes."""
    token = _hash_of.set(hash_of)
    try:
        yield
    finally:
        _hash_of.reset(token)


def content_of(path: str) -> str:
    """Return the hash of a file's bytes, remembered until its time stamps, size or inode change, once it is not young."""
    place = Path(path)
    if place.is_dir():
        inside = [(str(p.relative_to(place)), p) for p in sorted(place.rglob("*")) if p.is_file()]
        shown = [(name, p) for name, p in inside if not any(part.startswith(".") for part in Path(name).parts)]
        return fingerprint([(name, content_of(str(p))) for name, p in shown])
    changed_ns = place.stat().st_ctime_ns  # unlike the time of the last write, nobody can set it
    stamp = (*stamp_of(place), changed_ns)
    if stamp not in _HASHES:
        hash_of = _hash_of.get() if stamp[1] >= _LARGE_BYTES else hash_file
        made = hash_of(place).hex() if stamp[1] else "empty"
        if time.time_ns() - changed_ns < _YOUNG_NS:
            return made
        _HASHES[stamp] = made
    return _HASHES[stamp]
