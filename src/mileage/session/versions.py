"""Reports on flows: one run, the log of versions, what differs between two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mileage.catalog import VersionRecord
from mileage.core.units import format_seconds
from mileage.results.report import Report, Section
from mileage.session.approximate import compared, described, marked
from mileage.session.iterate import Iteration, TaskReport, reports_of
from mileage.workflow import Action
from mileage.workflow.identity import UNSTABLE, changes

if TYPE_CHECKING:
    from mileage.session.session import Session

_DONE = {Action.COMPUTE: "computed", Action.LOAD: "loaded", Action.PRUNE: "not needed"}


def run_report(run: Iteration, *, every: bool = False) -> Report:
    """Return what a run of a flow gave, and for each step why it ran or did not; pruned steps only if ``every``."""
    counts = ", ".join(f"{run.count(action)} {word}" for action, word in _DONE.items())
    parent = f" from v{run.version.parent}" if run.version.parent else ""
    head = f"{run.version.ref}{parent} · {counts} · {format_seconds(run.seconds)} (forecast {format_seconds(run.forecast_s)})"
    steps = [task for task in run.tasks if every or task.action is not Action.PRUNE]
    notes = [f"warning: {task.label} ({task.where}) {text}" for task in run.tasks for text in task.undeclared]
    notes += [
        f"note: {kind}: {text}" for task in run.tasks for kind, text in task.identity.notes if kind not in UNSTABLE
    ]
    notes += [f"note: {text}" for text in run.version.record.get("notes", ())]
    return Report(
        "iteration",
        run.version.ref,
        (
            Section("outputs", ("name", "value"), _outputs(run.version)),
            Section("steps", ("", "step", "line", "time", "why"), tuple(_step_row(task) for task in steps)),
        ),
        (head, *described(run.version), *dict.fromkeys(notes)),
        {"version": run.version.ref, "flow": run.version.flow, **run.version.record},
    )


def log_report(session: Session, flow: str | None = None) -> Report:
    """Return the versions of a flow, newest first."""
    rows = [_log_row(version) for version in reversed(session.catalog.flows.versions(flow))]
    header = ("version", "flow", "parent", "when", "computed", "time", "outputs", "tags")
    return Report("log", "versions", (Section("versions", header, tuple(rows)),), data={"n": len(rows)})


def version_report(session: Session, ref: str) -> Report:
    """Return one version: its outputs, and what its steps did and why."""
    version = session.catalog.flows.version(ref)
    steps = [task for listed in reports_of(version).values() for task in listed]
    sections = (
        Section("outputs", ("name", "value"), _outputs(version)),
        Section("steps", ("", "step", "line", "time", "why"), tuple(_step_row(task) for task in steps)),
    )
    lines = (f"{version.ref} of {version.flow} · {version.state}", *described(version))
    return Report("version", version.ref, sections, lines, {"version": version.ref, **version.record})


def diff_report(session: Session, one: str, other: str) -> Report:
    """Return what differs between two versions: steps by their names, and outputs."""
    old, new = session.catalog.flows.version(one), session.catalog.flows.version(other)
    rows = _step_changes(reports_of(old), reports_of(new))
    outputs = _output_changes(old.record["outputs"], new.record["outputs"])
    sections = (
        Section("steps", ("step", "change"), tuple(rows)),
        Section("outputs", ("name", old.ref, new.ref, "difference"), tuple(outputs)),
    )
    data = {"from": old.ref, "to": new.ref}
    lines = (f"{old.ref} → {new.ref}", *compared(session, old, new))
    return Report("diff", f"{old.ref} → {new.ref}", sections, lines, data)


def _step_changes(old: Mapping[str, list[TaskReport]], new: Mapping[str, list[TaskReport]]) -> list[tuple[str, str]]:
    rows = []
    for label in dict.fromkeys([*old, *new]):
        was, now = old.get(label, []), new.get(label, [])
        for i in range(max(len(was), len(now))):
            if i >= len(was):
                rows.append((label, f"new at {now[i].where}"))
            elif i >= len(now):
                rows.append((label, f"removed (was at {was[i].where})"))
            elif was[i].identity.key != now[i].identity.key:
                rows.append((label, "; ".join(changes(was[i].identity, now[i].identity)) or "its arguments changed"))
    return rows


def _output_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    rows = []
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was != now:
            rows.append((name, _text(was), _text(now), _difference(was, now)))
    return rows


def _difference(was: Any, now: Any) -> str:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (was, now))
    return f"{now - was:+.6g}" if numbers else "differs"


def _outputs(version: VersionRecord) -> tuple[tuple[str, str], ...]:
    return tuple((marked(version, name), _text(value)) for name, value in version.record["outputs"].items())


def _step_row(task: TaskReport) -> tuple[str, ...]:
    spent = format_seconds(task.seconds) if task.seconds else ""
    return (_DONE[task.action], task.label, task.where, spent, task.why)


def _log_row(version: VersionRecord) -> tuple[str, ...]:
    when = dt.datetime.fromtimestamp(version.created, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    tasks = version.record["tasks"]
    done = sum(task["action"] == Action.COMPUTE for task in tasks)
    outputs = ", ".join(f"{marked(version, name)} {_text(v)}" for name, v in version.record["outputs"].items())
    parent = f"v{version.parent}" if version.parent else ""
    spent = format_seconds(version.record["seconds"])
    state = "" if version.state == "finished" else f" ({version.state})"
    return (
        version.ref + state,
        version.flow,
        parent,
        when,
        f"{done}/{len(tasks)}",
        spent,
        outputs,
        ", ".join(version.tags),
    )


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    first = str(value).splitlines() or [""]
    return first[0][:60] + (" …" if len(first) > 1 or len(first[0]) > 60 else "")
