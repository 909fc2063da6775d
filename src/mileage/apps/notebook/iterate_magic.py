"""``%mile_iterate``: run the flow that a notebook's cells make, and see what ran and why.

::

    %%mile_iterate                 -- the cell; what it shows is one version of the notebook
    mileage.show(accuracy=model.score(X, y))

    %mile_iterate model X          -- variables by name; without names, the last ones
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mileage.apps.notebook.brief import brief
from mileage.errors import MileError

if TYPE_CHECKING:
    from mileage.apps.notebook.magic import Magic
    from mileage.results.report import Report
    from mileage.session.iterate import Iteration

_EVERY = "--every"


class IterateMagic:
    """The magic, in the project of ``%%mileage``."""

    def __init__(self, magic: Magic) -> None:
        self._magic = magic

    def __call__(self, line: str, cell: str | None = None) -> Report | None:
        """Run variables, or a cell; ``--every`` lists the steps that were not needed, too."""
        from mileage.session.flow_cells import run_cell, run_names

        words = line.split()
        names = [word for word in words if word != _EVERY]
        try:
            if cell is None:
                run: Iteration | None = run_names(self._magic.session, self._scope, names)
            else:
                run = run_cell(self._magic.session, self._scope, lambda: self._execute(cell))
            return None if run is None else self._report(run, every=_EVERY in words)
        except MileError as error:
            raise brief(error) from None

    @property
    def _scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = self._magic.shell.user_ns
        return scope

    def _execute(self, cell: str) -> None:
        """Run a cell as the shell does; the line of the magic is a comment, so that lines keep their numbers."""
        result = self._magic.shell.run_cell(f"# %%mile_iterate\n{cell}")
        if not result.success:  # the shell has shown the error
            raise _Shown

    def _report(self, run: Iteration, *, every: bool) -> Report:
        from mileage.session.flow_cells import outdated, shown_in
        from mileage.session.versions import run_report

        report = run_report(run, every=every)
        notes = outdated(run, self._scope, shown_in(run, self._scope))
        return dataclasses.replace(report, lines=(*report.lines, *(f"note: {note}" for note in notes)))


class _Shown(Exception):  # noqa: N818  (no error of its own)
    """A cell failed, and its error was shown; later cells shall not run."""

    def _render_traceback_(self, *_: object) -> list[str]:
        return []
