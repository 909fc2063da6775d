"""``ATTACH``: the tables of a database file become tables of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast
from mileage.results.report import Report

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_attach(session: Session, statement: ast.Attach, text: str, on_event: Listener | None) -> Report:
    """Attach the file and say which tables it has."""
    del text, on_event
    name = session.attach(statement.path, statement.name.text if statement.name is not None else None)
    tables = [table for table in session.database.table_names() if table.startswith(f"{name}.")]
    lines = (f"'{statement.path}' is attached as {name}: {', '.join(tables) or 'it has no tables'}",)
    return Report("attach", name, lines=lines, data={"name": name, "path": statement.path, "tables": tables})
