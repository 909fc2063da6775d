"""What code depends on that is neither its own nor an input: the clock, the environment, the network, chance.

Found by the full names of what it reads. What no name shows, such as a file that a library opens, is noticed while a step
runs (:mod:`mileage.workflow.flow.audit`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

from mileage.workflow.identity.library import is_library

_NAMES: Mapping[str, tuple[str, ...]] = {
    "clock": ("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime",
              "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
              "pandas.Timestamp.now", "pandas.Timestamp.utcnow", "pandas.Timestamp.today"),
    "randomness": ("uuid.uuid4", "uuid.uuid1", "os.urandom", "secrets.", "random.SystemRandom"),
    "environment": ("os.environ", "os.getenv", "sys.argv", "os.getcwd", "pathlib.Path.cwd"),
    "network": ("requests.", "urllib.request.", "http.client.", "httpx."),
    "dynamic import": ("__import__", "importlib.import_module"),
    "dynamic code": ("eval", "exec", "globals"),
}  # fmt: skip
#: What may differ from run to run though nothing that is known of a step did: its result is not used again.
UNSTABLE = frozenset({"clock", "randomness", "environment", "network", "dynamic import"})
ENVIRONMENT = frozenset({"os.environ", "os.environ.get", "os.getenv"})
IMPORT = frozenset(_NAMES["dynamic import"])
OWN_MODULE = frozenset(_NAMES["dynamic code"])
_TIMES = ("numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime")
_OPEN_CLASSES = {
    "pandas": ("DataFrame", "Series", "Index"),
    "polars": ("DataFrame", "LazyFrame", "Series", "Expr"),
}


@lru_cache(maxsize=4096)
def kind_of(path: str, given: str | None = None) -> str | None:
    """Return what the thing of a full name depends on, if it does.

    Examples
    --------
    >>> kind_of("time.time"), kind_of("time.sleep"), kind_of("pandas.Timestamp", "now")
    ('clock', None, 'clock')
    """
    if path in _TIMES and given in {"now", "today"}:
        return "clock"
    for kind, names in _NAMES.items():
        if any(path == n or path.startswith(f"{n}.") or (n.endswith(".") and path.startswith(n)) for n in names):
            return kind
    return None


def full_name(value: Any, rest: list[str]) -> str:
    """Return the full name of a library's object, whatever it is called where it is used.

    Examples
    --------
    >>> from time import time as now
    >>> full_name(now, []), full_name(os.environ, ["get"])
    ('time.time', 'os.environ.get')
    """
    if value is os.environ:
        return ".".join(["os.environ", *rest])
    if value is sys.argv:
        return "sys.argv"
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return ""
    return ".".join([*([] if module == "builtins" else [module]), name, *rest]).removeprefix("pathlib._local.")


def extensions(name: str) -> Iterator[Any]:
    """Yield the user's own functions and classes that were given to a library's frames under a name."""
    for module, classes in _OPEN_CLASSES.items():
        if module not in sys.modules:
            continue
        for one in classes:
            found = vars(getattr(sys.modules[module], one, object)).get(name)
            if found is None:
                continue
            for inner in (found, *(getattr(found, kind, None) for kind in ("_accessor", "_ns", "fget", "__func__"))):
                if isinstance(inner, FunctionType | type) and not is_library(inner.__module__):
                    yield inner
