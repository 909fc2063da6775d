"""Lessons: what runs have taught about tables like theirs, as plain records; a run of the same question replaces its lesson."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mileage.catalog.database import CatalogFile

OWN = "own"
_NEW = """INSERT INTO lessons (digest, task, origin, learned, record) VALUES (:digest, :task, :origin, :learned, :record)
    ON CONFLICT (digest) DO UPDATE SET origin = excluded.origin, learned = excluded.learned, record = excluded.record"""
_OF_TASK = "SELECT * FROM lessons WHERE :task IS NULL OR task = :task ORDER BY digest"


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """One lesson; ``digest`` tells the question, ``origin`` is ``own`` or where it was imported from."""

    digest: str
    task: str
    record: Mapping[str, Any]
    origin: str = OWN
    learned: float = 0.0


class LessonBook:
    """The lessons of a catalog."""

    def __init__(self, file: CatalogFile) -> None:
        self._file = file

    def keep(self, lessons: Iterable[LessonRecord]) -> None:
        """Keep lessons, in one transaction."""
        rows = [
            {
                "digest": one.digest,
                "task": one.task,
                "origin": one.origin,
                "learned": one.learned or time.time(),
                "record": json.dumps(one.record, separators=(",", ":")),
            }
            for one in lessons
        ]
        if rows:
            self._file.change(lambda c: c.executemany(_NEW, rows))

    def all(self, task: str | None = None) -> tuple[LessonRecord, ...]:
        """Return the lessons of a task, all of them without one, in a fixed order."""
        rows = self._file.select(_OF_TASK, task=task)
        return tuple(
            LessonRecord(r["digest"], r["task"], json.loads(r["record"]), r["origin"], r["learned"]) for r in rows
        )

    def forget(self) -> int:
        """Forget all lessons; return how many there were."""
        return self._file.change(lambda c: c.execute("DELETE FROM lessons").rowcount)
