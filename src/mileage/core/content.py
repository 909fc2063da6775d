"""The content of files: its hash, and what tells cheaply that it may have changed."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[str, int, int, int]


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file does: path, size, time of the last write, and inode."""
    stat = path.stat()
    return (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)


def hash_file(path: Path) -> bytes:
    """Return the hash of a file's bytes."""
    from blake3 import blake3

    return blake3(max_threads=blake3.AUTO).update_mmap(path).digest()
