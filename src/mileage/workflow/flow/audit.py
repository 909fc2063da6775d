"""What a step reads or draws while it runs that is no input of it: files, databases, other machines, random numbers.

Python tells an audit hook of every file it opens; :mod:`mileage.workflow.flow.readers` hears of those that DuckDB, Polars
and Arrow open without it, and :mod:`mileage.workflow.flow.chance` of random numbers. Any other library that opens files
without Python is not seen, nor is whether a file exists.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mileage.core.fingerprint import Fingerprint
from mileage.workflow.flow.calls import Call
from mileage.workflow.flow.chance import Draws, listening
from mileage.workflow.flow.node import FlowTask
from mileage.workflow.flow.readers import hear_readers, looking
from mileage.workflow.identity import UNSTABLE, Identity

_OURS = str(Path(__file__).resolve().parents[2]) + os.sep
_FLOW = str(Path(__file__).resolve().parent) + os.sep
_IMPORTS = ("<frozen importlib", str(Path(importlib.__file__).parent) + os.sep)
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib", "/bin/", "/var/", "/run/")
_CODE = (".py", ".pyc", ".so", ".pyd", ".pth", ".dll", ".dylib")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a step depends on and that nothing declares.

    ``kind`` is ``file``, ``database``, ``network``, ``program``, ``random numbers`` or one of the kinds that code shows.
    """

    kind: str
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.what}; {self.todo}"


_ADVICE: Mapping[str, str] = {
    "file": "give it as an input: mileage.read(…), or its path as an argument",
    "database": "read it in a step of its own and give that a version as an argument",
    "random numbers": "give a seed, such as random_state=0",
    "SQL": "it may give something else each time",
    "environment": "declare the variables: mileage.step(env=(…))",
}
_NO_MATTER = "say mileage.step(pure=True) if it does not matter"


def _notice(kind: str, what: str) -> Notice:
    return Notice(kind, what, _ADVICE.get(kind, _NO_MATTER))


@dataclass
class Audit:
    """The audit of one run of a flow: what was noticed of which task.

    The result of a task that depends on what is not declared is right for this run alone, and so is what was made from it.
    """

    found: dict[Fingerprint, tuple[Notice, ...]] = field(default_factory=dict)

    def over(self, tasks: Iterable[FlowTask]) -> dict[Fingerprint, Call]:
        """Return what the engine runs, by the fingerprint of the task: calls that are watched as they run."""
        return {one.task.fingerprint: Watched(one.node.call, one.task.fingerprint, one.identity, self) for one in tasks}

    def is_of_one_run(self, task: Fingerprint) -> bool:
        """Say whether a task may give something else next time, though its key is the same."""
        return bool(self.found.get(task))


@dataclass(frozen=True)
class Watched(Call):
    """A call that notes what it depends on besides what its identity holds."""

    call: Call
    task: Fingerprint
    known: Identity
    audit: Audit

    def identity(self) -> Identity:
        """The identity of the call."""
        return self.known

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Run the call, and note."""
        if self.call.pure:
            return self.call.run(inputs)
        shown = [_notice(kind, f"{kind}: {text}") for kind, text in self.known.notes if kind in UNSTABLE]
        libraries = [part.name for part in self.known.parts if part.kind == "library"]
        with watching(self.call.files(), libraries) as watch:
            made = self.call.run(inputs)
        self.audit.found[self.task] = tuple(dict.fromkeys([*shown, *watch.notices()]))
        return made


@dataclass(eq=False)
class Watch:
    """What happened while one step ran."""

    declared: tuple[str, ...] = ()
    opened: dict[str, None] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    others: dict[Notice, None] = field(default_factory=dict)
    draws: Draws = field(init=False)
    _folders: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draws are noted from now on."""
        self.draws = Draws(lambda what: self.note("random numbers", what))

    def notices(self) -> list[Notice]:
        """Return what was read and not declared, then the rest."""
        files = [p for p in self.opened if p not in self.written and not self._is_declared(p) and Path(p).exists()]
        return [*(_notice("file", f"reads {_short(path)}") for path in files), *self.others]

    def opens(self, path: str, *, writes: bool) -> None:
        """A file is opened, or a folder listed; what the step itself wrote first is no matter."""
        place = os.path.realpath(path) if os.pardir in path else self._real(os.path.abspath(path))  # noqa: PTH100  (links stay)
        if writes and place not in self.opened:
            self.written.add(place)
        elif not _is_of_the_system(place):
            self.opened[place] = None

    def _real(self, path: str) -> str:
        """Return the real path of a file; each folder is looked at once, since a step may open many files of it."""
        folder, name = os.path.split(path)
        if not name:
            return path
        if folder not in self._folders:
            self._folders[folder] = self._real(folder)
        place = self._folders[folder].rstrip(os.sep) + os.sep + name
        return os.path.realpath(place) if os.path.islink(place) else place  # noqa: PTH114  (called for every file)

    def _is_declared(self, path: str) -> bool:
        return any(path == one or path.startswith(one + os.sep) for one in self.declared)

    def note(self, kind: str, what: str) -> None:
        """Note something that is no file."""
        self.others[_notice(kind, what)] = None


_active: list[Watch] = []
_current: ContextVar[Watch | None] = ContextVar("mile_watch", default=None)
_changing = threading.Lock()
_listening = contextlib.ExitStack()
_heard: set[str] = set()


def _hearing() -> tuple[Watch, ...]:
    """Return who is told of what happens: the step whose thread it is, or each that runs where that cannot be told."""
    watch, running = _current.get(), tuple(_active)
    return (watch,) if watch in running else running  # a thread may outlive the step that started it


