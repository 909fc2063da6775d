"""Sources: files, tables, frames and SQL, bound to datasets by one DuckDB connection."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mileage.core.content import Stamp, hash_file, stamp_of
from mileage.core.fingerprint import Fingerprint, fingerprint
from mileage.core.interrupts import interruptible
from mileage.core.near import near_matches
from mileage.data.dataset import Dataset
from mileage.data.files import (
    DATABASES,
    CsvReading,
    find_files,
    left_out,
    listed,
    reader_of,
    suffix_of,
    unreadable,
    without_blank,
)
from mileage.data.frames import as_frame, as_table
from mileage.data.hashing import hash_parts
from mileage.data.schema import Column, Schema, dtype_of
from mileage.data.sqltext import SqlError, checked_select, explained, first_line, literal, quote, sql_error
from mileage.data.wide import WideRelations
from mileage.errors import DataError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

__all__ = ["Database", "Dataset", "SourceSpec", "SqlError", "literal", "quote"]

_SNAPSHOT_LIMIT = 512 * 2**20  # bytes of files; larger ones are read where they lie
_SNAPSHOTS = "mile_snapshots"
_NO_ROWS = {
    "file": "a table needs a header line and data below it",
    "table": "fill the table, or name another one",
    "frame": "give a frame with rows",
    "sql": "see its WHERE and its joins",
}
_HASHED_CELLS = 4_000_000
_MOMENT_CELLS = 500_000
_KNOWN_TYPES = 64
_CANONICAL = frozenset({"DOUBLE", "VARCHAR", "TIMESTAMP"})


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as written: ``kind`` is ``file``, ``table``, ``frame`` or ``sql``."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Held:
    """A frame that is known by a name: what it is as an Arrow table, and notes on what was changed to make it one."""

    schema: pa.Schema
    n_rows: int
    notes: tuple[str, ...]

    @property
    def is_small(self) -> bool:
        """Whether DuckDB reads it in a moment."""
        return self.n_rows * len(self.schema) <= _MOMENT_CELLS


class Database:
    """One DuckDB connection; relative paths start at ``root``.

    What is slow to read twice (CSV, JSON, SQL, views) is read once, when it is bound, into a table in memory that
    stands in for it (a *snapshot*), so all later reads of a dataset see the same rows. Calls are serialized: it may
    be used from several threads.

    Parameters
    ----------
    root : Path, optional
        The working directory if left out.
    threads : int, optional
    memory_limit : str, optional
        As DuckDB writes it, such as ``"4GB"``; beyond it DuckDB spills to disk.
    hash_of : callable, optional
        Returns the hash of a file's bytes; one that remembers, or one that reads the file by default.

    Examples
    --------
    >>> import pyarrow as pa
    >>> database = Database()
    >>> database.register("people", pa.table({"age": [1, 2, None]}))
    >>> people = database.bind(SourceSpec("frame", "people"))
    >>> people.n_rows, people.schema.names
    (3, ('age',))
    """

    def __init__(
        self,
        root: Path | None = None,
        threads: int | None = None,
        memory_limit: str | None = None,
        *,
        hash_of: Callable[[Path], bytes] = hash_file,
    ) -> None:
        self.root = root or Path.cwd()
        self._hash_of = hash_of
        self.threads, self.memory_limit = threads, memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.RLock()
        self._frames: dict[str, _Held] = {}
        self._types: dict[pa.Schema, tuple[Column, ...]] = {}  # what DuckDB has made of frames
        self._numbers = itertools.count()  # of frames without a name
        self._hashes: dict[Stamp, bytes] = {}
        self._stamps: dict[str, tuple[Stamp, ...]] = {}
        self._snapshots: dict[str, str] = {}
        self.wide = WideRelations(self._register)
        self.sqlite_files: dict[str, Path] = {}

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened when first asked for."""
        if self._connection is None:
            import duckdb

            config: dict[str, Any] = {}
            if self.threads is not None:
                config["threads"] = self.threads
            if self.memory_limit is not None:
                config["memory_limit"] = self.memory_limit
            self._connection = duckdb.connect(config=config)
            self._connection.execute("SET enable_progress_bar = false")
            self._connection.execute(f"SET file_search_path = {literal(str(self.root))}")
            self._connection.execute(f"CREATE SCHEMA {_SNAPSHOTS}")
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self._snapshots.clear()
                self.wide.clear()

    # What can be named

    def attach(self, path: str | Path, alias: str | None = None) -> str:
        """Attach a DuckDB or SQLite file for reading and return its alias.

        The tables of an SQLite file are brought in by Python's sqlite3 as they are now: DuckDB's extension for it is
        not part of its wheel, and MILE works offline.
        """
        [path] = find_files(str(path), self.root)
        alias = alias or re.sub(r"\W", "_", path.stem)
        with path.open("rb") as file:
            sqlite = file.read(15) == b"SQLite format 3"
        if sqlite:
            self._attach_sqlite(path, alias)
            self.sqlite_files[alias] = path
        else:
            self._run(
                f"ATTACH IF NOT EXISTS {literal(str(path))} AS {quote(alias)} (READ_ONLY)", f"database '{path.name}'"
            )
        return alias

    def _attach_sqlite(self, path: Path, alias: str) -> None:
        import sqlite3
        from contextlib import closing

        from mileage.data.sqlite import read_table

        self._run(f"CREATE SCHEMA IF NOT EXISTS {quote(alias)}", f"database '{path.name}'")
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
                names = [
                    row[0]
                    for row in source.execute(
                        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
                    )
                ]
                for name in names:
                    self._create_table(f"{quote(alias)}.{quote(name)}", read_table(source, name))
        except sqlite3.Error as error:
            raise DataError(
                f"database '{path.name}' cannot be read: {error}", code="D403", hint="check that the file is whole"
            ) from error

    def _create_table(self, name: str, table: pa.Table) -> None:
        with self._lock:
            self.connection.register("mile_incoming", table)
            try:
                self.connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM mile_incoming")
            finally:
                self.connection.unregister("mile_incoming")

    def register(self, name: str, frame: Any) -> None:
        """Make a pandas, polars or Arrow frame known as ``:name``, and as a table of that name in SQL."""
        with self._lock:
            self._hold(name, frame)
            if self._find_table(name) is None:
                self.connection.execute(
                    f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS FROM {quote(self._frame_table(name))}"
                )

    def _hold(self, name: str, frame: Any) -> None:
        """Make a frame known as ``:name`` alone: SQL of a user does not see it."""
        table, notes = as_table(name, frame)
        with self._lock:
            self._frames[name] = _Held(table.schema, table.num_rows, notes)
            self._register(self._frame_table(name), table)
            self.wide.drop(self._frame_sql(name))
            if self.wide.fits(table.num_columns, table.num_rows):
                self.wide.hold(self._frame_sql(name), table)

    def bind_frame(self, frame: Any) -> Dataset:
        """Return a frame as a dataset of its own."""
        name = f"given_{next(self._numbers)}"
        self.register(name, frame)
        return self.bind(SourceSpec("frame", name))

    @contextmanager
    def given(self, frame: Any) -> Iterator[Dataset]:
        """Give a frame as a dataset of its own that no SQL sees by a name, and let it go at the end of the block."""
        name = f"given_{next(self._numbers)}"
        try:
            self._hold(name, frame)
            yield self.bind(SourceSpec("frame", name))
        finally:
            self._forget(name)

    def _forget(self, name: str) -> None:
        """Let go of a frame and of what was read through it."""
        with self._lock:
            self._frames.pop(name, None)
            self.wide.drop(self._frame_sql(name))
            for relation in [one for one in self._snapshots if self._frame_sql(name) in one]:
                self.connection.execute(f"DROP TABLE IF EXISTS {self._snapshots.pop(relation)}")
            self.connection.unregister(self._frame_table(name))

    def _register(self, name: str, table: pa.Table) -> None:
        with self._lock:
            self.connection.register(name, table)

    @staticmethod
    def _frame_table(name: str) -> str:
        return f"frame_{name}"

    def _is_frame(self, relation: str) -> bool:
        return relation.startswith(f'SELECT * FROM "{self._frame_table("")}')

    def _frame_sql(self, name: str) -> str:
        return f"SELECT * FROM {quote(self._frame_table(name))}"

    def create_view(self, name: str, sql: str) -> None:
        """Give a SELECT a name."""
        self._run(f"CREATE OR REPLACE VIEW {quote(name)} AS {checked_select(sql)}", f"view '{name}'")

    # Binding

    def bind(self, spec: SourceSpec) -> Dataset:
        """Return the dataset of a source.

        Raises
        ------
        DataError
            If there is no such source, or it cannot be read, or it has no rows.
        SqlError
            If DuckDB refuses the SQL.
        """
        readers = {"file": self._file, "table": self._table, "frame": self._frame, "sql": self._sql}
        with self._lock:
            dataset = readers[spec.kind](spec.text)
        if not dataset.schema.columns or dataset.n_rows == 0:
            raise DataError(f"{dataset.describe} has no rows", code="D410", hint=_NO_ROWS[spec.kind])
        return dataset

    def _file(self, text: str) -> Dataset:
        files, notes = without_blank(text, find_files(text, self.root))
        if suffix_of(files[0]) in DATABASES:
            return self._whole_database(files[0])
        reader = reader_of(text, files)
        stamps = tuple(stamp_of(file) for file in files)
        shown = f"'{text}'"
        if reader == "read_csv":
            made = self._csv(text, files)
        else:
            made = self._made(
                shown,
                f"SELECT * FROM {reader}({listed(text, files, self.root)})",
                snapshot=reader == "read_json" and _small(files),
            )
            extra = left_out(text, files, lambda one: f"SELECT * FROM {reader}({one})", self._rows)
            made = replace(made, notes=tuple(extra))
        self._stamps[made.relation_sql] = stamps
        return replace(made, files=tuple(files), notes=(*notes, *made.notes))

    def _csv(self, text: str, files: list[Path]) -> Dataset:
        """Read a CSV file whole, with other options for as long as DuckDB refuses it."""
        import duckdb

        reading = CsvReading(text, files, listed(text, files, self.root))
        reading.look(self._rows)
        while True:
            try:
                made = self._described(f"'{text}'", reading.sql, snapshot=_small(files), scan=True)
            except duckdb.Error as error:
                reading.mend(error)
            else:
                extra = left_out(text, files, reading.sql_of, self._rows)
                return replace(made, notes=(*reading.notes, *extra))

    def _whole_database(self, path: Path) -> Dataset:
        alias = self.attach(path)
        found = self.connection.execute(
            "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 OR schema_name = $1 ORDER BY ALL",
            [alias],
        ).fetchall()
        if len(found) != 1:
            names = ", ".join(".".join([alias, *(p for p in row[1:] if p not in {"main", alias})]) for row in found)
            hint = (
                f"say which: ATTACH '{path.name}' AS {alias}, then FROM one of {names}"
                if found
                else "give a database with a table"
            )
            raise DataError(f"'{path.name}' has {len(found)} tables", code="D406", hint=hint)
        return self._made(f"{alias}.{found[0][2]}", f"SELECT * FROM {'.'.join(quote(part) for part in found[0])}")

    def _table(self, name: str) -> Dataset:
        if name in self._frames:
            return self._frame(name)
        found = self._find_table(name)
        if found is None:
            near = near_matches(name, [*self.table_names(), *self._frames])
            hint = (
                f"did you mean {near[0]}?"
                if near
                else "name a file in quotes, a frame as :name, or ATTACH a database first"
            )
            raise DataError(f"no table '{name}'", code="D408", hint=hint)
        path, is_view = found
        if is_view:
            return self._made(name, f"SELECT * FROM {path} ORDER BY ALL", snapshot=True)
        return self._made(name, f"SELECT * FROM {path}")

    def table_names(self) -> tuple[str, ...]:
        """Return the names of all tables and views, as they are written in a query."""
        return tuple(sorted({name for name, _, _ in self._listing()}))

    def _find_table(self, name: str) -> tuple[str, bool] | None:
        wanted = name.replace(".main.", ".").casefold()
        return next(((path, view) for known, path, view in self._listing() if known.casefold() == wanted), None)

    def _listing(self) -> list[tuple[str, str, bool]]:
        rows = self.rows(
            "SELECT database_name, schema_name, table_name, false FROM duckdb_tables() WHERE NOT internal UNION ALL "
            "SELECT database_name, schema_name, view_name, true FROM duckdb_views() WHERE NOT internal AND NOT temporary"
        )
        made = []
        for database, schema, table, view in rows:
            if schema == _SNAPSHOTS:
                continue
            parts = [part for part in (database, schema) if part not in {"memory", "main"}]
            made.append((".".join([*parts, table]), ".".join(quote(p) for p in ([*parts, table])), bool(view)))
        return made

    def _frame(self, name: str) -> Dataset:
        if name not in self._frames:
            near = near_matches(name, self._frames)
            hint = f"did you mean :{near[0]}?" if near else f"pass it: session.run(query, frames={{'{name}': df}})"
            raise DataError(f"no frame :{name}", code="D409", hint=hint)
        held, sql = self._frames[name], self._frame_sql(name)
        return Dataset(self, f":{name}", sql, Schema(self._columns_of(name)), held.n_rows, notes=held.notes)

    def _columns_of(self, name: str) -> tuple[Column, ...]:
        """Return the columns of a frame; DuckDB is asked once about frames of the same types."""
        import duckdb

        schema = self._frames[name].schema
        columns = self._types.get(schema)
        if columns is None:
            try:
                described = self._describe(self._frame_sql(name))
            except duckdb.Error as error:
                raise unreadable(f":{name}", error) from None
            columns = _columns(described)
            if len(self._types) >= _KNOWN_TYPES:
                self._types.clear()
            self._types[schema] = columns
        return columns

    def _sql(self, text: str) -> Dataset:
        import duckdb

        select = checked_select(text)
        try:
            # Bound alone first: then the place in DuckDB's message is a place in the user's text.
            self.connection.execute(explained(select))
        except duckdb.Error as error:
            raise sql_error(error, text, explain=True) from None
        try:
            # The line break keeps a closing comment of the user's from hiding the bracket.
            return self._described("(SQL)", f"SELECT * FROM ({select}\n) ORDER BY ALL", snapshot=True)
        except duckdb.Error as error:
            raise SqlError(sql_error(error, text).message, hint="the SELECT can be bound, but not run") from None

    def derive(self, dataset: Dataset, listed: str) -> Dataset:
        """Return a dataset of a SELECT list over another one: as many rows, in the same order."""
        with self._lock:
            made = self._made(dataset.describe, f"SELECT {listed}\nFROM ({dataset.relation_sql})", snapshot=True)
        return replace(made, notes=dataset.notes)

    def _made(self, describe: str, sql: str, *, snapshot: bool = False) -> Dataset:
        import duckdb

        try:
            return self._described(describe, sql, snapshot=snapshot)
        except duckdb.Error as error:
            raise unreadable(describe, error) from None

    def _described(self, describe: str, sql: str, *, snapshot: bool, scan: bool = False) -> Dataset:
        self._snapshots.pop(sql, None)
        self.wide.drop(sql)  # its rows may be others now
        if snapshot:
            place = f"{_SNAPSHOTS}.s{fingerprint(sql)}"
            read = self._through(f"({sql})")[1:-1]
            self._interruptible(lambda c: c.execute(f"CREATE OR REPLACE TABLE {place} AS {read}").fetchall())
            self._snapshots[sql] = place
        elif scan:  # a count alone converts nothing, and so would miss a value of another type
            self._rows(f"SELECT count(COLUMNS(*)) FROM ({sql})")
        described = self._describe(sql)
        n_rows = int(self._rows(f"SELECT count(*) FROM ({self.wide.narrow(sql, ())})")[0][0])
        if self.wide.fits(len(described), n_rows):
            self.wide.hold(sql, self.arrow(sql))
        return Dataset(self, describe, sql, Schema(_columns(described)), n_rows)

    def _describe(self, sql: str) -> list[tuple[Any, ...]]:
        slices = self.wide.slices(sql)
        return [row for part in slices for row in self._rows(f"DESCRIBE {self._through(f'({part})')[1:-1]}")]

    # Reading

    def _through(self, sql: str) -> str:
        """Put snapshots in the place of the relations that they hold: the rows and their order are the same."""
        for relation, place in self._snapshots.items():
            if relation in sql:
                sql = sql.replace(f"({relation})", f"(SELECT * FROM {place})")
        return sql

    def is_quick(self, relation: str) -> bool:
        """Say whether the rows of a relation lie in memory: a snapshot, or a frame that was given."""
        return relation in self._snapshots or self._is_frame(relation)

    def _takes_a_moment(self, sql: str) -> bool:
        """Say whether a SELECT reads a small frame: starting a thread to hear Ctrl-C meanwhile would take longer."""
        return any(held.is_small and self._frame_sql(name) in sql for name, held in self._frames.items())

    def frame(self, sql: str) -> pd.DataFrame:
        """Return the rows of a SELECT as a pandas DataFrame, as ``duckdb.sql(sql).df()`` does in a plain script."""
        with self._lock, _Told(sql), self._clean():
            if self._takes_a_moment(sql):
                return _as_pandas(self.connection.sql(self._through(sql)))
            return self._interruptible(lambda c: _as_pandas(c.sql(self._through(sql))))

    def arrow(self, sql: str) -> pa.Table:
        """Return the rows of a SELECT as an Arrow table."""
        with self._lock, _Told(sql), self._clean():
            return self._interruptible(lambda c: c.sql(self._through(sql)).to_arrow_table())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT as tuples."""
        with _Told(sql):
            return self._rows(sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT; DuckDB's errors come as they are."""
        with self._lock, self._clean():
            return self._interruptible(lambda c: c.execute(self._through(sql)).fetchall())

    def _interruptible(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Return what DuckDB answers; Ctrl-C ends the statement, which DuckDB itself does not always notice."""
        connection = self.connection
        return interruptible(lambda: work(connection), connection.interrupt)

    @contextmanager
    def _clean(self) -> Iterator[None]:
        """Drop what is left of a result that could not be fetched: the connection is good for the next statement."""
        try:
            yield
        except (Exception, KeyboardInterrupt):
            getattr(self.connection, "abort", lambda: None)()  # DuckDB 1 does this by itself
            raise

    def _run(self, sql: str, what: str) -> None:
        import duckdb

        try:
            with self._lock:
                self._interruptible(lambda c: c.execute(sql).fetchall())
        except duckdb.Error as error:
            raise unreadable(what, error) from None

    # Hashes

    def hash_files(self, files: Sequence[Path], sql: str) -> Fingerprint:
        """Return the hash of files' bytes and of how SQL reads them; unchanged files are hashed once.

        Raises
        ------
        DataError
            If a file changed since it was bound: its rows would not be those of its hash.
        """
        stamps = self._unchanged(files, sql)
        for path, stamp in zip(files, stamps, strict=True):
            if stamp not in self._hashes:
                self._hashes[stamp] = self._hash_of(path)
        # Where a file lies is no part of what it holds.
        options = re.sub(r"\((\[[^]]*\]|'(?:[^']|'')*')", "(", sql, count=1)
        return fingerprint("files", options, [self._hashes[stamp] for stamp in stamps])

    def check_unchanged(self, dataset: Dataset) -> None:
        """Check that the files of a dataset are those that were bound.

        Raises
        ------
        DataError
            If a file changed since.
        """
        self._unchanged(dataset.files, dataset.relation_sql)

    def _unchanged(self, files: Sequence[Path], sql: str) -> tuple[Stamp, ...]:
        stamps = tuple(stamp_of(path) for path in files)
        if stamps != self._stamps.get(sql, stamps):
            names = ", ".join(path.name for path in files)
            raise DataError(f"'{names}' changed while it was in use", code="D411", hint="run the query again")
        return stamps

    def hash_rows(self, sql: str) -> Fingerprint:
        """Return the hash of the rows of a SELECT, in order, by their Arrow form; a part of the columns at a time."""
        if sql in self.wide:
            return hash_parts(self.arrow(part) for part in self.wide.slices(sql))
        names = [quote(row[0]) for row in self.rows(f"DESCRIBE SELECT * FROM ({sql})")]
        size = max(1, _HASHED_CELLS // max(1, self.rows(f"SELECT count(*) FROM ({sql})")[0][0]))
        parts = (names[i : i + size] for i in range(0, len(names), size))
        return hash_parts(self.arrow(f"SELECT {', '.join(part)} FROM ({sql})") for part in parts)


def _columns(described: Sequence[tuple[Any, ...]]) -> tuple[Column, ...]:
    return tuple(Column(row[0], dtype_of(row[1]), row[1]) for row in described)


def _as_pandas(relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
    if {str(kind) for kind in relation.types} <= _CANONICAL:  # the same frame, with fewer copies on the way
        return as_frame(relation.to_arrow_table())
    return relation.df()


class _Told:
    """Turns DuckDB's errors while rows are read into errors about the data."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and type(error).__module__.startswith(("duckdb", "_duckdb")):
            raise DataError(f"the data cannot be read: {first_line(error)}", code="D412") from error


def _small(files: Sequence[Path]) -> bool:
    """Say whether files fit into memory; packed text is about five times as long unpacked."""
    return sum(f.stat().st_size * (5 if f.suffix.lower() in {".gz", ".zst"} else 1) for f in files) <= _SNAPSHOT_LIMIT
