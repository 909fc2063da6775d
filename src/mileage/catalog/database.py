"""The SQLite file of a catalog: opening, creating, migrating, and what to do when the disk is full.

SQLAlchemy is imported here only, and only where its tables are used: what every run of a flow asks is plain SQL
(:meth:`CatalogFile.select`, :meth:`CatalogFile.change`), which a new process answers before SQLAlchemy could be
imported. Writes are transactions that begin at once (``BEGIN IMMEDIATE``) and are on the disk when they return
(``synchronous = FULL``); readers never wait for them (WAL).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mileage.catalog.migrations import HEAD, KNOWN
from mileage.errors import CatalogError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")
BUSY_S = 30.0
_NO_SPACE = ("disk is full", "disk i/o error", "readonly database", "read-only", "unable to open database file")


class CatalogFile:
    """A catalog's database; once the disk fails it lives on in memory, and :attr:`degraded` says why."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.degraded: str | None = None
        self._engine: Engine | None = None
        self._plain: sqlite3.Connection | None = None
        self._one_at_a_time = threading.RLock()  # of all threads, on the plain connection
        self._check()

    def select(self, statement: str, **values: Any) -> list[sqlite3.Row]:
        """Return the rows of a plain SELECT, in which ``:name`` stands for a value.

        Raises
        ------
        CatalogError
            If the file is damaged.
        """
        try:
            with self._one_at_a_time:
                cursor = self._connection().cursor()
                cursor.row_factory = sqlite3.Row
                return cursor.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do ``work`` in one transaction of plain SQL; as :meth:`write`."""
        try:
            return self._changed(work)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
        return self._changed(work)

    def _changed(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._one_at_a_time, _begun(self._connection()) as connection:
            return work(connection)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` reads.

        Raises
        ------
        CatalogError
            If the file is damaged.
        """
        from sqlalchemy.exc import DatabaseError

        try:
            with self.engine.connect() as connection:
                return work(connection.execution_options(isolation_level="AUTOCOMMIT"))
        except (DatabaseError, sqlite3.Error) as error:
            raise self._translated(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in one transaction, which is on the disk when this returns.

        A disk that is full or read-only does not end a run: everything goes on in memory, once, and is said.

        Raises
        ------
        CatalogError
            If the file is damaged, or another process holds it for longer than 30 s.
        """
        from sqlalchemy.exc import DatabaseError

        try:
            with self.engine.connect() as connection, _transaction(connection):
                return work(connection)
        except (DatabaseError, sqlite3.Error, OSError) as error:
            self._give_up(error)
        with self.engine.connect() as connection, _transaction(connection):
            return work(connection)

    def close(self) -> None:
        """Release the file."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._plain is not None:
            self._plain.close()
            self._plain = None

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, made and migrated when first asked for."""
        if self._engine is None:
            self._engine = self._open()
        return self._engine

    # --- opening ------------------------------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        """Return the connection for plain SQL; in memory there is one for everything."""
        if not self._current:
            assert self.engine is not None  # makes or migrates the tables, or says why that cannot be
        if self.degraded is not None:
            in_memory: Any = self.engine.raw_connection().driver_connection
            return in_memory  # type: ignore[no-any-return]
        if self._plain is None:
            self._plain = sqlite3.connect(self.path, timeout=BUSY_S, check_same_thread=False)
            _settle(self._plain)
        return self._plain

    def _check(self) -> None:
        """Find a damaged or newer file before anything runs; cheap, and without SQLAlchemy."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            self._current = False
            return
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_S)
            try:
                found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found else None
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:  # a full disk is no damage: the file must not be moved aside
            raise self._translated(error) from error
        if row is not None and row[0] not in KNOWN:
            hint = "upgrade mileage, or name another folder with --project FOLDER"
            raise CatalogError(
                f"'{self.path}' was written by a newer version of MILE (schema {row[0]})", code="C704", hint=hint
            )
        self._current = row is not None and row[0] == HEAD

    def _open(self) -> Engine:
        from sqlalchemy.exc import DatabaseError

        engine = _engine(self.path)
        try:
            if not self._current:
                with engine.connect() as connection:
                    _set_wal(connection)
                    with _transaction(connection):
                        _prepare(connection)
                self._current = True
        except (DatabaseError, sqlite3.Error, OSError) as error:
            engine.dispose()
            if not _is_no_space(error):
                raise self._translated(error) from error
            self.degraded = self._why(error)
            return _memory_engine(None)
        return engine

    def _give_up(self, error: BaseException) -> None:
        """Go on in memory, once, if the disk is at fault; else raise what is wrong."""
        if self.degraded is not None or not _is_no_space(error):
            raise self._translated(error) from error
        self.degraded = self._why(error)
        self.close()
        self._engine = _memory_engine(self.path)

    def _why(self, error: BaseException) -> str:
        reason = getattr(error, "orig", None) or error
        return f"'{self.path}' cannot be written ({reason}): this run goes on, what follows is not kept"

    def _translated(self, error: BaseException) -> CatalogError:
        text = str(getattr(error, "orig", None) or error)
        if "locked" in text or "busy" in text:
            return CatalogError(
                f"'{self.path}' is in use by another process for more than {BUSY_S:.0f} s",
                code="C705",
                hint="try again when it has ended",
            )
        if _is_no_space(error):
            return CatalogError(
                f"'{self.path}' cannot be opened or written: {text}",
                code="C706",
                hint="free some space, or name another folder with --project FOLDER",
            )
        return self._damaged(error)

    def _damaged(self, error: BaseException) -> CatalogError:
        reason = getattr(error, "orig", None) or error
        aside = f"mv '{self.path}' '{self.path}.broken'"
        hint = f"move it aside ({aside}) and run again: a new catalog is made, kept artifacts are used again"
        return CatalogError(f"the catalog '{self.path}' is damaged: {reason}", code="C703", hint=hint)


