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
    from sqlite3 import Connection, Row

_SMOOTH = 0.5  # weight of the newest measurement

_HEAD = """SELECT * FROM versions WHERE flow = :flow ORDER BY
    id = (SELECT version_id FROM heads WHERE flow = :flow) DESC, id DESC LIMIT 1"""
_COSTS = "SELECT * FROM costs WHERE task IN (SELECT value FROM json_each(:tasks))"
_MEANS = """SELECT code, avg(seconds) AS seconds FROM costs
    WHERE code IN (SELECT value FROM json_each(:codes)) GROUP BY code"""
_VERSIONS = """SELECT * FROM (SELECT * FROM versions WHERE :flow IS NULL OR flow = :flow ORDER BY id DESC LIMIT :most)
    ORDER BY id"""
_VERSION = """SELECT * FROM versions WHERE (:flow IS NULL OR flow = :flow)
    AND (id = :number OR id IN (SELECT version_id FROM tags WHERE name = :name)) ORDER BY id DESC LIMIT 1"""
_ALL = -1
_NEW_TAG = """INSERT INTO tags (name, version_id) VALUES (:name, :version)
    ON CONFLICT (name) DO UPDATE SET version_id = excluded.version_id"""
_NEW_BLOB = "INSERT INTO blobs (digest, content) VALUES (:digest, :content) ON CONFLICT DO NOTHING"
_NEW_VERSION = """INSERT INTO versions (flow, parent, state, created, record)
    VALUES (:flow, :parent, :state, :created, :record)"""
_NEW_HEAD = """INSERT INTO heads (flow, version_id) VALUES (:flow, :version)
    ON CONFLICT (flow) DO UPDATE SET version_id = excluded.version_id"""
_NEW_COST = f"""INSERT INTO costs (task, code, seconds, size_bytes, seen, last_seen, inputs, part)
    VALUES (:task, :code, :seconds, :size_bytes, 1, :last_seen, :inputs, :part)
    ON CONFLICT (task) DO UPDATE SET seconds = {_SMOOTH} * excluded.seconds + {1 - _SMOOTH} * seconds, seen = seen + 1,
    size_bytes = excluded.size_bytes, last_seen = excluded.last_seen, inputs = excluded.inputs, part = excluded.part"""
