"""What code reads from outside: global names with the attributes taken of them, and modules it imports."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from mileage.workflow.identity.bytecode import ATTRIBUTE, attributes_at, instructions, is_called

_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_NO_VALUE = frozenset({"PUSH_NULL", "PRECALL"})
_BY_NAME = frozenset({"sql", "query", "execute", "eval", "exec", "locals", "vars", "dir", "from_query", "SQLContext"})
_WORD = re.compile(r"[^\W\d]\w*")
_WRITES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})


@dataclass(frozen=True, slots=True)
class Read:
    """A dotted path that code looks up; ``level`` is None for a global, else that of an import statement.

    ``called`` says that what is at its end is called at once. ``given`` is the text that stands behind the path as a constant: the
    first argument, or the item that is asked for.
    """

    path: tuple[str, ...]
    level: int | None = None
    called: bool = False
    given: str | None = None


@lru_cache(maxsize=4096)
def reads_of(code: CodeType) -> tuple[Read, ...]:
    """Return what a code object and all code inside it read from outside, each once, in order.

    Examples
    --------
    >>> import math
    >>> [read.path for read in reads_of((lambda x: math.sqrt(x) + len(x)).__code__)]
    [('math', 'sqrt'), ('len',)]
    """
    found: dict[Read, None] = {}
    listed = instructions(code)
    for i, one in enumerate(listed):
        if one.opname in _GLOBAL:
            taken = attributes_at(listed, i + 1)
            behind = next((o for o in listed[i + 1 + len(taken) :] if o.opname not in _NO_VALUE), None)
            given = behind.argval if behind is not None and behind.opname == "LOAD_CONST" else None
            called = is_called(listed, i, 1 + len(taken))
            read = Read((str(one.argval), *taken), called=called, given=given if isinstance(given, str) else None)
            found[read] = None
        elif one.opname == "IMPORT_NAME":
            level, names = listed[i - 2].argval, listed[i - 1].argval
            for name in names or ("",):
                found[Read((str(one.argval), name), int(level))] = None
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= dict.fromkeys(reads_of(const))
    return tuple(found)


@lru_cache(maxsize=4096)
def writes_of(code: CodeType) -> tuple[str, ...]:
    """Return the global names that code assigns or deletes."""
    own = [str(one.argval) for one in instructions(code) if one.opname in _WRITES]
    inner = [name for const in code.co_consts if isinstance(const, CodeType) for name in writes_of(const)]
    return tuple(dict.fromkeys([*own, *inner]))


@lru_cache(maxsize=4096)
def attributes_in(code: CodeType) -> tuple[str, ...]:
    """Return the attributes that a code object and all code inside it looks up, whatever of."""
    own = [str(one.argval) for one in instructions(code) if one.opname in ATTRIBUTE]
    inner = [name for const in code.co_consts if isinstance(const, CodeType) for name in attributes_in(const)]
    return tuple(dict.fromkeys([*own, *inner]))


@lru_cache(maxsize=4096)
def attributes_of_classes_in(code: CodeType) -> frozenset[str]:
    """Return the attributes that a code object and all code inside it looks up of the class of something only.

    Examples
    --------
    >>> sorted(attributes_of_classes_in((lambda x, f: (x.__class__.__name__, f.__doc__, f.__name__)).__code__))
    []
    >>> sorted(attributes_of_classes_in((lambda x: x.__class__.__name__).__code__))
    ['__name__']
    """
    return frozenset(attributes_in(code)) - _of_others(code)


def _of_others(code: CodeType) -> frozenset[str]:
    """Return the attributes that are looked up of something that was not, on every way there, looked up as a ``__class__``."""
    own, last = set(), ""
    for one in instructions(code):
        name = str(one.argval) if one.opname in ATTRIBUTE else ""
        if name and (last != "__class__" or one.is_jump_target):
            own.add(name)
        last = name
    return frozenset(own).union(*(_of_others(const) for const in code.co_consts if isinstance(const, CodeType)))


def names_seen_in(f: FunctionType) -> tuple[str, ...] | None:
    """Return the globals that texts of a function name, if it gives a text to what looks variables up by their names.

    So does DuckDB for a table, and pandas for ``@limit``. None if it does not: then names do not matter.

    Examples
    --------
    >>> limit = 3
    >>> names_seen_in(lambda rows: rows.query("size > @limit")), names_seen_in(lambda rows: rows.head(limit))
    (('limit',), None)
    """
    code = f.__code__
    read = [one.path for one in reads_of(code)]
    if _BY_NAME.isdisjoint([*attributes_in(code), *(path[-1] for path in read)]):
        return None
    values = [f.__globals__.get(path[0]) for path in read]
    texts = [text for text in (*_texts(code), *values) if isinstance(text, str)]
    words = dict.fromkeys(word for text in texts for word in _WORD.findall(text))
    return tuple(word for word in words if word in f.__globals__ and not word.startswith("__"))


def _texts(code: CodeType) -> Iterator[str]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _texts(const)
        elif isinstance(const, str):
            yield const


def aliases(code: CodeType, reach: Callable[[tuple[str, ...]], int]) -> dict[tuple[str, ...], str]:
    """Return a name by number for what code reads, in order; ``reach`` says how much of a path is what is read.

    That is a global, or a member of a module that a global is; nothing, if its name matters.

    Examples
    --------
    >>> aliases((lambda x: len(x) + sum(x)).__code__, lambda path: 0 if path == ("sum",) else 1)
    {('len',): '0'}
    """
    read = dict.fromkeys(one.path[: reach(one.path)] for one in reads_of(code) if one.level is None)
    return {path: str(i) for i, path in enumerate(read) if path}


def module_name(read: Read, package: str) -> str:
    """Return the absolute name of the module that an import statement in ``package`` means."""
    if not read.level:
        return read.path[0]
    return importlib.util.resolve_name("." * read.level + read.path[0], package)
