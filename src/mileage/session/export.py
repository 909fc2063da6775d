"""Take a workflow away: a plain scikit-learn script, or a fitted pipeline in a skops file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.errors import DataError
from mileage.session.pipeline import fitted_pipeline

if TYPE_CHECKING:
    from mileage.results import Trial
    from mileage.session.result import Result

__all__ = ["export_skops", "fitted_pipeline", "script_of"]


def script_of(result: Result, trial: Trial, path: str | None = None) -> str:
    """Return a script that reads the data, scores the workflow on the same splits, and fits it, without MILE."""
    from mileage.results.export import script
    from mileage.session.script import script_spec

    text = script(script_spec(result, trial))
    if path is not None:
        _write(Path(path), text.encode())
    return text


def export_skops(result: Result, trial: Trial, path: str) -> tuple[str, ...]:
    """Write the workflow, fitted on all rows, as one pipeline; return the types that a reader must trust to load it."""
    from mileage.results.export import dump_skops

    return dump_skops(fitted_pipeline(result, trial), path)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        hint = "name a file in a folder that exists and may be written"
        raise DataError(f"cannot write '{path}': {error.strerror or error}", code="D440", hint=hint) from error
