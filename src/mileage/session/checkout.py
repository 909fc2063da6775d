"""Put the sources of a flow back as they were in a version."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.errors import DataError, UnknownRefError
from mileage.results.report import Report, Section
from mileage.session.flow_sources import digest_of

if TYPE_CHECKING:
    from mileage.session.session import Session
    from mileage.session.version import Version


def checkout(session: Session, ref: str, files: Sequence[str] = (), *, force: bool = False) -> Report:
    """Write the sources of a version into the project; the next run of the flow is then edited from it.

    With ``files`` only these are written, and what the next run is edited from stays as it is.

    Raises
    ------
    DataError
        If a file would be overwritten that differs from all that is kept of any version, and ``force`` is not given;
        then nothing is written.
    UnknownRefError
        If there is no such version, or it has no such source.
    """
    version = session.version(ref)
    chosen = _chosen(version, files)
    root = Path(version.record.record["root"] or session.project.root)
    states = {path: _state(session, _below(root, path), version.source(path)) for path in chosen}
    unsaved = [path for path, state in states.items() if state == "unsaved"]
    if unsaved and not force:
        raise DataError(
            f"{', '.join(unsaved)} would be overwritten, and no version has kept it as it is now",
            code="D462",
            hint="run the flow to keep it as a version, or say --force to lose the edits",
        )
    for path, state in states.items():
        if state != "as it was":
            _write(_below(root, path), version.source(path))
    if not files:
        session.catalog.flows.move_head(version.record.flow, version.record.id)
    said = {"unsaved": "written, edits lost", "kept": "written", "missing": "written", "as it was": "as it was"}
    rows = tuple((path, said[state]) for path, state in states.items())
    after = f"the next run of {version.record.flow} is edited from {version.ref}"
    lines = (f"{version.ref} of {version.record.flow}" + ("" if files else f": {after}"),)
    written = [path for path, state in states.items() if state != "as it was"]
    data = {"version": version.ref, "written": written, "parent": None if files else version.ref}
    return Report("checkout", version.ref, (Section("files", ("file", ""), rows),), lines, data)


def _chosen(version: Version, files: Sequence[str]) -> list[str]:
    cells = set(version.record.record.get("cells", {}).values())
    known = [path for path in version.sources if path not in cells]
    if not known:
        hint = f"its cells can be written out: mile show {version.ref} --save FOLDER" if cells else None
        raise UnknownRefError(f"{version.ref} has no source files", hint=hint)
    chosen = []
    for file in files:
        name = Path(file).as_posix().removeprefix("./")
        found = [path for path in known if path == name or path.endswith(f"/{name}")]
        if len(found) != 1:
            what = "no source" if not found else "several sources"
            raise UnknownRefError(f"{version.ref} has {what} '{file}'", hint=f"it has {', '.join(known)}")
        chosen += found
    return chosen or known


def _below(root: Path, path: str) -> Path:
    """Return where a source goes: never outside the folder it was read in."""
    place = root / path
    if not place.resolve().is_relative_to(root.resolve()):
        raise DataError(f"'{path}' lies outside of '{root}'", code="D463", hint="move what is there, or the link to it")
    return place


def _state(session: Session, place: Path, wanted: bytes) -> str:
    """Say what would be lost: nothing, what some version has kept, or edits that were never run."""
    if not place.exists():
        return "missing"
    there = place.read_bytes()
    if there == wanted:
        return "as it was"
    return "kept" if session.catalog.flows.blob(digest_of(there)) is not None else "unsaved"


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    part.write_bytes(content)
    if place.exists():
        part.chmod(place.stat().st_mode & 0o777)
    part.replace(place)
