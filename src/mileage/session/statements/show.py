"""``SHOW``: leaderboard, workflows, data, history, query."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.core.events import Listener
from mileage.core.units import format_seconds
from mileage.errors import DataError, QueryError, UnknownRefError
from mileage.language import ast, format_node, handles, parse_query
from mileage.planner import explain_data
from mileage.results.drawing import workflow_graph
from mileage.results.report import Report, Section
from mileage.results.search_report import search_report
from mileage.session.refs import LAST, is_workflow, query_record, result_of, trial_of
from mileage.session.reopen import recorded

if TYPE_CHECKING:
    from mileage.catalog import RunRecord
    from mileage.session.result import Result
    from mileage.session.session import Session
    from mileage.workflow import Step


def run_show(session: Session, statement: ast.Show, text: str, on_event: Listener | None) -> Report | Shown:
    """Show one thing the project knows."""
    del text, on_event
    name = statement.what.text.lower()
    shown = _SHOWS.get(name) or _SHOWS[f"{name}s"]
    return shown(session, statement.of or LAST)


@dataclass(frozen=True)
class Shown:
    """The answer of an earlier query, shown again."""

    result: Result
    kind: str = "show"
    title: str = "leaderboard"

    def text(self, *, width: int = 120) -> str:
        """Return the answer as it was first shown."""
        return self.result.text(width=width)

    def styled(self, *, width: int = 120) -> list[tuple[str, str]]:
        """Return the lines of :meth:`text` with their styles."""
        return self.result.styled(width=width)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as one plain object."""
        return self.result.to_json() | {"kind": self.kind}

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.result._repr_html_()


def _leaderboard(session: Session, ref: ast.Ref) -> Shown | Report:
    record = query_record(session, ref)
    try:
        return Shown(result_of(session, ref))
    except (UnknownRefError, DataError, QueryError) as error:
        board = recorded(session, record)
        if board is None:
            raise
        lines = (f"@q{record.id}, as it was kept: {error.message}", *board.text().splitlines())
        return Report("show", "leaderboard", lines=lines, data=board.to_json() | {"query": f"@q{record.id}"})


def _workflows(session: Session, ref: ast.Ref) -> Report:
    result = result_of(session, ref)
    chosen = [trial_of(session, ref)] if is_workflow(ref) else result.leaderboard.ranked
    sections, graphs = [], []
    for trial in chosen:
        assert trial.workflow is not None
        name = f"@q{result.query_id}.{result.leaderboard.ref_of(trial) or 'single'}"
        rows = tuple((s.name, _does(s), ", ".join(s.inputs or s.columns)) for s in trial.workflow.steps)
        sections.append(Section(f"{name}  {trial.describe}", ("step", "does", "from"), rows))
        graphs.append(workflow_graph(trial.workflow, f"{name}  {trial.describe}"))
    return Report("show", "workflows", tuple(sections), graphs=tuple(graphs))


def _does(step: Step) -> str:
    if step.is_blend:
        return f"mean, by the weights {', '.join(f'{weight:.2g}' for weight in step.weights)}"
    if step.columns and step.context:
        return f"make up rows ({', '.join(f'{name} = {value}' for name, value in step.context)})"
    return str(step.spec) if step.spec else ("read" if step.columns else "join")


def _data(session: Session, ref: ast.Ref) -> Report:
    return Report("show", "data", explain_data(result_of(session, ref).plan))


def _history(session: Session, ref: ast.Ref) -> Report:
    """Return all versions of queries with their runs, oldest first; a version that was not run has no state."""
    del ref
    runs: dict[int, list[RunRecord]] = {}
    for run in session.catalog.runs():
        runs.setdefault(run.query_id, []).append(run)
    header = ("ref", "from", "name", "run", "state", "started", "took", "trials", "query")
    rows = []
    for query in session.catalog.queries():
        named = (f"@q{query.id}", f"@q{query.parent}" if query.parent else "", query.name or "")
        text = " ".join(query.text.split())
        rows += [(*named, *_run_cells(run), text) for run in runs.get(query.id, [])] or [
            (*named, "", "", "", "", "", text)
        ]
    used = [i for i in range(len(header)) if header[i] not in {"from", "name"} or any(row[i] for row in rows)]
    table = tuple(tuple(row[i] for i in used) for row in rows)
    return Report("show", "history", (Section("history", tuple(header[i] for i in used), table),))


def _run_cells(run: RunRecord) -> tuple[str, ...]:
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    took = format_seconds(run.seconds) if run.seconds is not None else ""
    return str(run.id), run.state, started, took, str(run.n_trials)


def _search(session: Session, ref: ast.Ref) -> Report:
    result = result_of(session, ref)
    return search_report(result.leaderboard, result.seconds, f"@q{result.query_id}")


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


_SHOWS: dict[str, Callable[[Session, ast.Ref], Report | Shown]] = {
    "leaderboard": _leaderboard,
    "workflows": _workflows,
    "data": _data,
    "history": _history,
    "query": _query,
    "search": _search,
    "tables": _tables,
}
