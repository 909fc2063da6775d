"""The SQLite file of a catalog: opening, creating, migrating, and what to do when the disk is full.

All is plain SQL, which a new process has answered before SQLAlchemy could be imported; that is for migrations alone. Writes are transactions that begin at once (``BEGIN IMMEDIATE``) and are on the disk when they return
(``synchronous = FULL``); readers never wait for them (WAL).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mileage.catalog.migrations import HEAD, KNOWN
from mileage.errors import CatalogError

T = TypeVar("T")
BUSY_S = 30.0
_NO_SPACE = ("disk is full", "disk i/o error", "readonly database", "read-only", "unable to open database file")


class CatalogFile:
    """A catalog's database; once the disk fails it lives on in memory, and :attr:`degraded` says why."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.degraded: str | None = None
        self._made: sqlite3.Connection | None = None
        self._one_at_a_time = threading.RLock()  # of all threads, on the connection
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
        """Do ``work`` in one transaction, which is on the disk when this returns.

        A disk that is full or read-only does not end a run: everything goes on in memory, once, and is said.

        Raises
        ------
        CatalogError
            If the file is damaged, or another process holds it for longer than 30 s.
        """
        try:
            return self._changed(work)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
        return self._changed(work)

    def _changed(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._one_at_a_time, _begun(self._connection()) as connection:
            return work(connection)

    def close(self) -> None:
        """Release the file."""
        if self._made is not None:
            self._made.close()
            self._made = None

    # --- opening ------------------------------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        """Return the connection, with the tables made or migrated when it is first asked for."""
        if self._made is None:
            self._made = self._open()
        return self._made

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

    def _open(self) -> sqlite3.Connection:
        if self.degraded is not None:
            return _in_memory(None)
        try:
            made = _connected(self.path)
            if not self._current:
                _set_wal(made)
                if _is_older(made):
                    _migrate(self.path)
                self._current = True
        except (sqlite3.Error, OSError) as error:
            if not _is_no_space(error):
                raise self._translated(error) from error
            self.degraded = self._why(error)
            return _in_memory(None)
        return made

    def _give_up(self, error: BaseException) -> None:
        """Go on in memory, once, if the disk is at fault; else raise what is wrong."""
        if self.degraded is not None or not _is_no_space(error):
            raise self._translated(error) from error
        self.degraded = self._why(error)
        self.close()
        self._made = _in_memory(self.path)

    def _why(self, error: BaseException) -> str:
        return f"'{self.path}' cannot be written ({error}): this run goes on, what follows is not kept"

    def _translated(self, error: BaseException) -> CatalogError:
        text = str(error)
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
        aside = f"mv '{self.path}' '{self.path}.broken'"
        hint = f"move it aside ({aside}) and run again: a new catalog is made, kept artifacts are used again"
        return CatalogError(f"the catalog '{self.path}' is damaged: {error}", code="C703", hint=hint)


def _connected(path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    _settle(made)
    return made


def _settle(connection: sqlite3.Connection) -> None:
    """Make a new connection one that begins transactions when it is told to, and whose commits last."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _in_memory(copy_of: Path | None) -> sqlite3.Connection:
    """Return a catalog in memory, with the content of a file as far as it can still be read."""
    made = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    if copy_of is not None:
        with suppress(sqlite3.Error):  # what was there stays on the disk; the run goes on with new tables
            source = sqlite3.connect(copy_of, timeout=BUSY_S)
            try:
                source.backup(made)
            finally:
                source.close()
    _is_older(made)
    return made


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


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait for others here by itself."""
    until = time.monotonic() + BUSY_S
    locked = connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
    while locked:  # a file system without shared memory keeps its mode: slower, and as safe
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            locked = False
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _is_older(connection: sqlite3.Connection) -> bool:
    """Create the tables where there are none; say whether those that are there want a migration."""
    with _begun(connection):
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is not None:
            return _version(connection) != HEAD
        for statement in Path(__file__).with_name("tables.sql").read_text(encoding="utf-8").split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO alembic_version (version_num) VALUES (:head)", {"head": HEAD})
    return False


def _version(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])


def _migrate(path: Path) -> None:
    """Bring the tables of an older catalog to those of this version, unless another process just did."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DatabaseError
    from sqlalchemy.pool import StaticPool

    from mileage.catalog.migrations import upgrade

    raw = _connected(path)
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    try:
        with engine.connect() as connection, _begun(raw):
            connection.begin()  # or Alembic would begin and commit transactions of its own
            if _version(raw) != HEAD:
                upgrade(connection)
    except DatabaseError as error:
        raise error.orig or error from error
    finally:
        engine.dispose()  # and closes the connection


def _is_no_space(error: BaseException) -> bool:
    import errno

    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
    return any(part in str(error).lower() for part in _NO_SPACE)
