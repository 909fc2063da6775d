"""Flows in files, notebooks and scripts: what they show is what is computed, in one run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from mileage.core.collector import seldom
from mileage.core.events import Listener
from mileage.errors import DataError, EngineError, MileError
from mileage.session.flow_errors import at_the_line, in_cells
from mileage.session.flow_sources import Sources, is_cell, notebook_name, recorded_sources
from mileage.session.iterate import Iteration, iterate
from mileage.workflow.flow import Deferred, deferred_in, node_of, planned, plans_in
from mileage.workflow.flow.node import upstream
from mileage.workflow.identity.library import is_library

if TYPE_CHECKING:
    from mileage.session.session import Session
    from mileage.workflow.flow.sample import Sample

MODULE = "mile_flow"
_recording: ContextVar[Shown | None] = ContextVar("mile_recording", default=None)


@dataclass
class Shown:
    """What a flow asked to see, by name, in order; ``plain`` has what was there without being computed."""

    values: dict[str, Deferred] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """Add a value; a name that is taken gets a number."""
        taken = name
        n = 2
        while taken in self.values or taken in self.plain:
            taken, n = f"{name} {n}", n + 1
        (self.values if isinstance(value, Deferred) else self.plain)[taken] = value


def show(*values: Any, **named: Any) -> None:
    """Ask for values of a flow, to be printed by name.

    In ``mile iterate`` all that is shown is computed in one run at the end of the file; elsewhere at once.

    Parameters
    ----------
    *values : object
        Named after the caller's variables.
    **named : object
        Named as given. What is no deferred value is shown, and kept, as it is.

    Examples
    --------
    In ``flow.py``, which ``mile iterate flow.py`` then runs:

    >>> import mileage
    >>> from mileage.session.flow_file import recorded
    >>> with recorded() as shown:
    ...     mileage.show(four=mileage.step(abs)(-4))
    >>> shown.values
    {'four': <deferred abs at ...>}
    """
    frame = sys._getframe(1)
    names = _names_in(frame)
    labeled = [(names.get(id(value)), planned(value)) for value in values]
    wanted = {name or _label(value): value for name, value in labeled} | planned(named)
    shown = _recording.get()
    if shown is None:
        made = _computed(wanted, frame, None, None, None)
        for name in wanted:
            print(f"{name}: {made[name]}")  # noqa: T201  (showing is what it is for)
        return
    for name, value in wanted.items():
        shown.add(name, value)


def compute(
    *values: Any, session: Session | None = None, flow: str | None = None, approximate: float | Sample | None = None
) -> Any:
    """Return the value of what comes later; tuples, lists and dicts with deferred values inside are filled.

    Parameters
    ----------
    *values : Deferred or DataOp of skrub, or tuple, list or dict of them
        More than one are computed in one run, and come back as a tuple.
    session : Session, optional
        Where it runs, and what it may reuse; the project of the working folder by default.
    flow : str, optional
        Name of the flow among the project's versions; the caller's file, or notebook, by default.
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
    made = _computed(planned(list(values)), sys._getframe(1), session, flow, approximate)
    return made[0] if len(values) == 1 else tuple(made)


def _computed(
    template: Any,
    frame: FrameType,
    session: Session | None,
    flow: str | None,
    approximate: float | Sample | None,
) -> Any:
    """Return a list or dict with values in place of what is deferred in it; they are one version."""
    named = _named_in(template, frame)
    if not named:
        return template
    if session is None:
        from mileage.session.session import connect

        with connect() as opened:
            run = _run_for(opened, named, frame, flow, approximate)
    else:
        run = _run_for(session, named, frame, flow, approximate)
    return _filled(template, {id(value): run.values[name] for name, value in named.items()})


def _run_for(
    session: Session,
    named: Mapping[str, Deferred],
    frame: FrameType,
    flow: str | None,
    approximate: float | Sample | None,
) -> Iteration:
    file, scope = frame.f_code.co_filename, frame.f_globals
    if is_cell(file):
        return run_values(session, named, flow=flow or notebook_name(scope), approximate=approximate)
    own = (Path(file), str(scope.get("__name__", "")))
    name = flow or Path(file).stem.strip("<>") or "flow"
    return run_values(session, named, flow=name, own=own, approximate=approximate)


