"""Reports on flows: one run, the log of versions, one of them, what differs between two."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mileage.catalog import VersionRecord
from mileage.core.units import format_bytes, format_seconds
from mileage.errors import DataError, UnknownRefError
from mileage.results.report import Report, Section
from mileage.session.approximate import compared, described, marked
from mileage.session.flow_errors import place
from mileage.session.iterate import Iteration, TaskReport
from mileage.session.version_diff import ADDED, AFFECTED, StepChange, step_changes
from mileage.session.version_metrics import is_metric
from mileage.session.version_tables import first_rows
from mileage.workflow import Action
from mileage.workflow.identity import UNSTABLE

if TYPE_CHECKING:
    from mileage.session.session import Session
    from mileage.session.version import Version, VersionDiff

_DONE = {Action.COMPUTE: "computed", Action.LOAD: "loaded", Action.PRUNE: "not needed"}
_MARKS = {"better": " (better)", "worse": " (worse)", "": ""}
_NUMBER = re.compile(r"v\d+$", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d][\w.-]*$")


def run_report(run: Iteration, *, every: bool = False) -> Report:
    """Return what a run of a flow gave, and for each step why it ran or did not; pruned steps only if ``every``."""
    counts = ", ".join(f"{run.count(action)} {word}" for action, word in _DONE.items())
    parent = f" from v{run.version.parent}" if run.version.parent else ""
    head = f"{run.version.ref}{parent} · {counts} · {format_seconds(run.seconds)} (forecast {format_seconds(run.forecast_s)})"
    steps = [task for task in run.tasks if every or task.action is not Action.PRUNE]
    cells = run.version.record["cells"]
    notes = [
        f"warning: {task.label} ({place(task.where, cells)}) {text}" for task in run.tasks for text in task.undeclared
    ]
    notes += [
        f"note: {kind}: {text}" for task in run.tasks for kind, text in task.identity.notes if kind not in UNSTABLE
    ]
    notes += [f"note: {text}" for text in run.version.record.get("notes", ())]
    return Report(
        "iteration",
        run.version.ref,
        (
            Section(
                "outputs",
                ("name", "value"),
                _outputs({**run.version.record["outputs"], **run.version.record["plain"]}, run.version),
            ),
            *first_rows(run.values),
            Section("steps", ("", "step", "line", "time", "why"), tuple(_step_row(task, cells) for task in steps)),
        ),
        (head, *described(run.version), *dict.fromkeys(notes)),
        {"version": run.version.ref, "flow": run.version.flow, **run.version.record},
    )


def log_report(session: Session, flow: str | None = None, *, most: int = 0) -> Report:
    """Return the versions of a flow, newest first, at most so many of them; all for 0."""
    flows = [name for _, name in session.catalog.flows.numbers()]
    n = len(flows) if flow is None else flows.count(flow)
    if flow is not None and not n:
        known = ", ".join(dict.fromkeys(flows)) or "no flow has run here yet"
        raise UnknownRefError(f"no flow '{flow}' has run here", hint=f"flows: {known}")
    shown = session.versions(flow, most=most or n)
    rows = [_log_row(version) for version in reversed(shown)]
    header = ("version", "when", "parent", "what changed", "metrics", "time", "reused", "tags", "flow")
    lines = () if len(shown) == n else (f"the last {len(shown)} of {n} versions",)
    data = {"n": n, "versions": [_log_data(version) for version in reversed(shown)]}
    return Report("log", "versions", (Section("versions", header, tuple(rows)),), lines, data)


def version_report(version: Version) -> Report:
    """Return one version: its outputs, what is kept with it, and what its steps did and why."""
    record = version.record.record
    kept = [(name, k["kind"], format_bytes(k["bytes"])) for name, k in version.kept.items()]
    sections = [Section("outputs", ("name", "value"), _outputs(version.outputs, version.record, version))]
    if kept:
        sections.append(Section(f"kept: mile show {version.ref} --save FOLDER", ("name", "kind", "size"), tuple(kept)))
    sections.append(explanation(version))
    tags = f" · {', '.join(version.record.tags)}" if version.record.tags else ""
    reused, n = version.reused
    head = f"{version.ref} of {version.record.flow} · {version.record.state} · {_when(version)}{tags}"
    spent = f"{reused} of {n} steps reused · {format_seconds(record['seconds'])} (forecast {format_seconds(record['forecast_s'])})"
    sources = [f"sources: {', '.join(version.sources)}"] if version.sources else []
    data = {**_log_data(version), **record, "steps": _explained(version)}
    return Report("version", version.ref, tuple(sections), (head, spent, *described(version.record), *sources), data)


def explain_report(version: Version) -> Report:
    """Return for each step why it ran, was loaded or was not needed, with predicted and real time."""
    parent = f" against v{version.record.parent}" if version.record.parent else ""
    head = f"{version.ref} of {version.record.flow}{parent}"
    return Report("explain", version.ref, (explanation(version),), (head,), {"steps": _explained(version)})


def explanation(version: Version) -> Section:
    """Return the table of what was done to each step and why."""
    rows = []
    for step in _explained(version):
        times = [_seconds(step["forecast_s"]), _seconds(step["seconds"])]
        rows.append((step["action"], step["step"], step["where"], *times, step["why"]))
    return Section("steps", ("", "step", "line", "forecast", "took", "why"), tuple(rows))


def diff_report(diff: VersionDiff) -> Report:
    """Return what differs between two versions: steps by the component that changed, its lines, and outputs."""
    old, new = diff.old, diff.new
    own = [change for change in diff.steps if change.state != AFFECTED]
    affected = [change.label for change in diff.steps if change.state == AFFECTED]
    rows = [(change.part, change.label, line) for change in own for line in _lines(change)]
    numbers = [
        (m.name, f"{m.old:.6g}", f"{m.new:.6g}", f"{m.difference:+.4g}", m.interval, m.verdict, m.basis)
        for m in diff.metrics
        if m.verdict != "equal"
    ]
    others = [
        (name, _output(old, name), _output(new, name))
        for name in diff.outputs
        if name not in {m.name for m in diff.metrics}
    ]
    sections = [
        Section("steps", ("part", "step", "change"), tuple(rows)),
        *_source_sections(own),
        Section("metrics", ("name", old.ref, new.ref, "difference", "95 % interval", "verdict", ""), tuple(numbers)),
        Section("outputs", ("name", old.ref, new.ref), tuple(others)),
    ]
    lines = [f"{old.ref} → {new.ref}: {summary(tuple(own))}"]
    lines += [f"affected by that: {', '.join(dict.fromkeys(affected))}"] if affected else []
    lines += compared(new.session, old.record, new.record)
    data = {
        "from": old.ref,
        "to": new.ref,
        "steps": [change.to_json() for change in diff.steps],
        "metrics": [m.to_json() for m in diff.metrics],
        "outputs": list(diff.outputs),
    }
    return Report("diff", f"{old.ref} → {new.ref}", tuple(s for s in sections if s.rows), tuple(lines), data)


def summary(changes: tuple[StepChange, ...]) -> str:
    """Return a difference in one line: of what part, and what."""
    if not changes:
        return "no step differs by itself"
    parts = " and ".join(dict.fromkeys(change.part for change in changes if change.part))
    said = dict.fromkeys(
        text for change in changes for text in ([c.text for c in change.changes] or [f"{change.label} {change.state}"])
    )
    listed = list(said)
    more = f" and {len(listed) - 2} more" if len(listed) > 2 else ""
    return f"{parts}: {'; '.join(listed[:2])}{more}"


def is_version(session: Session, ref: str) -> bool:
    """Say whether a reference means a version of a flow: ``v7``, ``@v7``, a tag, or ``last`` where a flow has run."""
    if ref == "last":
        return bool(session.catalog.flows.numbers())
    name = ref.removeprefix("@")
    return bool(_NUMBER.match(name)) or any(name in version.record.tags for version in session.versions())


def tag(session: Session, ref: str, name: str) -> Version:
    """Name a version.

    Raises
    ------
    DataError
        If the name could be taken for something else.
    """
    from mileage.session.statements.names import SHOWN, SHOWN_LATER

    plain = name.removeprefix("@")
    taken = {word for shown in (*SHOWN, *SHOWN_LATER) for word in (shown, shown.removesuffix("s"))}
    if (
        not _NAME.match(plain)
        or _NUMBER.match(plain)
        or plain.lower() in {*taken, "last"}
        or re.match(r"[qw]\d+$", plain)
    ):
        raise DataError(
            f"'{name}' cannot name a version", code="D461", hint="a letter first, then letters, digits, . - or _; no v7"
        )
    version = session.version(ref)
    session.catalog.flows.tag(version.record.id, plain)
    return session.version(plain)


# --- rows -------------------------------------------------------------------------------------------------------------


def _explained(version: Version) -> list[dict[str, Any]]:
    """Return for each step what was done and why; what changed is named from the difference to the parent."""
    record, parent = version.record.record, version.parent
    changed = {str(one.task): one for one in (step_changes(parent.side, version.side) if parent else ())}
    labels = {str(task.task): task.label for task in version.tasks}
    raw = {str(task["task"]): task for task in record["tasks"]}
    found = []
    for task in version.tasks:
        name, why = str(task.task), task.why
        change = changed.get(name)
        if task.action is Action.COMPUTE and task.seconds and change is not None and change.state != ADDED:
            inputs = [labels[i] for i in record["inputs"][name] if i in changed]
            why = change.text if change.changes else f"its input changed: {', '.join(dict.fromkeys(inputs))}"
        found.append({
            "action": _DONE[task.action], "step": task.label, "where": place(task.where, record["cells"]),
            "why": _named(why, record["cells"]), "part": record["kinds"].get(name, ""),
            "forecast_s": raw[name].get("forecast_s"), "seconds": task.seconds or None,
        })  # fmt: skip
    return found


def _lines(change: StepChange) -> list[str]:
    return [one.text for one in change.changes] or [change.text]


def _source_sections(changes: list[StepChange]) -> list[Section]:
    found = {one.text: one.source for change in changes for one in change.changes if one.source}
    return [Section(text, ("",), tuple((line,) for line in source)) for text, source in found.items()]


def _output(version: Version, name: str) -> str:
    return _text(version.outputs.get(name))


def _outputs(
    outputs: Mapping[str, Any], record: VersionRecord, version: Version | None = None
) -> tuple[tuple[str, str], ...]:
    marks = {name: _MARKS[version.mark(name)] if version else "" for name in outputs}
    return tuple((marked(record, name), _text(value) + marks[name]) for name, value in outputs.items())


def _step_row(task: TaskReport, cells: Mapping[str, str]) -> tuple[str, ...]:
    return (_DONE[task.action], task.label, place(task.where, cells), _seconds(task.seconds), _named(task.why, cells))


def _named(why: str, cells: Mapping[str, str]) -> str:
    """Return a reason in which cells are called by their numbers, and the flow's own names stand alone."""
    for file, name in cells.items():
        why = re.sub(rf"{re.escape(file)}:(\d+)", rf"{name}, line \1", why).replace(file, name)
    return re.sub(r"\b(?:__main__|mile_flow)\.", "", why)


