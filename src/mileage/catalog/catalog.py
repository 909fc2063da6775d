"""The catalog: versions of queries, runs, trials and what was found; plain records in and out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mileage.catalog.database import CatalogFile
from mileage.catalog.flows import FlowLog
from mileage.catalog.lessons import LessonBook
from mileage.catalog.process import Owner
from mileage.catalog.process import environment as _here
from mileage.catalog.project import Project
from mileage.catalog.records import ArtifactRecord, QueryRecord, RunRecord
from mileage.errors import UnknownRefError

if TYPE_CHECKING:
    import sqlite3
    from types import TracebackType

    from mileage.catalog.store import ArtifactStore
    from mileage.results import Trial

RUNNING, INTERRUPTED = "running", "interrupted"
_RUNNING = "SELECT id, pid, pid_started, host, boot, heartbeat FROM runs WHERE state = :state"
_DIED = "UPDATE runs SET state = :state, ended = heartbeat WHERE id = :id AND state = :running"
# each trial is on the disk before the next is told of: what it takes is part of what a trial takes
_RECORD = (
    "DELETE FROM trials WHERE run_id = :run_id AND number = :number",
    """INSERT INTO trials (run_id, number, state, describe, record, recorded, position)
    SELECT :run_id, :number, :state, :describe, :record, :recorded, coalesce(max(position), -1) + 1
    FROM trials WHERE run_id = :run_id""",
    "UPDATE runs SET heartbeat = :recorded WHERE id = :run_id",
)

_NEW_QUERY = """INSERT INTO queries (text, semantic_hash, name, parent, source, created)
    VALUES (:text, :semantic_hash, :name, :parent, :source, :created)"""
_NEW_RUN = """INSERT INTO runs (query_id, state, started, budget_s, seed, data_fingerprint, environment, summary,
    pid, pid_started, host, boot, heartbeat) VALUES (:query_id, :state, :started, :budget_s, :seed, :data_fingerprint,
    :environment, :summary, :pid, :pid_started, :host, :boot, :heartbeat)"""
_END_RUN = """UPDATE runs SET state = :state, ended = :now, heartbeat = :now, summary = coalesce(:summary, summary)
    WHERE id = :id"""
_RUNS = """SELECT *, (SELECT count(*) FROM trials WHERE trials.run_id = runs.id) AS n_trials FROM runs
    WHERE :state IS NULL OR state = :state ORDER BY id"""
_NEW_ARTIFACT = """INSERT INTO artifacts (key, size_bytes, kind, created, last_used, seconds, run_id)
    VALUES (:key, :size_bytes, :kind, :created, :last_used, :seconds, :run_id)
    ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, kind = excluded.kind,
    last_used = excluded.last_used, seconds = excluded.seconds, run_id = excluded.run_id"""


class Catalog:
    """What a project knows; safe for threads and for several processes at once.

    Laws: what a method has returned for is on the disk (unless :attr:`degraded` says otherwise); a run whose process
    has died is ``interrupted`` at the next opening and keeps its trials.

    Parameters
    ----------
    project : Project or path
        The project, or its folder.

    Raises
    ------
    CatalogError
        If the file is damaged, or was written by a newer version.

    Examples
    --------
    >>> from mileage.results import Trial
    >>> catalog = Catalog(Project.temporary())
    >>> query = catalog.add_query("PREDICT y FROM 'a.csv'", "5eed")
    >>> run = catalog.start_run(query.id, seed=7)
    >>> catalog.record_trial(run, Trial(0, describe="dummy", scores={"r2": (0.0, 0.0)}))
    True
    >>> catalog.finish_run(run, "finished", summary={"ended": "BUDGET 1 trials"})
    >>> query.ref, catalog.runs()[0].state, catalog.trials(run)[0].describe
    ('@q1', 'finished', 'dummy')
    """

    def __init__(self, project: Project | str | Path) -> None:
        self.project = project if isinstance(project, Project) else Project.open(project)
        self._file = CatalogFile(self.project.catalog_file)
        self._owner: Owner | None = None
        self.newly_interrupted = self._mark_interrupted()

    @property
    def degraded(self) -> str | None:
        """Why nothing is kept any more, or None while all is well."""
        return self._file.degraded

    # --- queries ------------------------------------------------------------------------------------------------------

    def add_query(
        self,
        text: str,
        semantic_hash: str,
        *,
        name: str | None = None,
        parent: int | None = None,
        source: str | None = None,
    ) -> QueryRecord:
        """Keep a version of a query and return it; ``parent`` is the version it refines."""
        values: dict[str, Any] = {
            "text": text,
            "semantic_hash": str(semantic_hash),
            "name": name,
            "parent": parent,
            "source": source or ("refine" if parent is not None else "run"),
            "created": time.time(),
        }
        new = self._file.change(lambda c: _inserted(c, _NEW_QUERY, values))
        return QueryRecord(id=new, **values)

    def queries(self) -> tuple[QueryRecord, ...]:
        """Return all versions of queries, oldest first."""
        return tuple(QueryRecord(**dict(row)) for row in self._file.select("SELECT * FROM queries ORDER BY id"))

    def query(self, ref: str | int) -> QueryRecord:
        """Return a version by number, reference (``@q1``, ``@last``) or name (the latest of that name).

        Raises
        ------
        UnknownRefError
            If there is none.
        """
        known = self.queries()
        name = str(ref).lstrip("@")
        match = re.fullmatch(r"q?(\d+)", name, re.IGNORECASE)
        number = int(match[1]) if match else (known[-1].id if known and name.lower() == "last" else None)
        found = [q for q in known if q.id == number or (number is None and q.name == name)]
        if not found:
            hint = (
                f"queries are @q{known[0].id} to @q{known[-1].id}; see SHOW history"
                if known
                else "no query has run in this project"
            )
            raise UnknownRefError(f"@{name} names no query of this project", hint=hint)
        return found[-1]

    # --- runs ---------------------------------------------------------------------------------------------------------

    def start_run(
        self,
        query_id: int,
        *,
        budget_s: float | None = None,
        seed: int = 0,
        data_fingerprint: str = "",
        environment: Mapping[str, Any] | None = None,
    ) -> int:
        """Note that a run of this process begins, and return its number."""
        owner, now = self._current_owner(), time.time()
        values = {
            "query_id": query_id,
            "state": RUNNING,
            "started": now,
            "budget_s": budget_s,
            "seed": seed,
            "data_fingerprint": str(data_fingerprint),
            "environment": json.dumps(dict(environment) if environment is not None else _here()),
            "summary": "{}",
            "pid": owner.pid,
            "pid_started": owner.started,
            "host": owner.host,
            "boot": owner.boot,
            "heartbeat": now,
        }
        return self._file.change(lambda c: _inserted(c, _NEW_RUN, values))

    def record_trial(self, run_id: int, trial: Trial) -> bool:
        """Keep a trial; it is on the disk when this returns true.

        False says that the catalog is :attr:`degraded`: the trial is known to this process only.
        Recording a number again replaces it.
        """
        values = {
            "run_id": run_id,
            "number": trial.number,
            "state": trial.state,
            "describe": trial.describe,
            "record": json.dumps(trial.to_json(), separators=(",", ":")),
            "recorded": time.time(),
        }

        def work(connection: sqlite3.Connection) -> None:
            for statement in _RECORD:
                connection.execute(statement, values)

        self._file.change(work)
        return self.degraded is None

    def finish_run(self, run_id: int, state: str = "finished", *, summary: Mapping[str, Any] | None = None) -> None:
        """Note how a run ended: ``finished``, ``stopped`` or ``failed``."""
        said = None if summary is None else json.dumps(dict(summary), default=str)
        values = {"id": run_id, "state": state, "now": time.time(), "summary": said}
        self._file.change(lambda c: c.execute(_END_RUN, values))

    def beat(self, run_id: int) -> None:
        """Say that a run is alive; recording a trial says so too."""
        self._file.change(lambda c: c.execute("UPDATE runs SET heartbeat = ? WHERE id = ?", (time.time(), run_id)))

    def runs(self, *, state: str | None = None) -> tuple[RunRecord, ...]:
        """Return all runs, or those in a state, oldest first."""
        return tuple(_run(row) for row in self._file.select(_RUNS, state=state))

    def run(self, run_id: int) -> RunRecord:
        """Return a run by number.

        Raises
        ------
        UnknownRefError
            If there is none.
        """
        found = next((run for run in self.runs() if run.id == run_id), None)
        if found is None:
            raise UnknownRefError(f"no run {run_id} in this project", hint="see SHOW history")
        return found

    def last_run(self) -> RunRecord | None:
        """Return the run that was started last, or None."""
        return next(iter(reversed(self.runs())), None)

    def interrupted(self) -> tuple[RunRecord, ...]:
        """Return the runs whose process died before they ended."""
        return self.runs(state=INTERRUPTED)

    def trials(self, run_id: int) -> tuple[Trial, ...]:
        """Return the trials of a run in the order in which they were recorded."""
        from mileage.results import Trial

        rows = self._file.select("SELECT record FROM trials WHERE run_id = :run ORDER BY position", run=run_id)
        return tuple(Trial.from_json(json.loads(row["record"])) for row in rows)

    # --- findings and artifacts ---------------------------------------------------------------------------------------

    def add_findings(self, run_id: int, kind: str, items: Iterable[Mapping[str, Any]]) -> None:
        """Keep what was assumed or found for a run, as plain mappings; ``kind`` is ``assumption`` or ``finding``."""
        rows = [(run_id, kind, json.dumps(dict(item), default=str)) for item in items]
        if rows:
            statement = "INSERT INTO findings (run_id, kind, content) VALUES (?, ?, ?)"
            self._file.change(lambda c: c.executemany(statement, rows))

    def findings(self, run_id: int, kind: str | None = None) -> tuple[dict[str, Any], ...]:
        """Return what was kept for a run, in order."""
        rows = self._file.select("SELECT kind, content FROM findings WHERE run_id = :run ORDER BY id", run=run_id)
        return tuple(json.loads(row["content"]) for row in rows if kind is None or row["kind"] == kind)

    def note_artifacts(self, records: Iterable[ArtifactRecord]) -> None:
        """Keep or renew what is known of artifacts, in one transaction."""
        from dataclasses import asdict

        rows = [asdict(record) for record in records]
        if rows:
            self._file.change(lambda c: c.executemany(_NEW_ARTIFACT, rows))

    def artifacts(self) -> tuple[ArtifactRecord, ...]:
        """Return what is known of artifacts, by key."""
        return tuple(ArtifactRecord(**dict(row)) for row in self._file.select("SELECT * FROM artifacts ORDER BY key"))

    def sync_artifacts(self, store: ArtifactStore) -> None:
        """Make the index say what the store really holds; the files are the truth."""
        kept = {item.key: item for item in store}
        known = {record.key: record for record in self.artifacts()}
        gone = [(key,) for key in known if key not in kept]
        if gone:
            self._file.change(lambda c: c.executemany("DELETE FROM artifacts WHERE key = ?", gone))
        new = [item for key, item in kept.items() if key not in known]
        self.note_artifacts(
            ArtifactRecord(i.key, i.size_bytes, created=i.last_used, last_used=i.last_used) for i in new
        )

    @property
    def flows(self) -> FlowLog:
        """Versions of flows and what their tasks cost."""
        return FlowLog(self._file)

    @property
    def lessons(self) -> LessonBook:
        """What runs have taught about tables like theirs."""
        return LessonBook(self._file)

    # --- opening and closing ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _current_owner(self) -> Owner:
        if self._owner is None:
            self._owner = Owner.current()
        return self._owner

    def _mark_interrupted(self) -> tuple[int, ...]:
        """Mark runs of dead processes; nothing is written if there are none."""
        if not self.project.catalog_file.exists():
            return ()
        now = time.time()
        dead = []
        for row in self._file.select(_RUNNING, state=RUNNING):
            owner = Owner(row["pid"], row["pid_started"], row["host"], row["boot"])
            if not owner.is_alive(row["heartbeat"], now):
                dead.append({"id": row["id"], "running": RUNNING, "state": INTERRUPTED})
        if dead:
            self._file.change(lambda c: c.executemany(_DIED, dead))
        return tuple(one["id"] for one in dead)


def _inserted(connection: sqlite3.Connection, statement: str, values: Mapping[str, Any]) -> int:
    key = connection.execute(statement, values).lastrowid
    assert key is not None
    return key


def _run(row: sqlite3.Row) -> RunRecord:
    fields = {name: row[name] for name in RunRecord.__dataclass_fields__}
    fields["environment"] = json.loads(row["environment"])
    fields["summary"] = json.loads(row["summary"])
    return RunRecord(**fields)
