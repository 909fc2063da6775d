"""Flows in files, notebooks and scripts: what they show is what is computed, in one run."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mileage.core.events import Listener
from mileage.errors import DataError
from mileage.session.iterate import Iteration, iterate
from mileage.workflow.flow import Deferred, deferred_in, node_of
from mileage.workflow.flow.node import upstream
from mileage.workflow.identity.library import is_library

if TYPE_CHECKING:
    from mileage.session.session import Session
    from mileage.workflow.flow.sample import Sample

MODULE = "mile_flow"
_recording: ContextVar[Shown | None] = ContextVar("mile_recording", default=None)


@dataclass
class Shown:
    """What a flow asked to see, by name, in order."""

    values: dict[str, Deferred] = field(default_factory=dict)

    def add(self, name: str, value: Deferred) -> None:
        """Add a value; a name that is taken gets a number."""
        taken = name
        n = 2
        while taken in self.values:
            taken, n = f"{name} {n}", n + 1
        self.values[taken] = value


def show(*values: Any, **named: Any) -> None:
    """Ask for values of a flow, to be printed by name.

    In ``mile iterate`` all that is shown is computed in one run at the end of the file; elsewhere at once.

    Parameters
    ----------
    *values : Deferred
        Named after the caller's variables.
    **named : Deferred
        Named as given.

    Examples
    --------
    In ``flow.py``, which ``mile iterate flow.py`` then runs:

    >>> import mileage
    >>> with _recorded() as shown:
    ...     mileage.show(four=mileage.step(abs)(-4))
    >>> shown.values
    {'four': <deferred abs at ...>}
    """
    names = _names_in(sys._getframe(1))
    wanted = {names.get(id(value), _label(value)): value for value in values} | named
    shown = _recording.get()
    if shown is None:
        values_of = compute(dict(wanted))
        for name in wanted:
            print(f"{name}: {values_of[name]}")  # noqa: T201  (showing is what it is for)
        return
    for name, value in wanted.items():
        if isinstance(value, Deferred):
            shown.add(name, value)


def compute(
    *values: Any, session: Session | None = None, flow: str | None = None, approximate: float | Sample | None = None
) -> Any:
    """Return the value of what comes later; tuples, lists and dicts with deferred values inside are filled.

    Parameters
    ----------
    *values : Deferred, or tuple, list or dict of them
        More than one are computed in one run, and come back as a tuple.
    session : Session, optional
        Where it runs, and what it may reuse; the project of the working folder by default.
    flow : str, optional
        Name of the flow among the project's versions; the caller's file by default.
    approximate : float, optional
        Learn from this share of the rows, for a quick answer; what no model is behind is exact all the same.

    Examples
    --------
    >>> import tempfile
    >>> import mileage
    >>> four = mileage.step(abs)(-4)
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     mileage.compute(four + 1, session=session, flow="sum")
    5
    """
    found = deferred_in(list(values))
    flow = flow or Path(sys._getframe(1).f_code.co_filename).stem.strip("<>") or "flow"
    if session is None:
        from mileage.session.session import connect

        with connect() as opened:
            made = _filled(list(values), _values_of(opened, found, flow, approximate))
    else:
        made = _filled(list(values), _values_of(session, found, flow, approximate))
    return made[0] if len(values) == 1 else tuple(made)


def _values_of(
    session: Session, found: list[Deferred], flow: str, approximate: float | Sample | None
) -> dict[int, Any]:
    if not found:
        return {}
    named = {f"{node_of(value).node.label} {i}": value for i, value in enumerate(found)}
    run = iterate(session, named, flow=flow, approximate=approximate)
    return {id(value): made for value, made in zip(found, run.values.values(), strict=True)}


def _filled(template: Any, values: Mapping[int, Any]) -> Any:
    if isinstance(template, Deferred):
        return values[id(template)]
    if type(template) in {tuple, list}:
        return type(template)(_filled(item, values) for item in template)
    if type(template) is dict:
        return {key: _filled(item, values) for key, item in template.items()}
    return template


def run_file(
    session: Session,
    path: str | Path,
    *,
    approximate: float | Sample | None = None,
    on_event: Listener | None = None,
) -> Iteration:
    """Run a flow file: execute it, then compute in one run all that it shows; on a share of the rows if ``approximate``.

    A file that shows nothing is asked for the last values it made: those that no other step reads.

    Raises
    ------
    DataError
        If there is no such file, or it makes no deferred value.
    """
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror or error}", code="D402") from error
    with _as_module(place) as module, _recorded() as shown:
        exec(compile(text, str(place.resolve()), "exec"), vars(module))  # noqa: S102  (the user's own file)
        wanted = shown.values or _last_values(vars(module))
        if not wanted:
            raise DataError(
                f"'{path}' shows nothing",
                code="D403",
                hint="show a deferred value: mileage.show(accuracy=model.score(X, y))",
            )
        return iterate(session, wanted, flow=place.stem, approximate=approximate, on_event=on_event)


def watch(path: str | Path, changed: Callable[[], None], *, poll_s: float = 0.3) -> None:
    """Call ``changed`` now and whenever a Python file beside ``path`` is saved, until Ctrl-C."""
    folder, before = Path(path).resolve().parent, None
    while True:
        now = {str(p): p.stat().st_mtime_ns for p in sorted(folder.glob("*.py"))}
        if now != before:
            before = now
            changed()
        time.sleep(poll_s)


@contextmanager
def _recorded() -> Iterator[Shown]:
    shown = Shown()
    token = _recording.set(shown)
    try:
        yield shown
    finally:
        _recording.reset(token)


@contextmanager
def _as_module(place: Path) -> Iterator[ModuleType]:
    """Give a file a module to run in, with its own folder first on the path; its helpers are imported anew each time."""
    module = ModuleType(MODULE)
    module.__file__ = str(place.resolve())
    folder = str(place.resolve().parent)
    before = sys.modules.get(MODULE)
    sys.modules[MODULE] = module
    sys.path.insert(0, folder)
    # Python takes a compiled helper for fresh if its size and its second of time are the same: here it shall not be kept
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    importlib.invalidate_caches()
    _forget(folder)
    try:
        yield module
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = writes
        _forget(folder)
        if before is None:
            sys.modules.pop(MODULE, None)
        else:
            sys.modules[MODULE] = before


def _forget(folder: str) -> None:
    """Let the user's own modules be imported anew: they may be edited, or another project's of the same name."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != MODULE and isinstance(file, str) and file.startswith(folder) and not is_library(name):
            del sys.modules[name]


def _names_in(frame: Any) -> dict[int, str]:
    return {id(value): name for name, value in {**frame.f_globals, **frame.f_locals}.items()}


def _label(value: Any) -> str:
    return node_of(value).node.label if isinstance(value, Deferred) else str(value)


def _last_values(scope: Mapping[str, Any]) -> dict[str, Deferred]:
    """Return the deferred variables that no other deferred variable is made from."""
    named = {name: value for name, value in scope.items() if isinstance(value, Deferred) and not name.startswith("_")}
    read = {port.node for value in named.values() for node in upstream([node_of(value)]) for port in node.inputs}
    return {name: value for name, value in named.items() if node_of(value).node not in read}
