"""Database files that were attached: the project remembers them, so that later sessions find their tables."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.errors import CatalogError, DataError, MileError

if TYPE_CHECKING:
    from mileage.catalog import Project
    from mileage.data import Database

_FILE = "attached.json"


def attach(project: Project, database: Database, path: str | Path, name: str | None, *, remember: bool = True) -> str:
    """Attach a DuckDB or SQLite file, remember it, and return the name its tables have before the dot.

    Raises
    ------
    DataError
        If it is no such file, or the name stands for another one.
    CatalogError
        If the project folder cannot be written.
    """
    known = remembered(project)
    file = (database.root / Path(path).expanduser()).absolute()
    if file.is_file() and not is_sqlite(file) and not _is_duckdb(file):
        hint = f"query it as it is: FROM '{path}'"
        raise DataError(f"'{path}' is no DuckDB or SQLite database", code="D403", hint=hint)
    wanted = name or next((other for other, at in known.items() if at == str(file)), re.sub(r"\W", "_", file.stem))
    if known.get(wanted, str(file)) != str(file):
        hint = f"give another name: ATTACH '{path}' AS {wanted}2"
        raise DataError(f"{wanted} is the name of '{known[wanted]}' already", code="D413", hint=hint)
    made = database.attach(path, wanted)
    if remember and known.get(made) != str(file):
        _remember(project, known | {made: str(file)})
    return made


def is_sqlite(file: Path) -> bool:
    """Say whether a file is an SQLite database."""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(15) == b"SQLite format 3"
    return False


def _is_duckdb(file: Path) -> bool:
    with contextlib.suppress(OSError), file.open("rb") as opened:
        return opened.read(12)[8:] == b"DUCK"
    return False


def remembered(project: Project) -> dict[str, str]:
    """Return the attached files by name."""
    file = project.path / _FILE
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        hint = f"move it aside and attach again: mv '{file}' '{file}.broken'"
        raise CatalogError(f"'{file}' cannot be read", code="C703", hint=hint) from error
    return {str(name): str(path) for name, path in found.items()}


def attach_remembered(project: Project, database: Database) -> None:
    """Attach what the project remembers; a file that is gone is no table any more, and is named as such when asked for."""
    for name, path in remembered(project).items():
        with contextlib.suppress(MileError):
            database.attach(path, name)


def _remember(project: Project, known: dict[str, str]) -> None:
    try:
        number, part = tempfile.mkstemp(dir=project.path, prefix=f".{_FILE}.")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1, sort_keys=True)
        Path(part).replace(project.path / _FILE)
    except OSError as error:
        raise CatalogError(f"'{project.path}' cannot be written: {error.strerror}", code="C702") from error
