"""How an error looks below a cell."""

from __future__ import annotations

from mileage.errors import MileError


def brief(error: MileError) -> MileError:
    """Make IPython show the message of an error and no traceback; the cells after it still do not run."""
    error._render_traceback_ = lambda *_: str(error).splitlines()  # type: ignore[attr-defined]  # IPython looks for it
    return error
