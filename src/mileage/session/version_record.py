"""What a version keeps beside its tasks: sources, outputs, files it read, and which part each step plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mileage.session.flow_sources import current_sources
from mileage.session.parts import parts_of
from mileage.session.version_outputs import keep_output
from mileage.workflow.flow import File, Node
from mileage.workflow.flow.node import FlowTask

if TYPE_CHECKING:
    from mileage.catalog import VersionRecord
    from mileage.engine import Outcome
    from mileage.session.session import Session
    from mileage.workflow import Port


def kept_with_version(
    session: Session,
    made: Mapping[Node, FlowTask],
    wanted: Mapping[str, Port],
    outcome: Outcome,
    before: VersionRecord | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what the record of a run says further, and the bytes it names, by digest.

    Outputs that were not computed, and that the version ``before`` has kept already, are not drawn or written again.
    """
    sources = current_sources(session.project.root)
    sources.add_modules()
    sources.add_cells(_files_of_code(made))
    loaded = {name: port for name, port in wanted.items() if port.task not in outcome.seconds}
    same = {} if before is None else _kept_before(before, loaded)
    new = {name: port for name, port in wanted.items() if name not in same}
    values = {name: outcome.values[port] for name, port in new.items() if port in outcome.values}
    kept = {
        name: found for name, value in (values | sources.plain).items() if (found := keep_output(value)) is not None
    }
    own = sources.root.resolve() == session.project.root.resolve()
    told = {name: found.to_json() for name, found in kept.items()}
    record = {
        "root": "" if own else str(sources.root.resolve()),
        "sources": {path: [source.module, source.digest] for path, source in sources.texts.items()},
        "cells": sources.cells,
        "files": sorted({file for node in made for file in _files_read(node.call)}),
        "kept": same | told,
        "plain": {name: _shown(value) for name, value in sources.plain.items()},
        "inputs": {str(one.task.fingerprint): [str(port.task) for port in one.task.inputs] for one in made.values()},
        "kinds": {str(task): str(part) for task, part in parts_of(made.values()).items()},
    }
    blobs = {source.digest: source.content for source in sources.texts.values()}
    return record, blobs | {told[name]["digest"]: found.content for name, found in kept.items()}


def _kept_before(before: VersionRecord, wanted: Mapping[str, Port]) -> dict[str, Any]:
    """Return what a version says of those outputs that it has kept."""
    keys, kept = before.record.get("wanted", {}), before.record.get("kept", {})
    return {name: kept[name] for name, port in wanted.items() if name in kept and keys.get(name) == port.key}


def _shown(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else str(value)[:400]


def _files_of_code(made: Mapping[Node, FlowTask]) -> set[str]:
    """Return the names of the files that steps, and what their identities rest on, were written in."""
    wheres = [part.where for one in made.values() for part in one.identity.parts]
    return {where.rpartition(":")[0] for where in wheres if ":" in where} | {node.where.file for node in made}


def _files_read(value: Any) -> list[str]:
    """Return the paths of files among the arguments of a call."""
    if isinstance(value, File):
        return [value.path]
    if isinstance(value, tuple | list):
        return [found for item in value for found in _files_read(item)]
    if isinstance(value, Mapping):
        return [found for item in value.values() for found in _files_read(item)]
    return _files_read([getattr(value, name, None) for name in ("args", "kwargs")]) if hasattr(value, "args") else []