def _carries_its_step(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Start threads that belong to the step that starts them."""

    def started(thread: threading.Thread) -> None:
        if _current.get() is not None:
            context, run = copy_context(), thread.run
            thread.run = lambda: context.run(run)  # type: ignore[method-assign]
        start(thread)

    return started


@contextlib.contextmanager
def watching(declared: Iterable[str] = (), libraries: Iterable[str] = ()) -> Iterator[Watch]:
    """Watch what the block reads and draws; ``declared`` are files and folders that it may read, ``libraries`` what it uses.

    Examples
    --------
    >>> import random
    >>> with watching() as watch:
    ...     number = random.random()
    >>> [notice.what for notice in watch.notices()]
    ['draws random numbers of random without a seed']
    """
    _install()
    watch = Watch(tuple(os.path.realpath(path) for path in declared))
    _enter(watch, libraries)
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)
        _leave(watch)
        watch.draws.ends()


def _enter(watch: Watch, libraries: Iterable[str]) -> None:
    with _changing:
        if not _active:
            _listening.enter_context(listening(lambda: [one.draws for one in _hearing()]))
            _listening.enter_context(patch.object(threading.Thread, "start", _carries_its_step(threading.Thread.start)))
            _listening.callback(_heard.clear)
        hear_readers(_listening, _heard, libraries, _was_read)
        _active.append(watch)


def _was_read(kind: str, what: str) -> None:
    """Tell those who watch what a library reads or writes by itself."""
    if _caller() is None:
        return
    for one in _hearing():
        if kind == "SQL":
            one.note(kind, f"{what} in SQL")
        else:
            one.opens(what, writes=kind == "written")


def _leave(watch: Watch) -> None:
    with _changing:
        _active.remove(watch)
        if not _active:
            _listening.close()


# --- files, databases, machines, programs -----------------------------------------------------------------------------


@cache
def _install() -> None:
    """Hear from Python, from now on; a hook cannot be taken away again."""
    sys.addaudithook(_hear)


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if not _active or event not in _EVENTS or looking.get():
        return
    if event in _PATHS and _is_of_a_folder_of_libraries(args[0]):
        return
    by = _caller()
    if by is None:  # MILE itself, not a step
        return
    for one in _hearing():
        _EVENTS[event](one, args, by)


def _opened(watch: Watch, args: tuple[Any, ...], by: str) -> None:
    del by
    path, mode, flags = args
    if not isinstance(path, str | bytes | os.PathLike):
        return
    writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    watch.opens(os.fsdecode(path), writes=bool(writes))


def _listed(watch: Watch, args: tuple[Any, ...], by: str) -> None:
    del by
    if isinstance(args[0], str | bytes | os.PathLike):
        watch.opens(os.fsdecode(args[0]), writes=False)


def _connected(watch: Watch, args: tuple[Any, ...], by: str) -> None:
    del by
    name = os.fsdecode(args[0]) if isinstance(args[0], str | bytes | os.PathLike) else ""
    if name not in {"", ":memory:"} and not watch._is_declared(os.path.realpath(name)):
        watch.note("database", f"reads {_short(os.path.realpath(name))}")


def _reached(watch: Watch, args: tuple[Any, ...], by: str) -> None:
    del by
    if isinstance(args[1], tuple) and args[1]:  # a socket of this machine has a text or bytes
        watch.note("network", f"reaches {args[1][0]}")


def _started(watch: Watch, args: tuple[Any, ...], by: str) -> None:
    if not _is_of_a_library(by):  # they start helpers of their own
        watch.note("program", f"starts {Path(os.fsdecode(args[0] or args[1][0])).name}")


_EVENTS: Mapping[str, Callable[[Watch, tuple[Any, ...], str], None]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "sqlite3.connect": _connected,
    "socket.connect": _reached,
    "subprocess.Popen": _started,
}


_PATHS = frozenset({"open", "os.listdir", "os.scandir"})


def _caller() -> str | None:
    """Return the file of the code that does it, standard library left out; None if that is MILE, or an import."""
    frame, found = sys._getframe(2), ""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_IMPORTS):
            return None
        if file.startswith(_OURS):
            return found if file.startswith(_FLOW) else None
        if not found and not file.startswith(_folders()[0]):
            found = file
        frame = frame.f_back  # type: ignore[assignment]
    return found or "?"


@cache
def _folders() -> tuple[str, ...]:
    paths = [sysconfig.get_path("stdlib"), *(sysconfig.get_path(name) for name in ("purelib", "platlib", "platstdlib"))]
    return tuple(os.path.realpath(path) + os.sep for path in dict.fromkeys([*paths, sys.prefix, sys.base_prefix]))


def _is_of_a_folder_of_libraries(name: object) -> bool:
    """Say so of a file by its name alone, since a step may import, or walk through, thousands of them."""
    return isinstance(name, str) and name.startswith(_folders()) and os.pardir not in name


def _is_of_a_library(file: str) -> bool:
    return file.startswith((_OURS, *_folders())) or "site-packages" in file or "dist-packages" in file


def _is_of_the_system(place: str) -> bool:
    """Say whether a file belongs to Python, to libraries, to the system or to the settings of the user."""
    if place.endswith(_CODE) or place.startswith(_SYSTEM) or _is_of_a_library(place):
        return True
    home = _real_folder(str(Path.home()))
    inside = place[len(home) :] if place.startswith(home + os.sep) else place
    return os.sep + "." in inside


@cache
def _real_folder(path: str) -> str:
    return os.path.realpath(path)


def _short(path: str) -> str:
    return os.path.relpath(path) if path.startswith(str(Path.cwd()) + os.sep) else path
