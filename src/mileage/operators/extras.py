"""Optional libraries: imported when needed, with an error that names the extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mileage.errors import ExtraMissing


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
