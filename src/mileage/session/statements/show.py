"""``SHOW``: leaderboard, workflows, data, history, query."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.events import Listener
from mileage.core.near import near_matches
from mileage.errors import BindError, NotYetError
from mileage.language import ast
from mileage.planner import explain_data
from mileage.results.report import Report, Section
from mileage.session.refs import LAST, query_record, result_of, trial_of

if TYPE_CHECKING:
    from mileage.session.session import Session

_LATER = ("coverage", "slices", "lineage")


def run_show(session: Session, statement: ast.Show, text: str, on_event: Listener | None) -> Report:
    """Show one thing the project knows."""
    del on_event
    name = statement.what.text.lower()
    shown = _SHOWS.get(name) or _SHOWS.get(f"{name}s")
    if shown is not None:
        return shown(session, statement.of or LAST)
    if name in _LATER:
        message = f"SHOW {name} is not executed yet"
        raise NotYetError(
            [Diagnostic("E302", message, statement.span, hint=f"executed: {', '.join(_SHOWS)}")], source=text
        )
    near, span = near_matches(name, _SHOWS), statement.what.span
    fixes = (Fix(span, near[0]),) if near and span else ()
    hint = f"known: {', '.join(_SHOWS)}"
    raise BindError([Diagnostic("E217", f"nothing to show named '{name}'", span, fixes, hint)], source=text)


def _leaderboard(session: Session, ref: ast.Ref) -> Report:
    result = result_of(session, ref)
    return Report("show", "leaderboard", lines=(result.text(),), data=result.to_json() | {"kind": "show"})


def _workflows(session: Session, ref: ast.Ref) -> Report:
    result = result_of(session, ref)
    chosen = [trial_of(session, ref)] if ref.part or ref.name.startswith(("w", "best")) else result.leaderboard.ranked
    sections = []
    for trial in chosen:
        assert trial.workflow is not None
        rows = tuple(
            (s.name, str(s.spec) if s.spec else "join" if s.inputs else "read", ", ".join(s.inputs or s.columns)[:60])
            for s in trial.workflow.steps
        )
        sections.append(Section(trial.describe, ("step", "does", "from"), rows))
    return Report("show", "workflows", tuple(sections))


def _data(session: Session, ref: ast.Ref) -> Report:
    return Report("show", "data", explain_data(result_of(session, ref).plan))


def _history(session: Session, ref: ast.Ref) -> Report:
    del ref
    runs = {run.query_id: run for run in session.catalog.runs()}
    rows = []
    for query in session.catalog.queries():
        run = runs.get(query.id)
        parent = f"@q{query.parent}" if query.parent else ""
        rows.append(
            (f"@q{query.id}", parent, run.state if run else "", query.name or "", " ".join(query.text.split())[:80])
        )
    return Report("show", "history", (Section("history", ("ref", "from", "state", "name", "query"), tuple(rows)),))


def _query(session: Session, ref: ast.Ref) -> Report:
    record = query_record(session, ref)
    return Report("show", f"@q{record.id}", lines=(record.text,), data={"query": record.text, "ref": f"@q{record.id}"})


_SHOWS: dict[str, Callable[[Session, ast.Ref], Report]] = {
    "leaderboard": _leaderboard,
    "workflows": _workflows,
    "data": _data,
    "history": _history,
    "query": _query,
}
