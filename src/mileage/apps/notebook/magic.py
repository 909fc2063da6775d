"""The magics: run MILEAGE in a notebook, with ``:df`` standing for the notebook's variable ``df``.

::

    %load_ext mileage

    %%mileage best
    PREDICT price FROM :houses BUDGET 1 min       -- the answer is shown, and kept as `best`

    %mileage SHOW leaderboard

IPython is not imported: it hands itself over when the extension is loaded.
"""

# ruff: noqa: T201  (printing is what a face does)
from __future__ import annotations

import atexit
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.apps.notebook.brief import brief
from mileage.errors import MileError

if TYPE_CHECKING:
    from mileage.core.events import Event
    from mileage.session import Session

_FRAME = re.compile(r":([^\W\d]\w*)")
_OPTIONS = re.compile(r"^(?:(?P<name>[^\W\d]\w*))?\s*(?:--project\s+(?P<project>\S+))?$")
LINE_EVERY_S = 2.0


class Magic:
    """The magics of one kernel: one session for each project folder."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self._sessions: dict[str, Session] = {}
        self._project = ""
        atexit.register(self.close)

    def __call__(self, line: str, cell: str | None = None) -> object:
        """Run a line, or a cell whose line may name a variable for the answer and ``--project DIR``."""
        try:
            if cell is None:
                return self._run(line.strip(), "")
            match = _options(line)
            self._project = str(Path(match["project"]).resolve()) if match["project"] else self._project
            return self._run(cell, match["name"] or "")
        except MileError as error:
            raise brief(error) from None

    def _run(self, text: str, name: str) -> object:
        answer = self.session.run(text, frames=frames(text, self.shell.user_ns), on_event=_Told(), name="cell")
        if name:
            self.shell.user_ns[name] = answer
        return answer

    @property
    def session(self) -> Session:
        """The session of the current project, opened when first needed."""
        if self._project not in self._sessions:
            from mileage.session import connect

            self._sessions[self._project] = connect(self._project or None)
        return self._sessions[self._project]

    def close(self) -> None:
        """Close all sessions."""
        while self._sessions:
            self._sessions.popitem()[1].close()


def _options(line: str) -> re.Match[str]:
    match = _OPTIONS.match(line.strip())
    if match is None:
        raise MileError(f"cannot read '%%mileage {line}'", code="U001", hint="write %%mileage [name] [--project DIR]")
    return match


def frames(text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notebook's frames that a text names, as in ``:df``.

    Examples
    --------
    >>> frames("PREDICT y FROM :t", {"t": "no frame"})
    {}
    """
    names = set(_FRAME.findall(text))
    return {name: variables[name] for name in sorted(names) if is_frame(variables.get(name))}


def is_frame(value: object) -> bool:
    """Return whether a value is a table: pandas, polars, Arrow, or anything that speaks Arrow."""
    marks = ("__arrow_c_stream__", "__dataframe__")
    return not isinstance(value, type) and any(hasattr(value, mark) for mark in marks)


class _Told:
    """Notes, and a line on the best workflow every now and then."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def __call__(self, event: Event) -> None:
        from mileage.apps.cli.progress import note_line, trial_line

        if event.kind == "note":
            print(note_line(event.data), file=sys.stdout)
        elif event.kind == "trial_finished" and event.at_s - self._last_s >= LINE_EVERY_S:
            self._last_s = event.at_s
            print(trial_line(event.data), file=sys.stdout)


def load_ipython_extension(shell: Any) -> None:
    """Register ``%mileage`` and ``%mile_iterate``, each for lines and for cells."""
    from mileage.apps.notebook.iterate_magic import IterateMagic

    magic = Magic(shell)
    shell.register_magic_function(magic, "line_cell", "mileage")
    shell.register_magic_function(IterateMagic(magic), "line_cell", "mile_iterate")


def unload_ipython_extension(shell: Any) -> None:
    """Close the sessions of the magics."""
    magic = shell.magics_manager.magics["cell"].get("mileage")
    if isinstance(magic, Magic):
        magic.close()
