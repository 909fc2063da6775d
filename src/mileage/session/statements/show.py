"""``SHOW``: leaderboard, workflows, data, history, query."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mileage.core.events import Listener
from mileage.language import ast, format_node, handles, parse_query
from mileage.planner import explain_data
from mileage.results.report import Report, Section
from mileage.session.refs import LAST, query_record, result_of, trial_of

if TYPE_CHECKING:
    from mileage.session.session import Session


def run_show(session: Session, statement: ast.Show, text: str, on_event: Listener | None) -> Report:
    """Show one thing the project knows."""
    del text, on_event
    name = statement.what.text.lower()
    shown = _SHOWS.get(name) or _SHOWS[f"{name}s"]
    return shown(session, statement.of or LAST)


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
    """Show the query of a version, and the handles by which REFINE names its items."""
    record = query_record(session, ref)
    named = handles(parse_query(record.text))
    rows = tuple((handle, _kind(node), " ".join(format_node(node).split())) for handle, node in named.items())
    items = (Section("items that REFINE can name", ("handle", "clause", "item"), rows),) if rows else ()
    data = {"query": record.text, "ref": f"@q{record.id}", "handles": {h: format_node(n) for h, n in named.items()}}
    return Report("show", f"@q{record.id}", items, lines=(record.text,), data=data)


def _kind(node: ast.Node) -> str:
    clauses: dict[type, str] = {
        ast.Fact: "KNOWING",
        ast.Intent: "PREFER/REQUIRE",
        ast.Bound: "REQUIRE",
        ast.Assign: "WITH",
    }
    return clauses.get(type(node), "WITHOUT")


def _tables(session: Session, ref: ast.Ref) -> Report:
    """Show the tables and views of the attached databases and of the session's frames."""
    del ref
    names = session.database.table_names()
    rows = tuple((name,) for name in names)
    lines = () if rows else ("no table is attached: ATTACH 'file.duckdb' brings those of a database",)
    return Report(
        "show", "tables", (Section("tables", ("name",), rows),) if rows else (), lines, {"tables": list(names)}
    )


_SHOWS: dict[str, Callable[[Session, ast.Ref], Report]] = {
    "leaderboard": _leaderboard,
    "workflows": _workflows,
    "data": _data,
    "history": _history,
    "query": _query,
    "tables": _tables,
}
