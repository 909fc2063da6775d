"""Limits of a task's time and memory, and how the memory of a process is read."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """The most seconds and bytes a ticket may use, None for no limit, and threads of a fit while nothing else runs.

    Examples
    --------
    >>> Limits(timeout_s=5.0).allows(seconds=6.0)
    False
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None
    threads: int = 1

    def allows(self, *, seconds: float = 0.0, size: int = 0) -> bool:
        """Say whether so many seconds and bytes are within the limits."""
        in_time = self.timeout_s is None or seconds < self.timeout_s
        return in_time and (self.memory_bytes is None or size <= self.memory_bytes)


def memory_notice() -> str:
    """Return why memory limits cannot be watched here, or an empty text."""
    try:
        import psutil  # noqa: F401
    except ImportError:
        return "memory limits are not enforced: psutil is not installed"
    return ""


class MemoryMeter:
    """Reads how much memory a process holds for itself, in bytes.

    Pages of mapped files (artifacts that are only read) are not counted: the system can drop them at any time.
    """

    def __init__(self, pid: int) -> None:
        self._process: Any = None
        with contextlib.suppress(Exception):  # no psutil, or the process is gone: nothing to watch
            import psutil

            self._process = psutil.Process(pid)

    def bytes(self) -> int:
        """Return the bytes held now; 0 where that cannot be known."""
        if self._process is None:
            return 0
        try:
            info = self._process.memory_info()
        except Exception:  # noqa: BLE001
            return 0
        return int(info.rss) - int(getattr(info, "shared", 0))


class PeakMeter:
    """The highest resident memory of this process since :meth:`reset`, in bytes."""

    def reset(self) -> None:
        """Forget the peak so far, where the system can (Linux)."""
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def bytes(self) -> int:
        """Return the peak; since the start of the process where it cannot be reset."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            return int(status.split("VmHWM:")[1].split()[0]) * 1024
        try:
            import resource
        except ImportError:
            return 0
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
