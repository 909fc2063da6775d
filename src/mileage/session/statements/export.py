"""``EXPORT``: take a workflow away as a scikit-learn script or a skops file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic
from mileage.core.events import Listener
from mileage.core.near import near_matches
from mileage.errors import BindError
from mileage.language import ast
from mileage.results.report import Report
from mileage.session.export import export_skops, script_of
from mileage.session.refs import result_of, trial_of

if TYPE_CHECKING:
    from mileage.session.session import Session

_FORMATS = ("sklearn", "skops")


def run_export(session: Session, statement: ast.Export, text: str, on_event: Listener | None) -> Report:
    """Write the workflow to the path; without AS, the format follows the file's ending."""
    del on_event
    name = (
        statement.format.text.lower()
        if statement.format
        else ("skops" if statement.path.endswith(".skops") else "sklearn")
    )
    if name not in _FORMATS:
        near = near_matches(name, _FORMATS)
        span = statement.format.span if statement.format else statement.span
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_FORMATS)}"
        raise BindError([Diagnostic("E216", f"no export format '{name}'", span, hint=hint)], source=text)
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
