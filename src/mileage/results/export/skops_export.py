"""A fitted pipeline as a skops file: loading it runs no code that the reader has not allowed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mileage.errors import CatalogError, OperatorError


def dump_skops(pipeline: Any, path: str | Path) -> tuple[str, ...]:
    """Write a fitted pipeline, whole or not at all.

    Returns
    -------
    tuple of str
        Types that a reader must name as trusted in ``skops.io.load(path, trusted=[...])``.

    Raises
    ------
    OperatorError
        If skops has no form for a part of it.
    CatalogError
        If the file cannot be written.
    """
    import skops.io

    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        skops.io.dump(pipeline, part)
        untrusted = skops.io.get_untrusted_types(file=part)
        part.replace(path)
    except OSError as error:
        raise CatalogError(
            f"cannot write '{path}': {error.strerror or error}", code="C707", hint="name another file"
        ) from error
    except Exception as error:
        hint = "export it AS sklearn instead"
        raise OperatorError(f"skops cannot keep this workflow: {error}", code="O541", hint=hint) from error
    finally:
        part.unlink(missing_ok=True)
    return tuple(untrusted)
