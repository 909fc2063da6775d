"""Files that libraries open without Python, which no audit hook hears of: DuckDB, Polars and Arrow do.

While a step runs, their functions are stood in for by ones that tell which files their arguments name; in the modules of
the user, too, where they were imported by name. A function that the user keeps elsewhere, such as in a list, is not heard.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

from mileage.workflow.flow.calls import files_matching, files_named
from mileage.workflow.flow.query import unstable_in
from mileage.workflow.identity.library import own_modules

#: Tells of the kind of what was read, and of its path or name.
Note = Callable[[str, str], None]
Places = list[tuple[Any, str]]

#: Whether it is looked for the files that a text names: that reads nothing for the step.
looking: ContextVar[bool] = ContextVar("mile_looking", default=False)

_SQL = ("sql", "query", "execute", "executemany", "from_query", "query_df")
_DUCKDB = (
    "read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet", "from_arrow_file", "connect",
)  # fmt: skip
_POLARS = (
    "new_from_csv", "new_from_parquet", "new_from_ipc", "new_from_ndjson", "new_from_scan_lines", "read_csv",
    "read_avro", "read_ipc", "read_ipc_stream", "read_json", "read_ndjson", "read_parquet",
)  # fmt: skip
_READERS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "duckdb": (("", (*_SQL, *_DUCKDB)), ("DuckDBPyConnection", (*_SQL, *_DUCKDB[:-1]))),
    "polars.polars": (("PyLazyFrame", _POLARS), ("PyDataFrame", _POLARS)),
    "polars._plr": (("PyLazyFrame", _POLARS), ("PyDataFrame", _POLARS)),
    "pyarrow": (("", ("memory_map", "input_stream")),),
    "pyarrow.parquet": (("ParquetFile", ("__init__",)), ("ParquetDataset", ("__init__",))),
    "pyarrow.dataset": (("", ("dataset", "parquet_dataset")),),
    "pyarrow.csv": (("", ("read_csv", "open_csv")),),
    "pyarrow.json": (("", ("read_json", "open_json")),),
    "pyarrow.feather": (("", ("read_table", "read_feather")),),
}
_COPIED_TO = re.compile(r"\bTO\s+'((?:[^']|'')+)'", re.IGNORECASE)


def hear_readers(stack: ExitStack, heard: set[str], libraries: Iterable[str], note: Note) -> None:
    """Hear of what libraries open, until ``stack`` closes; of those loaded, and those named ``libraries``.

    ``heard`` holds the modules that are heard of already.
    """
    for name in libraries:
        if any(module.partition(".")[0] == name for module in _READERS):
            _imported(name)
    new = [name for name in _READERS if name in sys.modules and name not in heard]
    heard.update(new)
    found = [reader for module in new for reader in _functions(module)]
    held = _held_by_the_user({id(function) for _, _, function in found}) if found else {}
    for owner, name, function in found:
        _hear(stack, owner, name, function, note, held)


def _imported(name: str) -> None:
    try:
        importlib.import_module(name)
    except ImportError:  # the step will say so, if it needs it
        return


def _functions(module: str) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
    """Iterate over the functions of a module that open files: who has it, its name there, and itself."""
    loaded = sys.modules[module]
    for kind, names in _READERS[module]:
        owner = getattr(loaded, kind, None) if kind else loaded
        for name in names:
            function = getattr(owner, name, None)
            if callable(function):
                yield owner, name, function


def _hear(
    stack: ExitStack, owner: Any, name: str, before: Callable[..., Any], note: Note, held: Mapping[int, Places]
) -> None:
    made = _told(before, note, is_sql=name in _SQL)
    for place, key in [(owner, name), *held.get(id(before), ())]:
        stack.callback(setattr, place, key, vars(place).get(key, before))
        setattr(place, key, made)


def _held_by_the_user(wanted: AbstractSet[int]) -> Mapping[int, Places]:
    """Return where the modules of the user hold what is ``wanted``, by its id."""
    found: dict[int, Places] = {}
    for name in own_modules():
        module = sys.modules.get(name)
        for key, value in tuple(getattr(module, "__dict__", {}).items()):
            if id(value) in wanted:
                found.setdefault(id(value), []).append((module, key))
    return found


def _told(before: Callable[..., Any], note: Note, *, is_sql: bool) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        token = looking.set(True)
        try:
            _note_files([*args, *kwargs.values()], note)
            for text in (*args, *kwargs.values()) if is_sql else ():
                if isinstance(text, str):
                    _note_sql(text, note)
        finally:
            looking.reset(token)
        return _as_the_caller(functools.partial(before, *args, **kwargs)) if is_sql else before(*args, **kwargs)

    return told


def _as_the_caller(call: Callable[[], Any]) -> Any:
    """Call where the variables of the caller's caller are seen: DuckDB finds tables among those of who calls it."""
    frame = sys._getframe(2)
    return eval("__mile_call__()", frame.f_globals, {**frame.f_locals, "__mile_call__": call})  # noqa: S307  (a frame of its own)


def _note_files(given: list[Any], note: Note) -> None:
    """Note the files that arguments name; one that is not there yet will be written."""
    for one in given:
        if isinstance(one, list | tuple):
            _note_files(list(one), note)
        elif isinstance(one, str | os.PathLike) and 0 < len(os.fspath(one)) < 4096:
            for path in files_matching(os.fspath(one)):
                note("file", path)


def _note_sql(text: str, note: Note) -> None:
    for path in _COPIED_TO.findall(text):
        note("written", path)
    for path in files_named(text):
        note("file", path)
    for name in unstable_in(text):
        note("SQL", name)
