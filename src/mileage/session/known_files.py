"""Hashes of files, kept so that a later process need not read them again where nothing says that they were written since.

Nothing depends on it: what is not kept, or cannot be, is found out again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.content import hash_file
from mileage.core.fingerprint import fingerprint
from mileage.errors import CatalogError

if TYPE_CHECKING:
    from mileage.catalog import ArtifactStore

_CLOCK_S = 2.0  # a file written within so short a time may be written again with the same time stamp


def known_hash(store: ArtifactStore, path: Path) -> bytes:
    """Return the hash of a file's bytes: the kept one where nothing says that the file was written since."""
    stat = path.stat()
    written_ns = max(stat.st_mtime_ns, stat.st_ctime_ns)
    stamp = (str(path.absolute()), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    key = f"{fingerprint('hash of a file', stamp)}.hash"
    settled = time.time() - written_ns / 1e9 > _CLOCK_S
    if settled:
        with suppress(KeyError):
            return bytes.fromhex(store.get(key))
    made = hash_file(path)
    if settled:
        with suppress(CatalogError):  # no room: it is hashed again next time
            store.put(key, made.hex(), durable=False)
    return made
