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
from mileage.catalog.process import Owner, environment
from mileage.catalog.project import Project
from mileage.catalog.records import ArtifactRecord, QueryRecord, RunRecord
from mileage.errors import UnknownRefError

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import Connection, Row

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
        from mileage.catalog.tables import queries

        values: dict[str, Any] = {
            "text": text,
            "semantic_hash": str(semantic_hash),
            "name": name,
            "parent": parent,
            "source": source or ("refine" if parent is not None else "run"),
            "created": time.time(),
        }
        new = self._file.write(lambda c: _inserted(c, queries.insert().values(**values)))
        return QueryRecord(id=new, **values)

    def queries(self) -> tuple[QueryRecord, ...]:
        """Return all versions of queries, oldest first."""
        from mileage.catalog.tables import queries

        rows = self._file.read(lambda c: c.execute(queries.select().order_by(queries.c.id)).all())
        return tuple(_query(row) for row in rows)

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
        from mileage.catalog.tables import runs

        owner, now = self._current_owner(), time.time()
        values = {
            "query_id": query_id,
            "state": RUNNING,
            "started": now,
            "budget_s": budget_s,
            "seed": seed,
            "data_fingerprint": str(data_fingerprint),
            "environment": json.dumps(dict(environment) if environment is not None else _environment()),
            "summary": "{}",
            "pid": owner.pid,
            "pid_started": owner.started,
            "host": owner.host,
            "boot": owner.boot,
            "heartbeat": now,
        }
        return self._file.write(lambda c: _inserted(c, runs.insert().values(**values)))

    def record_trial(self, run_id: int, trial: Trial) -> bool:
        """Keep a trial; it is on the disk when this returns true.

        False says that the catalog is :attr:`degraded`: the trial is known to this process only.
        Recording a number again replaces it.
        """
        from sqlalchemy import text

        values = {
            "run_id": run_id,
            "number": trial.number,
            "state": trial.state,
            "describe": trial.describe,
            "record": json.dumps(trial.to_json(), separators=(",", ":")),
            "recorded": time.time(),
        }

        def work(connection: Connection) -> None:
            for statement in _RECORD:
                connection.execute(text(statement), values)

        self._file.write(work)
        return self.degraded is None

    def finish_run(self, run_id: int, state: str = "finished", *, summary: Mapping[str, Any] | None = None) -> None:
        """Note how a run ended: ``finished``, ``stopped`` or ``failed``."""
        from mileage.catalog.tables import runs

        now = time.time()
        values: dict[str, Any] = {"state": state, "ended": now, "heartbeat": now}
        if summary is not None:
            values["summary"] = json.dumps(dict(summary), default=str)
        self._file.write(lambda c: c.execute(runs.update().where(runs.c.id == run_id).values(**values)))

    def beat(self, run_id: int) -> None:
        """Say that a run is alive; recording a trial says so too."""
        from mileage.catalog.tables import runs

        self._file.write(lambda c: c.execute(runs.update().where(runs.c.id == run_id).values(heartbeat=time.time())))

    def runs(self, *, state: str | None = None) -> tuple[RunRecord, ...]:
        """Return all runs, or those in a state, oldest first."""
        from sqlalchemy import func, select

        from mileage.catalog.tables import runs, trials

        counted = select(func.count()).where(trials.c.run_id == runs.c.id).scalar_subquery().label("n_trials")
        asked = select(runs, counted).order_by(runs.c.id)
        if state is not None:
            asked = asked.where(runs.c.state == state)
        return tuple(_run(row) for row in self._file.read(lambda c: c.execute(asked).all()))

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
        from sqlalchemy import select

        from mileage.catalog.tables import trials
        from mileage.results import Trial

        asked = select(trials.c.record).where(trials.c.run_id == run_id).order_by(trials.c.position)
        return tuple(
            Trial.from_json(json.loads(row.record)) for row in self._file.read(lambda c: c.execute(asked).all())
        )

    # --- findings and artifacts ---------------------------------------------------------------------------------------

    def add_findings(self, run_id: int, kind: str, items: Iterable[Mapping[str, Any]]) -> None:
        """Keep what was assumed or found for a run, as plain mappings; ``kind`` is ``assumption`` or ``finding``."""
        from mileage.catalog.tables import findings

        rows = [{"run_id": run_id, "kind": kind, "content": json.dumps(dict(item), default=str)} for item in items]
        if rows:
            self._file.write(lambda c: c.execute(findings.insert(), rows))

    def findings(self, run_id: int, kind: str | None = None) -> tuple[dict[str, Any], ...]:
        """Return what was kept for a run, in order."""
        from mileage.catalog.tables import findings

        asked = findings.select().where(findings.c.run_id == run_id).order_by(findings.c.id)
        rows = self._file.read(lambda c: c.execute(asked).all())
        return tuple(json.loads(row.content) for row in rows if kind is None or row.kind == kind)

    def note_artifacts(self, records: Iterable[ArtifactRecord]) -> None:
        """Keep or renew what is known of artifacts, in one transaction."""
        from dataclasses import asdict

        from sqlalchemy.dialects.sqlite import insert

        from mileage.catalog.tables import artifacts

        rows = [asdict(record) for record in records]
        if not rows:
            return
        made = insert(artifacts)
        renewed = {name: made.excluded[name] for name in ("size_bytes", "kind", "last_used", "seconds", "run_id")}
        self._file.write(lambda c: c.execute(made.on_conflict_do_update(index_elements=["key"], set_=renewed), rows))

    def artifacts(self) -> tuple[ArtifactRecord, ...]:
        """Return what is known of artifacts, by key."""
        from mileage.catalog.tables import artifacts

        rows = self._file.read(lambda c: c.execute(artifacts.select().order_by(artifacts.c.key)).all())
        return tuple(ArtifactRecord(**row._mapping) for row in rows)

    def sync_artifacts(self, store: ArtifactStore) -> None:
        """Make the index say what the store really holds; the files are the truth."""
        from mileage.catalog.tables import artifacts

        kept = {item.key: item for item in store}
        known = {record.key: record for record in self.artifacts()}
        gone = [key for key in known if key not in kept]
        if gone:
            self._file.write(lambda c: c.execute(artifacts.delete().where(artifacts.c.key.in_(gone))))
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


def _environment() -> dict[str, Any]:
    return environment()


def _inserted(connection: Connection, statement: Any) -> int:
    key = connection.execute(statement).inserted_primary_key
    assert key is not None
    return int(key[0])


def _query(row: Row[Any]) -> QueryRecord:
    return QueryRecord(**row._mapping)


def _run(row: Row[Any]) -> RunRecord:
    fields = {name: getattr(row, name) for name in RunRecord.__dataclass_fields__}
    fields["environment"] = json.loads(row.environment)
    fields["summary"] = json.loads(row.summary)
    return RunRecord(**fields)
