"""``FROM`` and ``VALIDATE ON``: a source of the query becomes a dataset, or a mistake at its place."""

from __future__ import annotations

import re

from mileage.core.spans import Span
from mileage.data import Database, Dataset, SourceSpec, SqlError
from mileage.errors import DataError, MileError
from mileage.language import ast
from mileage.planner.mistakes import Mistakes, spell

_CANDIDATES = re.compile(r'"((?:[^"]|"")+)"')
_NO_FILES = re.compile(r"""No files found that match the pattern "([^"]+)"|Table with name (\S+\.\S+) does not exist""")


def bind_source(query: ast.Predict, database: Database, mistakes: Mistakes) -> Dataset | None:
    """Return the dataset of FROM, or note why there is none."""
    clause = query.clause(ast.From)
    if clause is None:
        hint = "add FROM 'file.csv', FROM table or FROM (SELECT ...)"
        mistakes.add("E203", "PREDICT says no data", query.span, hint=hint)
        return None
    return bind_from(clause.source, database, mistakes, clause.span)


def bind_from(source: ast.Source, database: Database, mistakes: Mistakes, span: Span | None) -> Dataset | None:
    """Return the dataset of a source; SQL mistakes are put at their place in the query's text."""
    try:
        return database.bind(source_spec(source))
    except SqlError as error:
        if isinstance(source, ast.SqlSource):
            _tell_sql(source.sql, error, database, mistakes)
        else:
            mistakes.add("E210", error.message, source.span or span, hint=error.hint)
    except DataError as error:
        _tell_data(source, error, database, mistakes, source.span or span)
    return None


def source_spec(source: ast.Source) -> SourceSpec:
    """Return what the data layer reads for a source of the language."""
    if isinstance(source, ast.FileSource):
        return SourceSpec("file", source.path)
    if isinstance(source, ast.TableSource):
        return SourceSpec("table", source.name.text)
    if isinstance(source, ast.FrameSource):
        return SourceSpec("frame", source.name)
    return SourceSpec("sql", source.sql.text)


def _tell_data(source: ast.Source, error: DataError, database: Database, mistakes: Mistakes, span: Span | None) -> None:
    if isinstance(source, ast.TableSource) and not (error.hint or "").startswith("did you mean"):
        file = _file_named(source.name.text, database)
        if file is not None:
            hint = None if span is not None else f"a file is named in single quotes: '{file}'"
            mistakes.add(
                error.code,
                f"{error.message}, but there is a file: single quotes name one",
                span,
                fix=f"'{file}'",
                hint=hint,
            )
            return
    mistakes.tell(error, span)


def _file_named(name: str, database: Database) -> str | None:
    """Return the file that a table's name may mean."""
    if (database.root / name).is_file():
        return name
    found = sorted(database.root.glob(f"{name}.*")) if re.fullmatch(r"\w+", name) else []
    return found[0].name if found else None


def _tell_sql(sql: ast.Sql, error: SqlError, database: Database, mistakes: Mistakes) -> None:
    missing = _NO_FILES.search(error.message)
    path = (missing[1] or missing[2]) if missing else ""
    if path and sql.span is not None and f"'{path}'" in sql.text:
        start = sql.span.start + sql.text.index(f"'{path}'")
        _tell_missing_file(path, database, mistakes, Span(start, start + len(path) + 2))
        return
    span = _sql_span(sql, error.position)
    near = (
        _CANDIDATES.search(error.hint or "")
        if "andidate" in (error.hint or "") and error.position is not None
        else None
    )
    mistakes.add("E210", error.message, span, fix=spell(near[1]) if near else None, hint=error.hint)


def _tell_missing_file(path: str, database: Database, mistakes: Mistakes, span: Span) -> None:
    from mileage.data.files import find_files

    try:
        find_files(path, database.root)
    except MileError as error:
        mistakes.tell(error, span, code="E210")
    else:
        mistakes.add("E210", f"no file '{path}'", span)


def _sql_span(sql: ast.Sql, position: int | None) -> Span | None:
    if sql.span is None or position is None:
        return sql.span
    start = sql.span.start + position
    rest = sql.text[position:]
    width = next((i for i, ch in enumerate(rest) if not (ch.isalnum() or ch in '_."')), len(rest)) or 1
    return Span(start, start + width)
