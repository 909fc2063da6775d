"""Versions of flows with the files kept with them, their tags, and what their tasks have cost."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mileage.catalog.database import CatalogFile
from mileage.errors import UnknownRefError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_SMOOTH = 0.5  # weight of the newest measurement


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One run of a flow; ``parent`` is the version it was edited from, ``record`` what its tasks and outputs were."""

    id: int
    flow: str
    parent: int | None
    state: str
    created: float
    record: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """The reference on the command line: ``v7``."""
        return f"v{self.id}"


@dataclass(frozen=True, slots=True)
class CostRecord:
    """What a task took and how large its outputs are; ``code`` groups tasks that do the same to other inputs."""

    task: str
    code: str
    seconds: float
    size_bytes: int
    inputs: tuple[str, ...] = ()
    part: str = ""
    hits: int = 0
    misses: int = 0
    last_version: int = 0


class FlowLog:
    """The part of a catalog that is about flows."""

    def __init__(self, file: CatalogFile) -> None:
        self._file = file

    def add_version(
        self,
        flow: str,
        record: Mapping[str, Any],
        *,
        state: str,
        parent: int | None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> int:
        """Keep a version with its files, make it the one the flow is at, and return its number."""
        from sqlalchemy.dialects.sqlite import insert

        from mileage.catalog import tables

        values = {"flow": flow, "parent": parent, "state": state, "created": time.time(), "record": json.dumps(record)}
        files = [{"digest": digest, "content": content} for digest, content in (blobs or {}).items()]

        def work(connection: Connection) -> int:
            if files:
                connection.execute(insert(tables.blobs).on_conflict_do_nothing(), files)
            key = connection.execute(tables.versions.insert().values(**values)).inserted_primary_key
            assert key is not None
            connection.execute(_head(flow, int(key[0])))
            return int(key[0])

        return self._file.write(work)

    def head(self, flow: str) -> VersionRecord | None:
        """Return the version that the next run of a flow is edited from, without its tags; None if it never ran.

        It is the last one, or one checked out since.
        """
        from mileage.catalog.tables import heads, versions

        at = self._file.read(lambda c: c.execute(heads.select().where(heads.c.flow == flow)).one_or_none())
        wanted = versions.select().where(versions.c.flow == flow).order_by(versions.c.id.desc()).limit(1)
        if at is not None:
            wanted = wanted.where(versions.c.id == at.version_id)
        row = self._file.read(lambda c: c.execute(wanted).first())
        return None if row is None else _version(row, ())

    def move_head(self, flow: str, version_id: int) -> None:
        """Make a version the one that the next run of its flow is edited from."""
        self._file.write(lambda c: c.execute(_head(flow, version_id)))

    def blob(self, digest: str) -> bytes | None:
        """Return kept bytes by their digest, if they are kept."""
        from mileage.catalog.tables import blobs

        row = self._file.read(lambda c: c.execute(blobs.select().where(blobs.c.digest == digest)).one_or_none())
        return None if row is None else bytes(row.content)

    def versions(self, flow: str | None = None) -> tuple[VersionRecord, ...]:
        """Return the versions of a flow, of all flows by default, oldest first."""
        from mileage.catalog.tables import tags, versions

        wanted = versions.select().order_by(versions.c.id)
        if flow is not None:
            wanted = wanted.where(versions.c.flow == flow)
        rows = self._file.read(lambda c: c.execute(wanted).all())
        named = self._file.read(lambda c: c.execute(tags.select().order_by(tags.c.name)).all())
        return tuple(_version(row, tuple(t.name for t in named if t.version_id == row.id)) for row in rows)

    def version(self, ref: str | int, flow: str | None = None) -> VersionRecord:
        """Return a version by number (``v7``), tag, or ``last``.

        Raises
        ------
        UnknownRefError
            If there is none.
        """
        known = self.versions(flow)
        name = str(ref).lstrip("@")
        match = re.fullmatch(r"v?(\d+)", name, re.IGNORECASE)
        found = [v for v in known if name in v.tags or (match is not None and v.id == int(match[1]))]
        if not found and name == "last":
            found = list(known[-1:])
        if not found:
            hint = f"there are {known[0].ref} to {known[-1].ref}; see mile log" if known else "no flow has run here yet"
            raise UnknownRefError(f"no version '{ref}'", hint=hint)
        return found[-1]

    def tag(self, version_id: int, name: str) -> None:
        """Give a version a name; a name that was given before moves."""
        from sqlalchemy.dialects.sqlite import insert

        from mileage.catalog.tables import tags

        row = insert(tags).values(name=name, version_id=version_id)
        row = row.on_conflict_do_update(index_elements=["name"], set_={"version_id": version_id})
        self._file.write(lambda c: c.execute(row))

    def costs(self, tasks: Iterable[str], codes: Iterable[str] = ()) -> tuple[dict[str, CostRecord], dict[str, float]]:
        """Return what is known of tasks, and the mean seconds of all tasks with one of the ``codes``."""
        from sqlalchemy import func, select

        from mileage.catalog.tables import costs

        names, kinds = list(tasks), list(codes)
        rows = self._file.read(lambda c: c.execute(costs.select().where(costs.c.task.in_(names))).all())
        mean = select(costs.c.code, func.avg(costs.c.seconds)).where(costs.c.code.in_(kinds)).group_by(costs.c.code)
        means = self._file.read(lambda c: c.execute(mean).all()) if kinds else []
        known = {row.task: _cost(row) for row in rows}
        return known, {code: float(seconds) for code, seconds in means}

    def all_costs(self) -> dict[str, CostRecord]:
        """Return what is known of all tasks that ever ran."""
        from mileage.catalog.tables import costs

        return {row.task: _cost(row) for row in self._file.read(lambda c: c.execute(costs.select()).all())}

    def numbers(self) -> tuple[tuple[int, str], ...]:
        """Return number and flow of each version, oldest first, and nothing else of them."""
        from sqlalchemy import select

        from mileage.catalog.tables import versions

        asked = select(versions.c.id, versions.c.flow).order_by(versions.c.id)
        return tuple((int(row.id), str(row.flow)) for row in self._file.read(lambda c: c.execute(asked).all()))

    def note_uses(self, version_id: int, tasks: Iterable[str], loaded: Iterable[str]) -> None:
        """Remember that tasks belong to a version, and which of them were loaded for it."""
        from mileage.catalog.tables import costs

        names, read = list(tasks), list(loaded)

        def work(connection: Connection) -> None:
            connection.execute(costs.update().where(costs.c.task.in_(names)).values(last_version=version_id))
            connection.execute(costs.update().where(costs.c.task.in_(read)).values(hits=costs.c.hits + 1))

        self._file.write(work)

    def note_costs(self, records: Iterable[CostRecord]) -> None:
        """Remember what tasks took; seconds are smoothed over the times a task was computed."""
        from sqlalchemy.dialects.sqlite import insert

        from mileage.catalog.tables import costs

        now = time.time()
        rows = [
            {
                "task": r.task,
                "code": r.code,
                "seconds": r.seconds,
                "size_bytes": r.size_bytes,
                "seen": 1,
                "last_seen": now,
                "inputs": " ".join(r.inputs),
                "part": r.part,
                "hits": 0,
                "last_version": r.last_version,
            }
            for r in records
        ]
        if not rows:
            return
        new = insert(costs).values(rows)
        smooth = _SMOOTH * new.excluded.seconds + (1 - _SMOOTH) * costs.c.seconds
        change = {"seconds": smooth, "size_bytes": new.excluded.size_bytes, "seen": costs.c.seen + 1, "last_seen": now}
        change |= {name: new.excluded[name] for name in ("inputs", "part", "last_version")}
        self._file.write(lambda c: c.execute(new.on_conflict_do_update(index_elements=["task"], set_=change)))


def _head(flow: str, version_id: int) -> Any:
    from sqlalchemy.dialects.sqlite import insert

    from mileage.catalog.tables import heads

    row = insert(heads).values(flow=flow, version_id=version_id)
    return row.on_conflict_do_update(index_elements=["flow"], set_={"version_id": version_id})


def _cost(row: Row[Any]) -> CostRecord:
    return CostRecord(
        row.task, row.code, row.seconds, row.size_bytes, tuple(row.inputs.split()), row.part,
        row.hits, row.seen - 1, row.last_version,
    )  # fmt: skip


def _version(row: Row[Any], tags: tuple[str, ...]) -> VersionRecord:
    return VersionRecord(row.id, row.flow, row.parent, row.state, row.created, json.loads(row.record), tags)
