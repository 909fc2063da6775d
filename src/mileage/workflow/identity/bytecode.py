"""A function's code in a form that is equal for equal behaviour: what it executes, not how it was written.

Bytecode is read and not source text, for it is what runs: an edited file that was not imported again cannot lend its
new identity to the old code. Comments, blank lines, docstrings, annotations, names of local variables and line numbers
leave no trace in it.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Mapping
from types import CodeType

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_LOCALS = frozenset(dis.haslocal)
_CONSTS = frozenset(dis.hasconst)
_NAMES = frozenset(dis.hasname) | frozenset(dis.hasfree) | frozenset(dis.hascompare)
_NOISE = frozenset({"CACHE", "EXTENDED_ARG", "RESUME", "NOP", "COPY_FREE_VARS", "MAKE_CELL"})
_FLAGS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200  # *args, **kwargs, generator, coroutine and their kin


def instructions(code: CodeType) -> list[dis.Instruction]:
    """Return the instructions of a code object that do something."""
    return [one for one in dis.get_instructions(code) if one.opname not in _NOISE]


def encode_code(
    code: CodeType, encode: Callable[[object], object], names: Mapping[str, str] | None = None
) -> tuple[object, ...]:
    """Return a code object as plain data; ``encode`` does the same for its constants.

    ``names`` gives globals another name: what they are called does not matter to one who knows what each of them is.

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
    listed = instructions(code)
    place = {one.offset: i for i, one in enumerate(listed)}
    offsets = sorted(place)
    body = tuple(_instruction(one, code, place, offsets, encode, names or {}) for one in listed)
    n_named = code.co_argcount + code.co_kwonlyargcount
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    version = (sys.version_info.major, sys.version_info.minor)
    given = code.co_varnames[:n_named]
    return ("code", version, arguments, (code.co_flags & _FLAGS, given), body, _handlers(code, place, offsets))


def _instruction(
    one: dis.Instruction,
    code: CodeType,
    place: dict[int, int],
    offsets: list[int],
    encode: Callable[[object], object],
    names: Mapping[str, str],
) -> tuple[object, ...]:
    if one.opcode in _CONSTS:
        value = code.co_consts[one.arg or 0]
        if isinstance(value, CodeType):  # a function inside has a name that what it is given to may show
            return (one.opname, value.co_name, encode_code(value, encode, names))
        return (one.opname, encode(value))
    if one.opname == "LOAD_GLOBAL":
        return (one.opname, is_callee(one), names.get(str(one.argval), str(one.argval)))
    if one.opcode in _JUMPS:
        return (one.opname, _place(one.argval, place, offsets))
    if one.opcode in _LOCALS:
        local = code.co_varnames
        return (one.opname, local.index(one.argval) if one.argval in local else str(one.argval))
    if one.opcode in _NAMES:
        return (one.opname, str(one.argval))
    return (one.opname, one.arg)


def is_callee(one: dis.Instruction) -> bool:
    """Say whether an instruction loads a global to call it at once, rather than to hand it on."""
    return one.opname == "LOAD_GLOBAL" and bool((one.arg or 0) & 1)


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
