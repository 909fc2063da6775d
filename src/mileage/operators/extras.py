"""Optional libraries: imported when needed, with an error that names the extra."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mileage.errors import ExtraMissing

_LIBRARIES = {"ebm": "interpret"}  # where an extra has another name than its library


def is_there(extra: str | None) -> bool:
    """Say whether the library of an extra is installed; what needs none is always there.

    Examples
    --------
    >>> is_there(None), is_there("no_such_library")
    (True, False)
    """
    return extra is None or find_spec(_LIBRARIES.get(extra, extra)) is not None


def need(module: str, extra: str) -> Any:
    """Return an optional module.

    Raises
    ------
    ExtraMissing
        If it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        message = f"{extra} needs the library {module.split('.', maxsplit=1)[0]}, which is not installed"
        raise ExtraMissing(message, hint=f'pip install "mileage[{extra}]"') from error
