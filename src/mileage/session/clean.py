"""Give disk space back: artifacts can be computed again, what is known of runs cannot and stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.units import format_bytes
from mileage.results.report import Report

if TYPE_CHECKING:
    from mileage.session.session import Session


def clean(session: Session, *, dry_run: bool = False) -> Report:
    """Remove all artifacts of the project, but those that a run may be reading now."""
    store, catalog = session.store, session.catalog
    before = store.bytes_used()
    if not dry_run:
        store.evict(0)
        catalog.sync_artifacts(store)
    after = before if dry_run else store.bytes_used()
    known = catalog.project.catalog_file.stat().st_size
    lines = [
        f"{format_bytes(before)} of artifacts in {session.project.path}"
        if dry_run
        else f"{format_bytes(before - after)} given back",
        f"kept: {len(catalog.queries())} queries, {len(catalog.runs())} runs with all their scores ({format_bytes(known)})",
    ]
    if after and not dry_run:
        lines.append(f"{format_bytes(after)} stay: a run is using them")
    data = {"freed_bytes": before - after, "artifact_bytes": after, "catalog_bytes": known}
    return Report("clean", lines[0], lines=tuple(lines), data=data)