def run_values(
    session: Session,
    named: Mapping[str, Deferred],
    *,
    flow: str,
    own: tuple[Path, str] | None = None,
    plain: Mapping[str, Any] | None = None,
    approximate: float | Sample | None = None,
) -> Iteration:
    """Compute deferred values that a script or a notebook asks for at once, as one version of it.

    ``own`` is the file that asks, with the name of its module; ``plain`` what else it shows.
    """
    with recorded_sources(session.project.root) as sources:
        sources.plain |= plain or {}
        if own is not None:
            sources.add_file(*own)
        try:
            return iterate(session, named, flow=flow, approximate=approximate)
        except EngineError as error:
            raise in_cells(error, sources.cells) from error


def _named_in(template: Any, frame: FrameType) -> dict[str, Deferred]:
    """Name the deferred values of a template: by the key they have in a dict, by the caller's variable, or as steps."""
    variables = _names_in(frame)
    keys = {id(value): str(key) for key, value in _items(template) if isinstance(value, Deferred)}
    shown = Shown()
    for value in {id(value): value for value in deferred_in(template)}.values():
        shown.add(keys.get(id(value)) or variables.get(id(value)) or _label(value), value)
    return shown.values


def _items(template: Any) -> list[tuple[Any, Any]]:
    if type(template) is dict:
        return list(template.items())
    return [item for inner in template for item in _items(inner)] if type(template) in {list, tuple} else []


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
    flow: str | None = None,
    on_event: Listener | None = None,
) -> Iteration:
    """Run a flow file: execute it, then compute in one run all that it shows; on a share of the rows if ``approximate``.

    A file that shows nothing is asked for the last values it made: those that no other step reads. The versions are those of
    ``flow``, by default the file's name.

    Raises
    ------
    DataError
        If there is no such file, or it makes no deferred value.
    EngineError
        If the file, or a step of it, fails: at the user's own line.
    """
    place = Path(path)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read '{path}': {error.strerror or error}", code="D402") from error
    with _as_module(place) as module, recorded() as shown, recorded_sources(_root(session, place)) as sources:
        sources.add_file(place, MODULE, content)
        _execute(place, content, module, sources)
        wanted = shown.values or last_values(vars(module))
        if not wanted:
            raise DataError(
                f"'{path}' shows nothing",
                code="D403",
                hint="show a deferred value: mileage.show(accuracy=model.score(X, y))",
            )
        sources.plain |= shown.plain
        run = iterate(session, wanted, flow=flow or place.stem, approximate=approximate, on_event=on_event)
        return replace(run, values={**run.values, **shown.plain})


def _execute(place: Path, content: bytes, module: ModuleType, sources: Sources) -> None:
    """Run the user's file, which makes deferred values; what fails in it is said at the user's line."""
    try:
        with seldom():
            exec(compile(content, str(place.resolve()), "exec"), vars(module))  # noqa: S102  (the user's own file)
    except MileError as error:
        raise at_the_line(error, sources.root) from error
    except Exception as error:
        raise at_the_line(error, sources.root, said=place.name) from error
    finally:
        sources.add_modules()


def _root(session: Session, place: Path) -> Path:
    """Return the folder that paths of sources are below: the project's, unless the flow lies elsewhere."""
    root = session.project.root.resolve()
    return root if place.resolve().is_relative_to(root) else place.resolve().parent


@contextmanager
def recorded() -> Iterator[Shown]:
    """Collect what is shown in this block, instead of computing it at once."""
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


def _names_in(frame: FrameType) -> dict[int, str]:
    return {id(value): name for name, value in {**frame.f_globals, **frame.f_locals}.items()}


def _label(value: Any) -> str:
    return node_of(value).node.label if isinstance(value, Deferred) else "value"


def last_values(scope: Mapping[str, Any]) -> dict[str, Deferred]:
    """Return the deferred variables, and plans of skrub, that no other such variable is made from."""
    named = {name: value for name, value in scope.items() if isinstance(value, Deferred) and not name.startswith("_")}
    named |= plans_in(scope)
    read = {port.node for value in named.values() for node in upstream([node_of(value)]) for port in node.inputs}
    return {name: value for name, value in named.items() if node_of(value).node not in read}
