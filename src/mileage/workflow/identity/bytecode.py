"""A function's code in a form that is equal for equal behaviour: what it executes, not how it was written.

Bytecode is read and not source text, for it is what runs: an edited file that was not imported again cannot lend its
new identity to the old code. Comments, blank lines, docstrings, annotations, names of local variables and line numbers
leave no trace in it.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, takewhile
from types import CodeType

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_LOCALS = frozenset(dis.haslocal)
_CONSTS = frozenset(dis.hasconst)
_FREE = frozenset(dis.hasfree)
_NAMES = frozenset(dis.hasname) | frozenset(dis.hascompare)
_NOISE = frozenset({"CACHE", "EXTENDED_ARG", "RESUME", "NOP", "COPY_FREE_VARS", "MAKE_CELL"})
ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_FLAGS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200  # *args, **kwargs, generator, coroutine and their kin


#: Another name for a global, or for a member of a module, by its dotted path.
Names = Mapping[tuple[str, ...], str]


@lru_cache(maxsize=4096)
def instructions(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Return the instructions of a code object that do something."""
    return tuple(one for one in dis.get_instructions(code) if one.opname not in _NOISE)


@dataclass(frozen=True)
class _Scope:
    """What is known where a code object stands: other names of what it reads, and the numbers of variables it shares.

    ``named`` are variables whose names matter, since a text names them.
    """

    code: CodeType
    encode: Callable[[object], object]
    names: Names
    named: bool = False
    shared: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def inside(self, code: CodeType) -> _Scope:
        """Return the scope of a function inside, which shares its free variables with this one."""
        shared = {name: self.number(name) for name in first_used(code)}
        return replace(self, code=code, shared=shared)

    def number(self, name: str) -> int:
        """Return the number of a variable that functions share, in the order of use."""
        if name not in self.shared:
            self.shared[name] = next(self.numbers)
        return self.shared[name]

    def variable(self, name: str) -> int | str | tuple[str, int]:
        """Return what stands for a variable: its name leaves no trace, unless it is named."""
        if self.named or name.startswith("__"):
            return name
        if name in self.code.co_cellvars or name in self.code.co_freevars:
            return ("shared", self.number(name))
        local = self.code.co_varnames
        return local.index(name) if name in local else name


def encode_code(
    code: CodeType, encode: Callable[[object], object], names: Names | None = None, *, named: bool = False
) -> tuple[object, ...]:
    """Return a code object as plain data; ``encode`` does the same for its constants.

    ``names`` gives globals, and members of modules, another name: what they are called does not matter to one who knows
    what each of them is. With ``named``, the names of local variables belong to it.

    Examples
    --------
    >>> def one(rows):
    ...     "Count."
    ...     return len(rows)  # all of them
    >>> def two(rows):
    ...     return len(rows)
    >>> encode_code(two.__code__, repr) == encode_code(one.__code__, repr)
    True
    """
    return _encoded(_Scope(code, encode, names or {}, named))


@lru_cache(maxsize=4096)
def first_used(code: CodeType) -> tuple[str, ...]:
    """Return the free variables of a code object in the order of use: that of Python is the order of their names."""
    found: dict[str, None] = {}
    for one in instructions(code):
        value = code.co_consts[one.arg or 0] if one.opcode in _CONSTS else None
        inner = first_used(value) if isinstance(value, CodeType) else ()
        used = (str(one.argval),) if one.opcode in _FREE and one.opname != "LOAD_CLOSURE" else inner
        found |= dict.fromkeys(name for name in used if name in code.co_freevars)
    return tuple(dict.fromkeys([*found, *code.co_freevars]))


