"""What differs between two versions of a flow: which steps, of what part, and in what component."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mileage.core.excerpt import excerpts
from mileage.session.flow_errors import place
from mileage.session.iterate import TaskReport
from mileage.session.version_source import assignment_line, difference, segment
from mileage.workflow.identity import Identity, Part

CODE, PARAMETER, DATA, LIBRARY = "code", "parameter", "data", "library"
ADDED, REMOVED, CHANGED, AFFECTED = "added", "removed", "changed", "affected"
_FILE = re.compile(r"^File\(['\"].*?([^/\\'\"]*)['\"]\)$")
_TABLES = ("array(", "<pandas", "<polars", "DataFrame", "   ")

Text = Callable[[str], str | None]  # a kept file's text, by the module's name or by the file's


@dataclass(frozen=True, slots=True)
class Change:
    """One component that changed: ``kind`` is code, parameter, data or library; ``source`` the lines that differ."""

    kind: str
    component: str
    text: str
    where: str = ""
    old: str = ""
    new: str = ""
    source: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain data."""
        made = {name: getattr(self, name) for name in self.__slots__}
        return made | {"source": list(self.source)}


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step of two versions; ``state`` is added, removed, changed (by itself) or affected (by what it is given)."""

    label: str
    state: str
    part: str
    where: str
    changes: tuple[Change, ...] = ()
    task: str = ""

    @property
    def text(self) -> str:
        """What is said of it in one line."""
        if self.state in {ADDED, REMOVED}:
            return f"{self.state} (at {self.where})" if self.state == ADDED else f"removed (was at {self.where})"
        return "; ".join(change.text for change in self.changes) or "its input changed"

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain data."""
        return {
            "step": self.label, "state": self.state, "part": self.part, "where": self.where,
            "changes": [change.to_json() for change in self.changes],
        }  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One of the two versions: its tasks in order, the part each plays, and how to read its sources."""

    tasks: tuple[TaskReport, ...]
    parts: Mapping[str, str]
    text: Text
    cells: Mapping[str, str]

    def part(self, task: TaskReport) -> str:
        """Return the part a step plays."""
        return self.parts.get(str(task.task), "")


def step_changes(old: Side, new: Side) -> tuple[StepChange, ...]:
    """Return the steps that differ, in the order of the new version, removed ones last."""
    pairs = _paired(old.tasks, new.tasks)
    found = []
    for now in new.tasks:
        was = pairs.get(id(now))
        if was is None:
            found.append(StepChange(now.label, ADDED, new.part(now), place(now.where, new.cells), (), str(now.task)))
        elif was.task != now.task:
            made = component_changes(was.identity, now.identity, old, new)
            equal = was.identity.key == now.identity.key
            if not made and not equal:
                made = (Change(PARAMETER, "arguments", "its arguments changed", place(now.where, new.cells)),)
            state = AFFECTED if equal else CHANGED
            found.append(StepChange(now.label, state, new.part(now), place(now.where, new.cells), made, str(now.task)))
    taken = {id(was) for was in pairs.values()}
    gone = [was for was in old.tasks if id(was) not in taken]
    return (
        *found,
        *(StepChange(was.label, REMOVED, old.part(was), place(was.where, old.cells)) for was in gone),
    )


def _paired(old: tuple[TaskReport, ...], new: tuple[TaskReport, ...]) -> dict[int, TaskReport]:
    """Pair each new step with the old one it was: the same task, else the same code, line or place of its name."""
    left: list[TaskReport] = list(old)
    pairs: dict[int, TaskReport] = {}
    for same in _ALIKE:
        for now in new:
            if id(now) in pairs:
                continue
            was = next((one for one in left if same(one, now)), None)
            if was is not None:
                pairs[id(now)] = was
                left.remove(was)
    return pairs


_ALIKE: tuple[Callable[[TaskReport, TaskReport], bool], ...] = (
    lambda a, b: a.task == b.task,
    lambda a, b: a.label == b.label and a.identity.key == b.identity.key,
    lambda a, b: a.label == b.label and a.where == b.where,
    lambda a, b: a.label == b.label,
)


# --- components -------------------------------------------------------------------------------------------------------


def component_changes(old: Identity, new: Identity, before: Side, after: Side) -> tuple[Change, ...]:
    """Return what differs between two identities, each with its kind."""
    was, now = ({(p.kind, p.name): p for p in identity.parts} for identity in (old, new))
    own = next((p.name for p in new.parts if p.kind == "function"), "")
    found = [_component(was.get(key), now.get(key), own, before, after) for key in dict.fromkeys([*was, *now])]
    return tuple(change for change in found if change is not None)


def _component(was: Part | None, now: Part | None, own: str, before: Side, after: Side) -> Change | None:
    if was is None or now is None:
        return _come_or_gone(was, now, after if now else before)
    if was.digest == now.digest:
        return None
    if now.kind == "library":
        return Change(LIBRARY, now.name, f"{was.shown} -> {now.shown}", "", was.shown, now.shown)
    if now.kind == "argument":
        return _argument(was, now)
    if now.kind == "global":
        return _global(was, now, after)
    return _code(was, now, own, before, after)


def _come_or_gone(was: Part | None, now: Part | None, side: Side) -> Change | None:
    part = now or was
    assert part is not None
    name = _short(part.name, side)
    kind = {"library": LIBRARY, "argument": PARAMETER, "global": PARAMETER}.get(part.kind, CODE)
    word = {"function": "helper ", "class": "class ", "module": "module ", "library": "library "}.get(part.kind, "")
    where = place(part.where, side.cells)
    shown = f" = {part.shown}" if part.kind in {"argument", "global"} else ""
    if now is not None:
        at = f" at {where}" if where else ""
        return Change(kind, name, f"now reads {word}`{name}`{shown}{at}", where, "", part.shown)
    return Change(kind, name, f"no longer reads {word}`{name}`", where, part.shown, "")


def _argument(was: Part, now: Part) -> Change:
    old, new = _FILE.match(was.shown), _FILE.match(now.shown)
    if old and new:
        text = f"{new[1]} has other content" if old[1] == new[1] else f"reads {new[1]} instead of {old[1]}"
        return Change(DATA, new[1], text, "", old[1], new[1])
    if was.shown == now.shown:
        kind = DATA if any(mark in now.shown for mark in _TABLES) else PARAMETER
        return Change(kind, now.name, f"{now.name} has another value", "", was.shown, now.shown)
    kind = (
        CODE if now.name == "text" and now.shown.lstrip("'\"( ").upper().startswith(("SELECT", "WITH")) else PARAMETER
    )
    old_text, new_text = excerpts(was.shown, now.shown)
    return Change(kind, now.name, f"{now.name}: {old_text} -> {new_text}", "", was.shown, now.shown)


def _global(was: Part, now: Part, after: Side) -> Change:
    name = _short(now.name, after)
    text = after.text(_module(now.name, after)) or ""
    line = assignment_line(text, name)
    where = place(f"{now.where}:{line}" if line else now.where, after.cells)
    value = f": {was.shown} -> {now.shown}" if was.shown != now.shown else " has another value"
    return Change(PARAMETER, name, f"`{name}`{value} at {where}", where, was.shown, now.shown)


def _code(was: Part, now: Part, own: str, before: Side, after: Side) -> Change:
    name = _short(now.name, after)
    file, _, line = now.where.rpartition(":")
    source, changed = difference(_segment(was, before), _segment(now, after))
    where = place(f"{file}:{changed or line}" if file else now.where, after.cells)
    word = {"class": "class ", "module": "module "}.get(now.kind, "" if now.name == own else "helper ")
    return Change(CODE, name, f"{word}`{name}` edited at {where}", where, source=source)


def _segment(part: Part, side: Side) -> Any:
    file, _, line = part.where.rpartition(":")
    module = _module(part.name, side)
    text = side.text(file if file in side.cells else module)
    qualname = part.name.removeprefix(f"{module}.")
    return segment(text, qualname, int(line) if line.isdigit() else 0) if text is not None else None


def _module(name: str, side: Side) -> str:
    """Return the longest kept module that a dotted name begins with."""
    words = name.split(".")
    for n in range(len(words) - 1, 0, -1):
        if side.text(".".join(words[:n])) is not None:
            return ".".join(words[:n])
    return words[0]


def _short(name: str, side: Side) -> str:
    module = _module(name, side)
    return name.removeprefix(f"{module}.").replace("<locals>.", "").rpartition(" closure.")[2]