def _engine(path: Path) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import URL

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_S, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        del record
        _settle(connection)

    return engine


def _settle(connection: sqlite3.Connection) -> None:
    """Make a new connection one that begins transactions when it is told to, and whose commits last."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _memory_engine(copy_of: Path | None) -> Engine:
    """Return a catalog in memory, with the content of a file as far as it can still be read."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False, "isolation_level": None}
    )
    raw: Any = engine.raw_connection().driver_connection
    if copy_of is not None:
        try:
            source = sqlite3.connect(copy_of, timeout=BUSY_S)
            try:
                source.backup(raw)
            finally:
                source.close()
        except sqlite3.Error:
            pass  # what was there stays on the disk; the run goes on with new tables
    with engine.connect() as connection, _transaction(connection):
        _prepare(connection)
    return engine


@contextmanager
def _begun(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Begin at once: a transaction that reads first could not become a writer while another one writes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # the disk may be full for this too; closing undoes it as well
                connection.execute("ROLLBACK")
        raise


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    raw: Any = connection.connection.driver_connection
    try:
        with _begun(raw):
            yield
    finally:
        connection.rollback()  # SQLAlchemy's own bookkeeping; nothing is open any more


def _set_wal(connection: Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait for others here by itself."""
    raw: Any = connection.connection.driver_connection
    until = time.monotonic() + BUSY_S
    locked = raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
    while locked:  # a file system without shared memory keeps its mode: slower, and as safe
        try:
            raw.execute("PRAGMA journal_mode = WAL").fetchone()
            locked = False
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _prepare(connection: Connection) -> None:
    """Create the tables of a new catalog, or migrate those of an older one."""
    from sqlalchemy import inspect, text

    from mileage.catalog.migrations import upgrade
    from mileage.catalog.tables import metadata

    names = set(inspect(connection).get_table_names())
    if "alembic_version" in names:
        if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != HEAD:
            upgrade(connection)
        return
    metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def _is_no_space(error: BaseException) -> bool:
    import errno

    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
    if isinstance(error, sqlite3.Error):
        return any(part in str(error).lower() for part in _NO_SPACE)
    return any(part in str(getattr(error, "orig", error)).lower() for part in _NO_SPACE)
