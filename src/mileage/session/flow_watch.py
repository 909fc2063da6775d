"""Run a flow again whenever it, what it imports or what it reads is saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mileage.session.session import Session

Stamp = tuple[int, int] | None


def watch(
    path: str | Path,
    run: Callable[[], Iterable[str | Path]],
    *,
    poll_s: float = 0.3,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call ``run`` now, and whenever a file is saved that it depends on, until Ctrl-C.

    Parameters
    ----------
    path : path
        The flow; Python files beside it are watched from the start.
    run : callable
        Runs the flow, and returns the further files that matter; when it can tell none, those told before stay watched.
    poll_s : float
        Seconds between two looks.
    sleep : callable
        Waits.
    """
    told: set[Path] = set()
    while True:
        before = stamps(path, told)
        told |= {Path(file).absolute() for file in run()}
        before = {file: before.get(file, now) for file, now in stamps(path, told).items()} | before
        while stamps(path, told) == before:
            sleep(poll_s)


def stamps(path: str | Path, told: Iterable[Path] = ()) -> dict[Path, Stamp]:
    """Return time stamp and size of the flow, the Python files beside it and the files told; none for what is gone."""
    flow = Path(path).absolute()
    return {file: _stamp(file) for file in sorted({flow, *flow.parent.glob("*.py"), *told})}


def files_of(session: Session, flow: str | Path) -> tuple[Path, ...]:
    """Return the sources of the last version of a flow and the files it read."""
    versions = session.catalog.flows.versions(Path(flow).stem, most=1)
    if not versions:
        return ()
    record = versions[-1].record
    root = Path(record["root"] or session.project.root)
    return tuple([root / name for name in record["sources"]] + [Path(name).absolute() for name in record["files"]])


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:  # being saved, or removed
        return None
    return stat.st_mtime_ns, stat.st_size