_USES = """UPDATE costs SET last_version = :version, hits = hits + (task IN (SELECT value FROM json_each(:loaded)))
    WHERE task IN (SELECT value FROM json_each(:tasks))"""


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
        costs: Iterable[CostRecord] = (),
        loaded: Iterable[str] = (),
    ) -> VersionRecord:
        """Keep a version with its files, make it the one the flow is at, and return it.

        What its tasks took is remembered with it, smoothed over the times a task was computed, and which were ``loaded``.
        """
        now, kept = time.time(), json.dumps(record)
        values = {"flow": flow, "parent": parent, "state": state, "created": now, "record": kept}
        files = [{"digest": digest, "content": content} for digest, content in (blobs or {}).items()]
        took = [_cost_row(one, now=now) for one in costs]
        tasks, read = json.dumps([task["task"] for task in record.get("tasks", ())]), json.dumps(list(loaded))

        def work(connection: Connection) -> int:
            connection.executemany(_NEW_BLOB, files)
            number = int(connection.execute(_NEW_VERSION, values).lastrowid or 0)
            connection.execute(_NEW_HEAD, {"flow": flow, "version": number})
            connection.executemany(_NEW_COST, took)
            connection.execute(_USES, {"version": number, "tasks": tasks, "loaded": read})
            return number

        number = self._file.change(work)
        return VersionRecord(number, flow, parent, state, now, json.loads(kept))

    def head(self, flow: str) -> VersionRecord | None:
        """Return the version that the next run of a flow is edited from, without its tags; None if it never ran.

        It is the last one, or one checked out since.
        """
        rows = self._file.select(_HEAD, flow=flow)
        return _version(rows[0], ()) if rows else None

    def move_head(self, flow: str, version_id: int) -> None:
        """Make a version the one that the next run of its flow is edited from."""
        self._file.change(lambda c: c.execute(_NEW_HEAD, {"flow": flow, "version": version_id}))

    def blob(self, digest: str) -> bytes | None:
        """Return kept bytes by their digest, if they are kept."""
        rows = self._file.select("SELECT content FROM blobs WHERE digest = :digest", digest=digest)
        return bytes(rows[0]["content"]) if rows else None

    def versions(self, flow: str | None = None, *, most: int | None = None) -> tuple[VersionRecord, ...]:
        """Return the versions of a flow, of all flows by default, oldest first; the newest, if at ``most`` so many."""
        return self._selected(_VERSIONS, flow=flow, most=_ALL if most is None else most)

    def _selected(self, statement: str, **values: Any) -> tuple[VersionRecord, ...]:
        named = self._file.select("SELECT * FROM tags ORDER BY name")
        return tuple(
            _version(row, tuple(t["name"] for t in named if t["version_id"] == row["id"]))
            for row in self._file.select(statement, **values)
        )

    def version(self, ref: str | int, flow: str | None = None) -> VersionRecord:
        """Return a version by number (``v7``), tag, or ``last``.

        Raises
        ------
        UnknownRefError
            If there is none.
        """
        name = str(ref).lstrip("@")
        match = re.fullmatch(r"v?(\d+)", name, re.IGNORECASE)
        found = self._selected(_VERSION, flow=flow, name=name, number=int(match[1]) if match else None)
        if not found and name == "last":
            found = self.versions(flow, most=1)
        if not found:
            known = [number for number, other in self.numbers() if flow in {None, other}]
            hint = f"there are v{known[0]} to v{known[-1]}; see mile log" if known else "no flow has run here yet"
            raise UnknownRefError(f"no version '{ref}'", hint=hint)
        return found[0]

    def tag(self, version_id: int, name: str) -> None:
        """Give a version a name; a name that was given before moves."""
        self._file.change(lambda c: c.execute(_NEW_TAG, {"name": name, "version": version_id}))

    def costs(self, tasks: Iterable[str], codes: Iterable[str] = ()) -> tuple[dict[str, CostRecord], dict[str, float]]:
        """Return what is known of tasks, and the mean seconds of all tasks with one of the ``codes``."""
        rows = self._file.select(_COSTS, tasks=json.dumps(list(tasks)))
        means = self._file.select(_MEANS, codes=json.dumps(list(codes)))
        return {row["task"]: _cost(row) for row in rows}, {row["code"]: float(row["seconds"]) for row in means}

    def all_costs(self) -> dict[str, CostRecord]:
        """Return what is known of all tasks that ever ran."""
        return {row["task"]: _cost(row) for row in self._file.select("SELECT * FROM costs")}

    def numbers(self) -> tuple[tuple[int, str], ...]:
        """Return number and flow of each version, oldest first, and nothing else of them."""
        rows = self._file.select("SELECT id, flow FROM versions ORDER BY id")
        return tuple((int(row["id"]), str(row["flow"])) for row in rows)


def _cost_row(record: CostRecord, *, now: float) -> dict[str, Any]:
    return {
        "task": record.task, "code": record.code, "seconds": record.seconds, "size_bytes": record.size_bytes,
        "last_seen": now, "inputs": " ".join(record.inputs), "part": record.part,
    }  # fmt: skip


def _cost(row: Row) -> CostRecord:
    return CostRecord(
        row["task"], row["code"], row["seconds"], row["size_bytes"], tuple(row["inputs"].split()), row["part"],
        row["hits"], row["seen"] - 1, row["last_version"],
    )  # fmt: skip


def _version(row: Row, tags: tuple[str, ...]) -> VersionRecord:
    return VersionRecord(
        row["id"], row["flow"], row["parent"], row["state"], row["created"], json.loads(row["record"]), tags
    )
