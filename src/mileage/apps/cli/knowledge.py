"""``mile knowledge``: what to do, from the words of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mileage.core.near import near_matches

if TYPE_CHECKING:
    from mileage.results.report import Report
    from mileage.session import Session

ACTIONS = ("export", "import", "forget")


def knowledge_action(action: str | None, file: Path | None, *, force: bool) -> Callable[[Session], Report]:
    """Return what the words ask for; a mistake in them is one of the command line."""
    from mileage.session import knowledge_files as files

    if action is not None and action not in ACTIONS:
        near = near_matches(action, ACTIONS)
        raise typer.BadParameter(
            f"no action '{action}'; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(ACTIONS)}")
        )
    if action in {"export", "import"}:
        if file is None:
            raise typer.BadParameter(f"which file? mile knowledge {action} lessons.json")
        named = file
        if action == "import":
            return lambda session: files.import_knowledge(session, named)
        return lambda session: files.export_knowledge(session, named, force=force)
    if file is not None:
        raise typer.BadParameter(f"{action or 'this'} takes no file")
    return files.forget_knowledge if action == "forget" else files.knowledge_report