def _seconds(seconds: float | None) -> str:
    return format_seconds(seconds) if seconds else ""


def _log_row(version: Version) -> tuple[str, ...]:
    record = version.record
    metrics = ", ".join(
        f"{marked(record, name)} {_text(value)}{_MARKS[version.mark(name)]}" for name, value in version.metrics.items()
    )
    reused, n = version.reused
    return (
        version.ref + ("" if record.state == "finished" else f" ({record.state})"),
        _when(version),
        f"v{record.parent}" if record.parent else "",
        summary(version.changes()) if record.parent else "first run",
        metrics,
        format_seconds(record.record["seconds"]),
        f"{reused}/{n}",
        ", ".join(record.tags),
        record.flow,
    )


def _log_data(version: Version) -> dict[str, Any]:
    record, (reused, n) = version.record, version.reused
    return {
        "version": version.ref, "flow": record.flow, "parent": f"v{record.parent}" if record.parent else None,
        "created": record.created, "state": record.state, "tags": list(record.tags),
        "changes": [change.to_json() for change in version.changes()], "outputs": dict(version.outputs),
        "marks": {name: version.mark(name) for name in version.metrics}, "seconds": record.record["seconds"],
        "reused": reused, "n_steps": n,
    }  # fmt: skip


def _when(version: Version) -> str:
    when = dt.datetime.fromtimestamp(version.record.created, dt.UTC).astimezone()
    return when.strftime("%Y-%m-%d %H:%M")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if is_metric(value):
        return f"{value:.6g}"
    first = str(value).splitlines() or [""]
    return first[0][:60] + (" …" if len(first) > 1 or len(first[0]) > 60 else "")
