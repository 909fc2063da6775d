"""Where a class or function is imported from in a plain script."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def public_module(thing: Any) -> str:
    """Return the shortest module path from which a class or function can be imported.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> public_module(LogisticRegression)
    'sklearn.linear_model'
    """
    if thing.__name__ == "IterativeImputer":
        return "sklearn.impute"  # it is there only after its switch was imported
    parts = thing.__module__.split(".")
    public = [i for i in range(1, len(parts) + 1) if not any(part.startswith("_") for part in parts[:i])]
    for i in public:
        name = ".".join(parts[:i])
        module = sys.modules.get(name) or importlib.import_module(name)
        if getattr(module, thing.__name__, None) is thing:
            return name
    return str(thing.__module__)