def _encoded(scope: _Scope) -> tuple[object, ...]:
    code = scope.code
    for name in first_used(code):
        scope.number(name)
    listed = instructions(code)
    place = {one.offset: i for i, one in enumerate(listed)}
    offsets = sorted(place)
    loads = _loads(listed, scope.names)
    body = tuple(loads[i] if i in loads else _instruction(one, scope, place, offsets) for i, one in enumerate(listed))
    n_named = code.co_argcount + code.co_kwonlyargcount
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    version = (sys.version_info.major, sys.version_info.minor)
    given = code.co_varnames[:n_named]
    return ("code", version, arguments, (code.co_flags & _FLAGS, given), body, _handlers(code, place, offsets))


def _instruction(one: dis.Instruction, scope: _Scope, place: dict[int, int], offsets: list[int]) -> tuple[object, ...]:
    if one.opcode in _CONSTS:
        value = scope.code.co_consts[one.arg or 0]
        if isinstance(value, CodeType):  # a function inside has a name that what it is given to may show
            return (one.opname, value.co_name, _encoded(scope.inside(value)))
        return (one.opname, scope.encode(value))
    if one.opname == "LOAD_CLOSURE":  # in the order of the names; the function inside says which it uses
        return (one.opname,)
    if one.opcode in _JUMPS:
        return (one.opname, _place(one.argval, place, offsets))
    if one.opcode in _LOCALS or one.opcode in _FREE:
        return (one.opname, scope.variable(str(one.argval)))
    if one.opcode in _NAMES:
        return (one.opname, str(one.argval))
    return (one.opname, one.arg)


def _loads(listed: tuple[dis.Instruction, ...], names: Names) -> dict[int, tuple[object, ...]]:
    """Return the instructions that load a global and what is looked up of it, by position, with their other names.

    The last one that has another name says which it is. Python marks in more than one way what is called at once.
    """
    made: dict[int, tuple[object, ...]] = {}
    for i, one in enumerate(listed):
        if one.opname != "LOAD_GLOBAL":
            continue
        path = (str(one.argval), *attributes_at(listed, i + 1))
        called = is_called(listed, i, len(path))
        n = next((n for n in range(len(path), 0, -1) if path[:n] in names), 0)
        known = (*("" for _ in path[: n - 1]), names[path[:n]]) if n else ()
        for k, name in enumerate((*known, *path[n:])):
            made[i + k] = ("LOAD_ATTR" if k else "LOAD_GLOBAL", called and k == len(path) - 1, name)
    return made


def attributes_at(listed: tuple[dis.Instruction, ...], start: int) -> list[str]:
    """Return the names of the attributes that are looked up one after another."""
    taken = takewhile(lambda one: one.opname in ATTRIBUTE, listed[start:])
    return [str(one.argval) for one in taken]


def is_called(listed: tuple[dis.Instruction, ...], start: int, n: int) -> bool:
    """Say whether what ``n`` instructions load, a global and what is looked up of it, is called at once, rather than handed on.

    A method is marked where it is looked up; of what a module imports, as of a plain global, the global is.
    """
    first, last = listed[start], listed[start + n - 1]
    marked = {"LOAD_GLOBAL"} if sys.version_info < (3, 12) else {"LOAD_GLOBAL", "LOAD_ATTR"}
    return last.opname == "LOAD_METHOD" or any(
        one.opname in marked and bool((one.arg or 0) & 1) for one in (first, last)
    )


def _place(offset: int, place: dict[int, int], offsets: list[int]) -> int:
    """Return the position of the instruction at an offset, or of the next one that does something."""
    if offset in place:
        return place[offset]
    return next((place[known] for known in offsets if known >= offset), len(offsets))


def _handlers(code: CodeType, place: dict[int, int], offsets: list[int]) -> tuple[object, ...]:
    """Return which instructions an exception handler guards, where the interpreter keeps that in a table."""
    parse = getattr(dis, "_parse_exception_table", None)
    if parse is None:
        return ()
    entries = parse(code)
    return tuple(
        (*(_place(at, place, offsets) for at in (e.start, e.end, e.target)), e.depth, e.lasti) for e in entries
    )
