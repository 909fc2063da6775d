"""The text a flow was run from: its file, the project's own modules it imported, cells of a notebook.

It is taken when the flow is run and not when the version is recorded: who saves a file meanwhile has written the next
version, not this one.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from mileage.core.fingerprint import fingerprint
from mileage.workflow.identity.library import own_modules

_current: ContextVar[Sources | None] = ContextVar("mile_sources", default=None)


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one file, and the name of the module it was run as."""

    module: str
    content: bytes

    @property
    def digest(self) -> str:
        """Under which the bytes are kept."""
        return digest_of(self.content)


@dataclass
class Sources:
    """What a run was made from, by path below ``root``; ``cells`` names notebook cells by the file Python takes them for.

    ``plain`` holds values that were shown and not deferred.
    """

    root: Path
    texts: dict[str, Source] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)

    def add_file(self, path: Path, module: str, content: bytes | None = None) -> None:
        """Add a file below the root; ``content`` is what was run of it, where that is known."""
        try:
            name = path.resolve().relative_to(self.root.resolve()).as_posix()
            self.texts.setdefault(name, Source(module, path.read_bytes() if content is None else content))
        except (ValueError, OSError):  # elsewhere, or gone
            return

    def add_modules(self) -> None:
        """Add the project's own modules that are imported by now."""
        below = str(self.root.resolve())
        for name in own_modules():
            module = sys.modules.get(name)
            file = vars(module).get("__file__") if type(module) is ModuleType else None  # a lazy one would be imported
            if isinstance(file, str) and file.startswith(below) and file.endswith(".py"):
                self.add_file(Path(file), name)

    def add_cells(self, files: Iterable[str]) -> None:
        """Add the cells among the files that steps and their helpers come from, as Python keeps their text."""
        wanted = set(files)
        for file in list(linecache.cache):
            if Path(file).name in wanted and is_cell(file):
                text = "".join(linecache.getlines(file))
                name = self._free(cell_name(file), text)
                self.cells[Path(file).name] = name
                self.texts.setdefault(name, Source("__main__", text.encode()))

    def _free(self, name: str, text: str) -> str:
        """Return a name for a cell; a shell may give a number twice."""
        taken, n = name, 2
        while taken in self.texts and self.texts[taken].content != text.encode():
            taken, n = f"{name} ({n})", n + 1
        return taken


def digest_of(content: bytes) -> str:
    """Return the name under which bytes are kept with versions."""
    return str(fingerprint("blob", content))


@contextmanager
def recorded_sources(root: Path) -> Iterator[Sources]:
    """Collect the sources of what runs in this block."""
    sources = Sources(root)
    token = _current.set(sources)
    try:
        yield sources
    finally:
        _current.reset(token)


def current_sources(root: Path) -> Sources:
    """Return the sources of the run that goes on; none below ``root`` outside of any."""
    return _current.get() or Sources(root)


# --- notebook cells ---------------------------------------------------------------------------------------------------


def is_cell(file: str) -> bool:
    """Say whether a code's file is a cell of a notebook, as IPython and Jupyter's kernel name them.

    Examples
    --------
    >>> is_cell("<ipython-input-3-1f2e>"), is_cell("/tmp/ipykernel_812/366.py"), is_cell("flow.py")
    (True, True, False)
    """
    return file.startswith("<ipython-input-") or Path(file).parent.name.startswith("ipykernel_")


def cell_name(file: str) -> str:
    """Return what a reader calls a cell: its number where the shell knows it.

    Examples
    --------
    >>> cell_name("<ipython-input-3-1f2e>")
    'cell 3'
    """
    numbers = getattr(getattr(_shell(), "compile", None), "_filename_map", {})
    if file in numbers:
        return f"cell {numbers[file]}"
    if file.startswith("<ipython-input-"):
        return f"cell {file.removeprefix('<ipython-input-').partition('-')[0]}"
    return f"cell {Path(file).stem}"


def notebook_name(scope: dict[str, Any]) -> str:
    """Return the name of the notebook a cell is in, as Jupyter or the editor tells it."""
    import os

    told = scope.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    return Path(str(told)).stem or "notebook"


def _shell() -> Any:
    interactive = sys.modules.get("IPython")
    return interactive.get_ipython() if interactive is not None else None
