"""Sources: files, tables, frames and SQL, read by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.core.fingerprint import Fingerprint
from mileage.core.near import near_matches
from mileage.data.schema import Column, DType, Kind, Schema, dtype_of
from mileage.errors import DataError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".parquet": "read_parquet",
    ".pq": "read_parquet",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
_DATABASES = {".duckdb", ".db", ".sqlite", ".sqlite3", ".ddb"}


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as written: ``kind`` is ``file``, ``table``, ``frame`` or ``sql``."""

    kind: str
    text: str


class SqlError(DataError):
    """DuckDB refused a piece of SQL; ``position`` is the character in the user's text, None if unknown."""

    code = "E210"

    def __init__(self, message: str, *, position: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, code="E210", hint=hint)
        self.position = position


def quote(name: str) -> str:
    """Return a name as a quoted SQL identifier.

    Examples
    --------
    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Dataset:
    """A bound source: its schema, its size, and SQL that reads it."""

    database: Database = field(repr=False, compare=False)
    describe: str
    relation_sql: str
    schema: Schema
    n_rows: int
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """Hash of the content: of the files' bytes, or of the rows where there is no file."""
        if self.files:
            return self.database.hash_files(self.files, self.relation_sql)
        return self.database.hash_rows(self.relation_sql)

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Return the columns as an Arrow table; only they are read."""
        listed = ", ".join(quote(name) for name in columns)
        return self.database.arrow(f"SELECT {listed} FROM ({self.relation_sql})")

    def scan_sql(self, columns: Sequence[tuple[str, Kind]]) -> str:
        """Return the SQL that reads columns in canonical types, as an exported script reads them too.

        Numbers are DOUBLE (infinite ones are missing), categories and text VARCHAR, dates TIMESTAMP.
        """
        listed = ",\n       ".join(self._cast(self.schema.get(name), kind) for name, kind in columns)
        return f"SELECT {listed}\nFROM ({self.relation_sql})"

    @staticmethod
    def _cast(column: Column, kind: Kind) -> str:
        name = quote(column.name)
        if kind is Kind.NUMERIC and column.dtype is DType.FLOAT:
            return f"CASE WHEN isfinite(CAST({name} AS DOUBLE)) THEN CAST({name} AS DOUBLE) END AS {name}"
        if kind is Kind.NUMERIC:
            cast = "TRY_CAST" if column.dtype is DType.STRING else "CAST"
            return f"{cast}({name} AS DOUBLE) AS {name}"
        if kind is Kind.DATETIME:
            return f"TRY_CAST({name} AS TIMESTAMP) AS {name}"
        return f"CAST({name} AS VARCHAR) AS {name}"


class Database:
    """One DuckDB connection; relative paths start at ``root``."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path.cwd()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._frames: dict[str, Any] = {}
        self.setup: tuple[str, ...] = ()
        self._hashes: dict[tuple[str, int, int, int], bytes] = {}

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened when first asked for."""
        if self._connection is None:
            import duckdb

            self._connection = duckdb.connect()
            self._connection.execute("SET enable_progress_bar = false")
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def attach(self, path: str | Path, alias: str | None = None) -> str:
        """Attach a DuckDB or SQLite file and return its alias."""
        path = self._path(str(path))
        if not path.is_file():
            raise DataError(f"no database file '{path}'", code="D402")
        alias = alias or re.sub(r"\W", "_", path.stem)
        sqlite = path.open("rb").read(15) == b"SQLite format 3"
        if sqlite:
            self._attach_sqlite(path, alias)
        else:
            attach = f"ATTACH IF NOT EXISTS {literal(str(path))} AS {quote(alias)} (READ_ONLY)"
            self._run(attach, f"database '{path}'")
            self.setup = (*self.setup, attach)
        return alias

    def _attach_sqlite(self, path: Path, alias: str) -> None:
        """Bring the tables in by Python's sqlite3: DuckDB's extension for it is not part of its wheel."""
        import sqlite3

        import pandas as pd

        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(alias)}")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as source:
            names = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
            for name in names:
                table = pd.read_sql_query(f"SELECT * FROM {quote(name)}", source)  # noqa: S608  (a quoted name)
                self.connection.register("_sqlite_table", table)
                self.connection.execute(f"CREATE OR REPLACE TABLE {quote(alias)}.{quote(name)} AS SELECT * FROM _sqlite_table")
                self.connection.unregister("_sqlite_table")

    def register(self, name: str, frame: Any) -> None:  # noqa: ANN401  (a frame of any library)
        """Make a pandas, polars or Arrow frame known as ``:name``."""
        import narwhals as nw

        try:
            table = nw.from_native(frame, eager_only=True).to_arrow()
        except TypeError:
            message = f":{name} is a {type(frame).__name__}"
            raise DataError(message, code="D405", hint="give a pandas, polars or Arrow table") from None
        self._frames[name] = table
        self.connection.register(self._frame_table(name), table)

    def bind_frame(self, frame: Any) -> Dataset:  # noqa: ANN401
        """Return a frame as a dataset of its own."""
        name = f"given_{len(self._frames)}"
        self.register(name, frame)
        return self.bind(SourceSpec("frame", name))

    @staticmethod
    def _frame_table(name: str) -> str:
        return f"frame_{name}"

    def create_view(self, name: str, sql: str) -> None:
        """Give a SELECT a name."""
        self._run(f"CREATE OR REPLACE VIEW {quote(name)} AS {sql}", f"view '{name}'")

    def bind(self, spec: SourceSpec) -> Dataset:
        """Return the dataset of a source.

        Raises
        ------
        DataError
            If there is no such source, or it cannot be read, or it has no rows.
        SqlError
            If DuckDB refuses the SQL.
        """
        reader = {"file": self._file, "table": self._table, "frame": self._frame, "sql": self._sql}[spec.kind]
        dataset = reader(spec.text)
        if not dataset.schema.columns or dataset.n_rows == 0:
            raise DataError(f"{dataset.describe} has no rows", code="D410", hint="a table needs a header line and data below it")
        return dataset

    def _file(self, text: str) -> Dataset:
        files = self._files(text)
        suffix = _suffix(files[0])
        if suffix in _DATABASES:
            return self._whole_database(files[0])
        reader = _READERS.get(suffix)
        if reader is None:
            raise DataError(f"'{text}' is of no known format", code="D403", hint="CSV, TSV, Parquet, JSON, DuckDB and SQLite files are read")
        paths = [f if Path(text).is_absolute() else Path(_relative(f, self.root)) for f in files]
        listed = ", ".join(literal(str(path)) for path in paths)
        return self._read_file(text, files, reader, f"[{listed}]" if len(files) > 1 else listed)

    def _read_file(self, text: str, files: list[Path], reader: str, listed: str) -> Dataset:
        if reader != "read_csv":
            return self._made(f"'{text}'", f"SELECT * FROM {reader}({listed})", files=tuple(files))
        notes: list[str] = []
        options = ""
        if not all(_is_utf8(f) for f in files):
            options = ", encoding = 'latin-1'"
            notes.append(f"'{text}' is not UTF-8: read as Latin-1")
        tries = ("", ", sample_size = -1", ", all_varchar = true")
        last: DataError | None = None
        for extra in tries:
            try:
                made = self._made(f"'{text}'", f"SELECT * FROM read_csv({listed}{options}{extra})", files=tuple(files), scan=True)
            except DataError as error:
                last = error
                continue
            if extra == tries[2]:
                notes.append(f"'{text}' has columns of mixed types: all are read as text first")
            return Dataset(self, made.describe, made.relation_sql, made.schema, made.n_rows, made.files, tuple(notes))
        assert last is not None
        raise last

    def _whole_database(self, path: Path) -> Dataset:
        alias = self.attach(path)
        rows = self.connection.execute(
            "SELECT schema_name, table_name, database_name FROM duckdb_tables() WHERE database_name = ? OR schema_name = ?",
            [alias, alias],
        ).fetchall()
        if len(rows) != 1:
            names = ", ".join(f"{alias}.{row[1]}" for row in rows)
            raise DataError(f"'{path.name}' has {len(rows)} tables", code="D406", hint=f"say which: FROM (SELECT * FROM ...) with {names}")
        schema, table, database = rows[0]
        return self._made(f"{alias}.{table}", f"SELECT * FROM {quote(database)}.{quote(schema)}.{quote(table)}")

    def _files(self, text: str) -> list[Path]:
        path = self._path(text)
        if any(mark in text for mark in "*?["):
            found = sorted(p for p in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if p.is_file())
            if not found:
                raise DataError(f"no file matches '{text}'", code="D402")
            return found
        try:
            if path.is_dir():
                raise DataError(f"'{text}' is a folder", code="D402", hint=f"name its files, for example '{text.rstrip('/')}/*.parquet'")
            if not path.is_file():
                near = near_matches(path.name, [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else [])
                raise DataError(f"no file '{text}'", code="D402", hint=f"did you mean '{near[0]}'?" if near else f"looked in {path.parent}")
            if path.stat().st_size == 0:
                raise DataError(f"'{text}' is empty", code="D410", hint="a table needs a header line and data below it")
            path.open("rb").close()
        except PermissionError as error:
            raise DataError(f"'{text}' may not be read", code="D407", hint="check its permissions") from error
        return [path]

    def _path(self, text: str) -> Path:
        path = Path(text).expanduser()
        return path if path.is_absolute() else self.root / path

    def _table(self, name: str) -> Dataset:
        known = [row[0] for row in self.connection.execute("SELECT table_name FROM information_schema.tables").fetchall()]
        parts = name.split(".")
        if parts[-1] not in known and name not in self._frames:
            near = near_matches(name, [*known, *self._frames])
            hint = f"did you mean {near[0]}?" if near else "name a file in quotes, or a frame as :name"
            raise DataError(f"no table '{name}'", code="D408", hint=hint)
        if parts[-1] not in known:
            return self._frame(name)
        return self._made(name, f"SELECT * FROM {'.'.join(quote(p) for p in parts)} ORDER BY ALL")

    def _frame(self, name: str) -> Dataset:
        if name not in self._frames:
            near = near_matches(name, self._frames)
            hint = f"did you mean :{near[0]}?" if near else f"pass it: session.run(query, frames={{'{name}': df}})"
            raise DataError(f"no frame :{name}", code="D409", hint=hint)
        return self._made(f":{name}", f"SELECT * FROM {quote(self._frame_table(name))}")

    def _sql(self, text: str) -> Dataset:
        self._check_select(text)
        return self._made("(SQL)", f"SELECT * FROM ({text}) ORDER BY ALL", user_sql=text)

    def _check_select(self, text: str) -> None:
        import duckdb

        try:
            statements = duckdb.extract_statements(text)
        except duckdb.Error as error:
            raise self._sql_error(error, text, text) from None
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise SqlError("only one SELECT can stand here", position=0)

    def _made(self, describe: str, sql: str, *, files: tuple[Path, ...] = (), user_sql: str | None = None, scan: bool = False) -> Dataset:
        import duckdb

        try:
            rows = self._in_root(f"DESCRIBE {sql}").fetchall()
            columns = tuple(Column(row[0], dtype_of(row[1]), row[1]) for row in rows)
            counted = "count(*), " + ", ".join(f"count({quote(c.name)})" for c in columns) if scan and columns else "count(*)"
            n_rows = int(self._in_root(f"SELECT {counted} FROM ({sql})").fetchall()[0][0])
        except duckdb.Error as error:
            if user_sql is not None:
                raise self._sql_error(error, user_sql, f"DESCRIBE {sql}") from None
            first = str(error).strip().splitlines()[0]
            raise DataError(f"{describe} cannot be read: {first}", code="D403") from None
        return Dataset(self, describe, sql, Schema(columns), n_rows, files)

    def _in_root(self, sql: str) -> duckdb.DuckDBPyConnection:
        self._set_root()
        return self.connection.execute(sql)

    def _set_root(self) -> None:
        self.connection.execute(f"SET file_search_path = {literal(str(self.root))}")

    @staticmethod
    def _sql_error(error: Exception, user: str, whole: str) -> SqlError:
        """Take DuckDB's message apart: its first line, and the place its caret shows."""
        lines = str(error).splitlines()
        first = lines[0].strip()
        candidates = next((line.strip() for line in lines[1:] if "andidate" in line), None)
        position = None
        for i, line in enumerate(lines[:-1]):
            match = re.match(r"LINE (\d+): ", line)
            caret = lines[i + 1].find("^")
            if match and caret >= 0:
                shown, column = line[match.end() :].strip("."), caret - match.end()
                start = whole.split("\n")[int(match[1]) - 1].find(shown) if shown else -1
                before = sum(len(part) + 1 for part in whole.split("\n")[: int(match[1]) - 1])
                if start >= 0:
                    position = before + start + column - whole.find(user)
                break
        if position is not None and not 0 <= position <= len(user):
            position = None
        return SqlError(first, position=position, hint=candidates)

    def frame(self, sql: str) -> pd.DataFrame:
        """Return the rows of a SELECT as a pandas DataFrame, as ``duckdb.sql(sql).df()`` does in a plain script."""
        return self._in_root(sql).df()

    def arrow(self, sql: str) -> pa.Table:
        """Return the rows of a SELECT as an Arrow table."""
        self._set_root()
        return self.connection.sql(sql).to_arrow_table()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT as tuples."""
        return self._in_root(sql).fetchall()

    def _run(self, sql: str, what: str) -> None:
        import duckdb

        try:
            self._in_root(sql)
        except duckdb.Error as error:
            raise DataError(f"{what}: {str(error).splitlines()[0]}", code="D403") from None

    def hash_files(self, files: Sequence[Path], sql: str) -> Fingerprint:
        """Return the hash of files' bytes and of the SQL that reads them; unchanged files are hashed once."""
        from blake3 import blake3

        hasher = blake3(re.sub(r"'[^']*'", "''", sql).encode())
        for path in files:
            hasher.update(self._hash_file(path))
        return Fingerprint(hasher.hexdigest(length=16))

    def _hash_file(self, path: Path) -> bytes:
        from blake3 import blake3

        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if key not in self._hashes:
            hasher = blake3()
            with path.open("rb") as file:
                while chunk := file.read(1 << 22):
                    hasher.update(chunk)
            self._hashes[key] = hasher.digest()
        return self._hashes[key]

    def hash_rows(self, sql: str) -> Fingerprint:
        """Return the hash of the rows of a SELECT, in order, by their Arrow form."""
        import pyarrow as pa
        from blake3 import blake3

        hasher = blake3()

        class _Sink:
            closed = False

            def write(self, data: bytes) -> int:
                hasher.update(bytes(data))
                return len(data)

            def flush(self) -> None: ...
            def close(self) -> None: ...

        table = self.arrow(sql).combine_chunks()
        with pa.ipc.new_stream(pa.PythonFile(_Sink(), mode="w"), table.schema) as writer:
            writer.write_table(table)
        return Fingerprint(hasher.hexdigest(length=16))


def _suffix(path: Path) -> str:
    name = path.name.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return Path(name).suffix


def _is_utf8(path: Path) -> bool:
    if path.suffix.lower() in {".gz", ".zst"}:
        return True
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
