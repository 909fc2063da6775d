"""Which process owns a run, and whether it is still alive."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_SAME_S = 1.0
_SILENT_S = 6 * 3600.0
_LIBRARIES = ("mileage", "scikit-learn", "numpy", "pandas", "scipy", "lightgbm", "duckdb", "pyarrow", "optuna")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its id, when it started (a pid is used again), its host and that host's boot."""

    pid: int
    started: float
    host: str
    boot: str

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        import os

        import psutil

        return cls(os.getpid(), psutil.Process().create_time(), platform.node(), _boot())

    def is_alive(self, heartbeat: float, now: float) -> bool:
        """Say whether the process still runs; one on another host counts as alive for six hours after its last sign."""
        import psutil

        if self.host != platform.node():
            return now - heartbeat < _SILENT_S
        if self.boot != _boot():
            return False
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_S
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.AccessDenied:
            return True
        except psutil.NoSuchProcess:
            return False


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(round(psutil.boot_time() / 60))


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def environment() -> dict[str, Any]:
    """Return what a result may depend on besides the query: Python, platform, processor count, library versions."""
    import os

    return {
        "python": platform.python_version(),
        "platform": sys.platform,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "versions": dict(_versions()),
    }
