"""A session: one project, one database connection, the statements run in it.

A flow asks for a session in each of its processes and needs neither the language nor the database: what serves statements
is imported by the methods that run them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mileage.catalog import ArtifactStore, Catalog, Project
from mileage.core.collector import only_new_objects, seldom
from mileage.core.diagnostics import Diagnostic
from mileage.core.events import Listener
from mileage.core.units import parse_bytes
from mileage.errors import DataError, QueryError
from mileage.optimizer.policies import policies

_FITS = re.compile(r"^\s*(predict|refine)\b", re.IGNORECASE | re.MULTILINE)  # statements that will want workers

if TYPE_CHECKING:
    from mileage.data import Database
    from mileage.language import ast
    from mileage.results.report import Report
    from mileage.session.ready import ReadySteps
    from mileage.session.result import Fitted, Result
    from mileage.session.statements.show import Shown
    from mileage.session.version import Version

    Answer = Result | Report | Shown


@only_new_objects()
def connect(
    project: str | Path | None = None,
    *,
    backend: str | None = None,
    workers: int | None = None,
    attach: Iterable[str | Path] = (),
    disk: str | int | None = None,
    policy: str = "density",
) -> Session:
    """Open the project and return a session.

    Parameters
    ----------
    project : path, optional
        The folder that holds ``.mile``; by default it is searched upwards from the working folder, and made there if
        there is none.
    backend : {'processes', 'inline'}, optional
        Where tasks run; ``processes`` by default, which can stop a fit at its limit.
    workers : int, optional
        Number of worker processes; one per core by default.
    attach : iterable of path, optional
        DuckDB and SQLite files whose tables can be named, as by :meth:`Session.attach`.
    disk : str or int, optional
        At most so many bytes (``"2 GB"``) of kept results; without a limit by default.
    policy : {'density', 'lima', 'helix', 'lru', 'all', 'none'}
        What is kept of the results of a flow, and what leaves for others where there is a limit.

    Raises
    ------
    OperatorError
        If there is no such policy.

    Examples
    --------
    >>> import tempfile
    >>> with connect(tempfile.mkdtemp()) as session:
    ...     print(session.run("SHOW history").title)
    history
    """
    disk_bytes = parse_bytes(disk) if isinstance(disk, str) else disk
    session = Session(Project.open(project), backend=backend, workers=workers, disk_bytes=disk_bytes, policy=policy)
    for path in attach:
        session.attach(path)
    return session


class Session:
    """Runs statements; closes its database and workers with ``close`` or at the end of a ``with`` block."""

    def __init__(
        self,
        project: Project,
        *,
        backend: str | None = None,
        workers: int | None = None,
        disk_bytes: int | None = None,
        policy: str = "density",
    ) -> None:
        self.project = project
        self.policy = policies.get(policy)
        self.disk_bytes = disk_bytes
        self.backend, self.workers = backend, workers
        self._database: Database | None = None
        self._catalog: Catalog | None = None
        self._store: ArtifactStore | None = None
        self._ready: ReadySteps | None = None
        self.results: dict[str, Result] = {}
        self.asked_s = time.monotonic()
        self.stays = True  # more will be asked, so that an answer in time is made ready to predict

    @property
    def database(self) -> Database:
        """The connection to the data, opened when first asked for, with the files the project has attached."""
        if self._database is None:
            from mileage.data import Database
            from mileage.session.attachments import attach_remembered
            from mileage.session.known_files import known_hash

            self._database = Database(root=Path.cwd(), hash_of=partial(known_hash, self.store))
            attach_remembered(self.project, self._database)
        return self._database

    def attach(self, path: str | Path, name: str | None = None) -> str:
        """Make the tables of a DuckDB or SQLite file tables of the project, and return the name before their dot.

        It is what ``ATTACH 'file' AS name`` does: ``session.attach("shop.duckdb")`` lets queries say
        ``FROM shop.orders``, in this session and in later ones.
        """
        from mileage.session.attachments import attach

        return attach(self.project, self.database, path, name)

    @property
    def catalog(self) -> Catalog:
        """The project's catalog, opened when first asked for."""
        if self._catalog is None:
            self._catalog = Catalog(self.project)
        return self._catalog

    @property
    def ready(self) -> ReadySteps:
        """Fitted steps that are kept, those used last in memory."""
        if self._ready is None:
            from mileage.session.ready import ReadySteps

            self._ready = ReadySteps(self.store)
        return self._ready

    @property
    def store(self) -> ArtifactStore:
        """The project's kept artifacts."""
        if self._store is None:
            self._store = self.project.store(quota_bytes=self.disk_bytes)
        return self._store

    def run(
        self,
        query: object,
        *,
        frames: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
        name: str = "query",
    ) -> Answer:
        """Run a statement, or a script, and return its last answer.

        Parameters
        ----------
        query : str, tree or builder
            MILEAGE text, a parsed statement, or what ``mileage.predict(...)`` builds.
        frames : mapping of name to DataFrame, optional
            What ``:name`` in the query stands for (pandas, polars or Arrow).
        on_event : callable, optional
            Told every :class:`mileage.core.events.Event` of the run.

        Raises
        ------
        QueryError
            With all mistakes of the query, before anything runs.
        DataError, EngineError, CatalogError
        """
        answers = list(self.run_script(query, frames=frames, on_event=on_event, name=name))
        if not answers:
            raise DataError("the query is empty", code="D401", hint="try: PREDICT column FROM 'file.csv'")
        return answers[-1]

    def run_script(
        self,
        query: object,
        *,
        frames: Mapping[str, Any] | None = None,
        on_event: Listener | None = None,
        name: str = "query",
        asked_s: float | None = None,
    ) -> Iterator[Answer]:
        """Run the statements of a script one after the other, yielding each answer.

        ``asked_s`` is when the user began to wait, by ``time.monotonic``; now by default. A budget counts from there.
        """
        self.asked_s = time.monotonic() if asked_s is None else asked_s
        text = query if isinstance(query, str) else ""
        if _FITS.search(text):  # workers begin to start before anything else is imported
            from mileage.session.place import warm

            warm(self)
        with seldom():
            from mileage.session.kept_table import keep_table
            from mileage.session.statements import execute
            from mileage.session.statements.check import refuse_mistakes
        keep_table(self.project)
        try:
            with seldom():  # libraries are imported while a text is read and bound
                text, script, own = _as_script(query)
                for key, frame in {**own, **(frames or {})}.items():
                    self.database.register(key, frame)
                refuse_mistakes(self, script, text)
            for statement in script.statements:
                yield execute(self, statement, text, on_event)
                self.asked_s = time.monotonic()
        except QueryError as error:
            error.name = name if error.source in {"", text} else error.name
            error.source = error.source or text
            raise

    def check(self, text: str) -> tuple[Diagnostic, ...]:
        """Return all mistakes of a script; its queries are bound to their data, nothing runs."""
        from mileage.language import parse
        from mileage.session.kept_table import keep_table
        from mileage.session.statements.check import script_mistakes

        keep_table(self.project)
        try:
            script = parse(text)
        except QueryError as error:
            return error.diagnostics
        return script_mistakes(self, script, text)

    def result(self, ref: str = "@last") -> Result:
        """Return the answer of a query of this project, of an earlier process too.

        Examples
        --------
        ``session.result("@q3")``, ``session.result("churn")`` for a query ``NAMED churn``, ``session.result()``.

        Raises
        ------
        UnknownRefError
            If there is none, or its data has changed since it ran.
        """
        from mileage.session.refs import ref_of, result_of

        return result_of(self, ref_of(ref))

    def __getitem__(self, ref: str) -> Result | Fitted:
        """Return an answer (``session["q3"]``) or one of its workflows (``session["q3.w1"]``, ``session["w1"]``)."""
        from mileage.session.refs import is_workflow, ref_of, result_of, trial_of
        from mileage.session.result import Fitted

        asked = ref_of(ref)
        result = result_of(self, asked)
        return Fitted(result, trial_of(self, asked)) if is_workflow(asked) else result

    def versions(self, flow: str | None = None, *, most: int | None = None) -> tuple[Version, ...]:
        """Return the versions of a flow, of all flows by default, oldest first; the newest, if at ``most`` so many.

        Examples
        --------
        ``session.versions()[-1]["accuracy"]``; ``session.version("v3").diff("v7")``.
        """
        from mileage.session.version import Version

        return tuple(Version(record, self) for record in self.catalog.flows.versions(flow, most=most))

    def version(self, ref: str = "last") -> Version:
        """Return a version by number (``v7``), tag, or ``last``.

        Raises
        ------
        UnknownRefError
            If there is none.
        """
        from mileage.session.version import Version

        return Version(self.catalog.flows.version(ref), self)

    def clean(self, *, dry_run: bool = False) -> Report:
        """Remove the kept artifacts: fitted workflows and predictions. Queries, runs, scores and reasons stay.

        What is asked for later is computed again. With ``dry_run`` nothing is removed, and the sizes are told.
        """
        from mileage.session.clean import clean

        return clean(self, dry_run=dry_run)

    def columns(self, text: str) -> tuple[str, ...]:
        """Return the columns of the source that a query, possibly half written, names after FROM."""
        from mileage.session.complete import source_columns

        return source_columns(self.database, text)

    def complete(self, text: str, columns: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return what may stand at the end of a half-written text: names the session knows, then keywords."""
        from mileage.session.complete import completions

        return completions(self, text, columns)

    def close(self) -> None:
        """Release the database connection."""
        if self._database is not None:
            self._database.close()
        if self._catalog is not None:
            self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mileage session on {self.project.root}>"


def _as_script(query: object) -> tuple[str, ast.Script, dict[str, Any]]:
    """Return text, tree and frames of whatever was given as a query."""
    from mileage.language import ast, parse

    if isinstance(query, str):
        return query, parse(query), {}
    if isinstance(query, ast.Script):
        return "", query, {}
    built = getattr(query, "query", None)
    if isinstance(built, ast.Predict):
        text = str(query)
        return text, parse(text), dict(getattr(query, "frames", {}))
    if isinstance(query, ast.Statement):
        return "", ast.Script((query,)), {}
    message = f"cannot run a {type(query).__name__}: give MILEAGE text or what mileage.predict(...) builds"
    raise TypeError(message)
