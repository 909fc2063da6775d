"""Files: finding them, and SQL that reads them without losing a row."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from mileage.core.near import near_matches
from mileage.data.frames import renaming_notes, unique_names
from mileage.data.sqltext import first_line, literal, quote
from mileage.errors import DataError

READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".parquet": "read_parquet",
    ".pq": "read_parquet",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
DATABASES = {".duckdb", ".db", ".sqlite", ".sqlite3", ".ddb"}
_PACKED = (".gz", ".zst")
_EMPTY_HINT = "a table needs a header line and data below it"
_MIXED = re.compile(r'Error when converting column "(.*?)"\. Could not convert', re.DOTALL)
_NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]?\d+)?", re.IGNORECASE)
_TRIES = 60
_BLANK_LIMIT = 2**16
_ZEROS = 0.1  # a text with more zero bytes than that is none, or is UTF-16 without a mark
_LOOKED_AT = 1000  # rows

Rows = Callable[[str], list[tuple[Any, ...]]]


def find_files(text: str, root: Path) -> list[Path]:
    """Return the files that a path or a glob names, sorted.

    Raises
    ------
    DataError
        If there is none, it is a folder, it is empty, or it may not be read.
    """
    path = absolute(text, root)
    try:
        if any(mark in text for mark in "*?[") and not path.exists():
            found = sorted(p for p in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if p.is_file())
            if not found:
                raise DataError(f"no file matches '{text}'", code="D402", hint=f"looked in {path.parent}")
        else:
            found = [_existing(text, path)]
        for file in found:
            file.open("rb").close()
    except PermissionError as error:
        raise DataError(
            f"'{text}' may not be read", code="D407", hint="check the permissions of the file and its folders"
        ) from error
    except OSError as error:
        raise DataError(
            f"'{text}' cannot be read: {error.strerror or error}", code="D403", hint="check the path"
        ) from error
    if all(is_blank(file) for file in found):
        raise DataError(f"'{text}' is empty", code="D410", hint=_EMPTY_HINT)
    return found


def is_blank(path: Path) -> bool:
    """Say whether a file holds nothing but white space."""
    if path.stat().st_size > _BLANK_LIMIT:
        return False
    return not path.read_bytes().strip()


def without_blank(text: str, files: list[Path]) -> tuple[list[Path], list[str]]:
    """Return the files that hold something, and a note for those of a glob that do not."""
    filled = [file for file in files if not is_blank(file)]
    blank = [file.name for file in files if file not in filled]
    names = ", ".join(blank[:3]) + (f" and {len(blank) - 3} more" if len(blank) > 3 else "")
    return filled, [f"'{text}': {names} {'is' if len(blank) == 1 else 'are'} empty and left out"] if blank else []


def absolute(text: str, root: Path) -> Path:
    """Return a path that starts at ``root`` if it is relative."""
    path = Path(text).expanduser()
    return path if path.is_absolute() else root / path


def _existing(text: str, path: Path) -> Path:
    if path.is_dir():
        inside = sorted({p.suffix for p in path.iterdir() if suffix_of(p) in READERS}) or [".parquet"]
        raise DataError(
            f"'{text}' is a folder", code="D402", hint=f"name its files, for example '{text.rstrip('/')}/*{inside[0]}'"
        )
    if not path.is_file():
        folder = path.parent
        near = near_matches(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ()
        hint = f"did you mean '{text.removesuffix(path.name)}{near[0]}'?" if near else f"looked in {folder}"
        raise DataError(
            f"no file '{text}'", code="D402", hint=hint if folder.is_dir() else f"there is no folder {folder}"
        )
    return path


def suffix_of(path: Path) -> str:
    """Return the suffix that says the format: ``.csv`` for ``a.csv.gz``.

    Examples
    --------
    >>> suffix_of(Path("a.CSV.gz"))
    '.csv'
    """
    name = path.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def reader_of(text: str, files: list[Path]) -> str:
    """Return DuckDB's function for the files' format.

    Raises
    ------
    DataError
        If the format is not known, or the files are of several.
    """
    formats = {READERS.get(suffix_of(file)) for file in files}
    if len(formats) != 1:
        raise DataError(f"'{text}' names files of several formats", code="D403", hint="name files of one format")
    reader = formats.pop()
    if reader is None:
        known = "CSV, TSV, Parquet, JSON, DuckDB and SQLite files are read"
        raise DataError(f"'{text}' is of no known format", code="D403", hint=known)
    return reader


def listed(text: str, files: list[Path], root: Path) -> str:
    """Return files as SQL, relative to the root where the user wrote a relative path."""
    keep = Path(text).is_absolute()
    paths = [str(f) if keep or not f.is_relative_to(root) else str(f.relative_to(root)) for f in files]
    names = ", ".join(literal(path) for path in paths)
    return f"[{names}]" if len(paths) > 1 else names


@dataclass
class CsvReading:
    """How a CSV file has to be read: options found by trying, each with a note that says so."""

    text: str
    files: list[Path]
    listed: str
    options: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def sql(self) -> str:
        """SQL that reads the file with the options found so far."""
        return self.sql_of(self.listed)

    def sql_of(self, listed: str) -> str:
        """Return SQL that reads files like this one."""
        options = dict(self.options)
        if self.types and "all_varchar" not in options:
            options["types"] = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.types) + "}"
        tail = "".join(f", {name} = {value}" for name, value in options.items())
        return f"SELECT * FROM read_csv({listed}{tail})"

    def look(self, rows: Rows) -> None:
        """Look at the file before it is read: its encoding, lines before the header, and names of columns."""
        encoding = next((found for found in map(encoding_of, self.files) if found), None)
        if encoding is not None:
            self.options["encoding"] = literal(encoding)
            shown = {"latin-1": "Latin-1", "utf-16": "UTF-16"}[encoding]
            self.notes.append(f"'{self.text}' is not UTF-8: it is read as {shown}")
        _refuse_binary(self.text, self.files)
        self._sniff(rows, encoding or "utf-8")
        self._keep_words(rows)

    def _keep_words(self, rows: Rows) -> None:
        """Let ``yes`` and ``no`` be texts: DuckDB takes them for truth values, and answers would say ``true``."""
        import duckdb

        try:
            truths = [str(row[0]) for row in rows(f"DESCRIBE {self.sql}") if row[1] == "BOOLEAN"]
            for name in truths:
                as_text = replace(self, types={**self.types, name: "VARCHAR"}).sql
                looked = f"SELECT {quote(name)} AS c FROM ({as_text}) LIMIT {_LOOKED_AT}"
                words = {row[0] for row in rows(f"SELECT DISTINCT lower(c) FROM ({looked}) WHERE c IS NOT NULL")}
                if words - {"true", "false"}:
                    self.types[name] = "VARCHAR"
        except duckdb.Error:
            return  # what is wrong with the file is told when it is read

    def _sniff(self, rows: Rows, encoding: str) -> None:
        tail = "".join(f", {name} = {value}" for name, value in self.options.items())
        one = self.listed if not self.listed.startswith("[") else literal(str(self.files[0]))
        try:
            delimiter, skipped, header, columns = rows(
                f"SELECT Delimiter, SkipRows, HasHeader, Columns FROM sniff_csv({one}{tail})"
            )[0]
        except Exception:  # noqa: BLE001  (what is wrong with the file is told when it is read)
            return
        lines = _first_lines(self.files[0], encoding, int(str(skipped)) + 1)
        above = lines[: int(str(skipped))]
        if any(str(delimiter) in line for line in above):
            # DuckDB would start below the last line of another width, and lose the lines above it.
            self.pad(str(delimiter))
            header, lines = True, lines[:1]
        elif above:
            self.notes.append(f"the first {len(above)} line(s) of '{self.text}' are no table and are skipped")
            lines = lines[len(above) :]
        if not header and lines and self._names_an_index(lines[0], str(delimiter), columns):
            self.options["header"] = "true"
            header = True
        if not header:
            self.notes.append(f"'{self.text}' has no header line: columns are called column0, column1, ...")
        elif lines:
            names = [
                name.strip()
                for name in next(csv.reader([lines[0].lstrip("\ufeff")], delimiter=str(delimiter) or ","), [])
            ]
            self.notes += renaming_notes(names, unique_names(names))

    @staticmethod
    def _names_an_index(line: str, delimiter: str, columns: Any) -> bool:
        """Say whether a line is a header in which a column of numbers has no name, as an index has none in pandas."""
        cells = [cell.strip() for cell in next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter or ","), [])]
        blank = [str(column["type"]) for cell, column in zip(cells, columns, strict=False) if not cell]
        named = [cell for cell in cells if cell]
        words = named and len(set(named)) == len(named) and not any(_NUMBER.fullmatch(cell) for cell in named)
        return bool(words and blank and all(kind in {"BIGINT", "DOUBLE"} for kind in blank))

    def pad(self, delimiter: str = "") -> None:
        """Read lines of different widths: missing fields are missing values."""
        self.options |= {"delim": literal(delimiter), "header": "true"} if delimiter else {}
        self.options |= {"null_padding": "true", "parallel": "false"}
        self.notes.append(f"lines of '{self.text}' have different numbers of fields: what is not there is missing")

    def mend(self, error: Exception) -> None:
        """Change the options so that the next try may pass, or raise the error that the user has to mend."""
        message = str(error)
        if "is not latin-1 encoded" in message:
            raise no_text(self.text) from None
        if "Schema mismatch between globbed files" in message:
            raise _mismatch(self.text, message) from None
        mixed = _MIXED.search(message)
        if mixed and mixed[1] not in self.types and len(self.types) < _TRIES:
            self.types[mixed[1]] = "VARCHAR"
            self.notes.append(f"column {mixed[1]} of '{self.text}' has values of mixed types: it is read as text")
        elif mixed and "all_varchar" not in self.options:
            self.options["all_varchar"] = "true"
            self.notes.append(f"'{self.text}' has columns of mixed types: all are read as text")
        elif "xpected Number of Columns" in message and "null_padding" not in self.options:
            self.pad()
        elif "sample_size" not in self.options and not mixed:
            self.options["sample_size"] = "-1"
        elif "null_padding" not in self.options and not mixed:
            self.pad()
        else:
            raise unreadable(f"'{self.text}'", error) from None


def left_out(text: str, files: Sequence[Path], sql: Callable[[str], str], rows: Rows) -> list[str]:
    """Return a note for each file of several that has columns which the first one, by which all are read, lacks.

    ``sql`` makes the SELECT that reads one file, of its path as SQL.
    """
    if len(files) < 2:
        return []
    first, *others = ([str(row[0]) for row in rows(f"DESCRIBE {sql(literal(str(file)))}")] for file in files)
    notes = []
    for file, names in zip(files[1:], others, strict=True):
        extra = [quote(name) for name in names if name not in first]
        if extra:
            notes.append(
                f"'{text}' is read by the columns of its first file: '{file.name}' has {', '.join(extra)} besides, left out"
            )
    return notes


def no_text(text: str) -> DataError:
    """Return the error for a file whose bytes are no text in a code that is read."""
    hint = "save it as UTF-8 text, or give it the ending of its real format"
    return DataError(f"'{text}' is no text: it is neither UTF-8, UTF-16 nor Latin-1", code="D403", hint=hint)


def _refuse_binary(text: str, files: list[Path]) -> None:
    for file in files:
        if file.suffix.lower() in _PACKED:
            continue
        with file.open("rb") as opened:
            head = opened.read(_BLANK_LIMIT)
        marked = head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        if not marked and head.count(0) > _ZEROS * len(head):
            raise no_text(text)


def _mismatch(text: str, message: str) -> DataError:
    """Return the error for files of one source that are no parts of one table, naming the file that differs."""
    file = re.search(r"^Current file: *(.*)$", message, re.MULTILINE)
    column = re.search(r'^Column with name: "(.*)" is missing$', message, re.MULTILINE)
    which = f": '{Path(file[1]).name}' has no column '{column[1]}'" if file and column else ""
    hint = "name files with equal columns; FROM (SELECT * FROM read_csv('...', union_by_name = true)) joins others"
    return DataError(f"the files of '{text}' have different columns{which}", code="D403", hint=hint)


def unreadable(what: str, error: Exception) -> DataError:
    """Return the one error for a file that DuckDB cannot read, with the line at fault if it says one."""
    line = re.search(r"Error on Line: (\d+)\n(?:Original Line: [^\n]*\n)?([^\n]*)", str(error))
    reason = f"line {line[1]}: {line[2].strip()}" if line else first_line(error)
    return DataError(
        f"{what} cannot be read: {reason.rstrip('.')}",
        code="D403",
        hint="check that the file is whole and of the format its name says",
    )


def encoding_of(path: Path) -> str | None:
    """Return None for UTF-8, else ``utf-16`` or ``latin-1``: bytes that are no UTF-8 are some 8-bit code."""
    if path.suffix.lower() == ".zst":
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _opened(path) as file:
            while chunk := file.read(1 << 22):
                if chunk[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                    return "utf-16"
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    except (OSError, EOFError):  # not gzip after all: DuckDB says so when it reads the file
        return None
    return None


def _first_lines(path: Path, encoding: str, n: int) -> list[str]:
    if path.suffix.lower() == ".zst":
        return []
    with _opened(path) as file:
        head = file.read(1 << 20).decode(encoding, errors="replace")
    return head.splitlines()[:n]


def _opened(path: Path) -> IO[bytes]:
    packed = path.suffix.lower() == ".gz"
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")
