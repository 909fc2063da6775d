"""An edit of a flow against an older version of it: both on the same sample, and on larger ones while a metric is undecided."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.errors import UnknownRefError
from mileage.session.escalate import Decision, escalated
from mileage.session.flow_file import MODULE, run_file
from mileage.session.iterate import Iteration
from mileage.workflow.flow.sample import Sample

if TYPE_CHECKING:
    from mileage.session.session import Session
    from mileage.session.version import Version


def run_against(session: Session, path: str | Path, ref: str, sample: Sample) -> tuple[Iteration, Decision]:
    """Run a flow and an older version of it on larger and larger samples until every metric is decided.

    The older version runs from the sources it kept, in a folder of its own and as a flow of its own name, such as ``flow@v3``;
    what it reads is found from the working folder, as when it was run.

    Parameters
    ----------
    session : Session
    path : str or Path
        The flow as it is now.
    ref : str
        The older version: ``v3``, a tag, or ``last``, the last one before this run.
    sample : Sample
        The first sample; the next ones are larger (:meth:`Sample.larger`).

    Returns
    -------
    tuple of Iteration, Decision
        The run of the flow on the largest sample, and the verdicts.

    Raises
    ------
    CompareError
        If the two show no metric in common.
    UnknownRefError
        If there is no such version, or it has no source that can be run.
    """
    head = session.catalog.flows.head(Path(path).stem) if ref == "last" else None
    version = session.version(ref if head is None else head.ref)
    runs: list[Iteration] = []

    def now(sample: Sample) -> Iteration:
        runs.append(run_file(session, path, approximate=sample))
        return runs[-1]

    with _restored(version) as old:
        name = f"{old.stem}@{version.ref}"
        decision = escalated(session, lambda s: run_file(session, old, approximate=s, flow=name), now, sample)
    return runs[-1], decision


@contextmanager
def _restored(version: Version) -> Iterator[Path]:
    """Write the sources of a version into a folder for this block; yield the flow's file."""
    flow = next((path for path, (module, _) in version.sources.items() if module == MODULE), None)
    if flow is None:
        raise UnknownRefError(f"{version.ref} has no flow file to run", hint="name a version of mile iterate")
    with tempfile.TemporaryDirectory() as folder:
        for path in version.sources:
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(version.source(path))
        yield Path(folder, flow)
