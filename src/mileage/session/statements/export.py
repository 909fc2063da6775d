"""``EXPORT``: take a workflow away as a scikit-learn script or a skops file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast
from mileage.results.report import Report
from mileage.session.export import export_skops, script_of
from mileage.session.refs import result_of, trial_of

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_export(session: Session, statement: ast.Export, text: str, on_event: Listener | None) -> Report:
    """Write the workflow to the path; without AS, the format follows the file's ending."""
    del text, on_event
    name = (
        statement.format.text.lower()
        if statement.format
        else ("skops" if statement.path.endswith(".skops") else "sklearn")
    )
    result, trial = result_of(session, statement.ref), trial_of(session, statement.ref)
    there = Path(statement.path).exists()
    lines = [f"{statement.ref} written to {statement.path} as {name}" + (", which was there before" if there else "")]
    data = {"path": statement.path, "format": name, "replaced": there}
    if name == "sklearn":
        script_of(result, trial, statement.path)
    else:
        trusted = export_skops(result, trial, statement.path)
        data |= {"trusted": list(trusted)}
        lines.append(f"to load it: skops.io.load({statement.path!r}, trusted={list(trusted)})")
    return Report("export", lines[0], lines=tuple(lines), data=data)
