"""What code reads from outside: global names with the attributes taken of them, and modules it imports."""

from __future__ import annotations

import dis
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from types import CodeType

from mileage.workflow.identity.bytecode import instructions

_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_WRITES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})


@dataclass(frozen=True, slots=True)
class Read:
    """A dotted path that code looks up; ``level`` is None for a global, else that of an import statement."""

    path: tuple[str, ...]
    level: int | None = None


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
            found[Read((str(one.argval), *_attributes(listed, i + 1)))] = None
        elif one.opname == "IMPORT_NAME":
            level, names = listed[i - 2].argval, listed[i - 1].argval
            for name in names or ("",):
                found[Read((str(one.argval), name), int(level))] = None
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found |= dict.fromkeys(reads_of(const))
    return tuple(found)


def _attributes(listed: list[dis.Instruction], start: int) -> list[str]:
    taken = takewhile(lambda one: one.opname in _ATTRIBUTE, listed[start:])
    return [str(one.argval) for one in taken]


@lru_cache(maxsize=4096)
def writes_of(code: CodeType) -> tuple[str, ...]:
    """Return the global names that code assigns or deletes."""
    own = [str(one.argval) for one in instructions(code) if one.opname in _WRITES]
    inner = [name for const in code.co_consts if isinstance(const, CodeType) for name in writes_of(const)]
    return tuple(dict.fromkeys([*own, *inner]))


def module_name(read: Read, package: str) -> str:
    """Return the absolute name of the module that an import statement in ``package`` means."""
    if not read.level:
        return read.path[0]
    return importlib.util.resolve_name("." * read.level + read.path[0], package)
