"""Content hashes that say whether two computations are the same one.

Values are written in a type-tagged canonical form before they are hashed, so that ``1``, ``1.0``, ``True`` and
``"1"`` differ, and the order of a mapping does not matter. Never Python's ``hash()``, never a hash of a pickle.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NewType

from blake3 import blake3

Fingerprint = NewType("Fingerprint", str)
_SCALARS = frozenset(
    {str, int, bool, type(None)}
)  # of each type, equal ones are written alike: of floats 0.0 and -0.0 are not

_DOUBLE = struct.Struct(">d").pack


def canonical(value: object) -> bytes:
    """Return ``value`` as type-tagged bytes, equal for equal values only.

    Raises
    ------
    TypeError
        If the value is not plain data (None, bool, int, float, str, bytes, sequence, mapping).

    Examples
    --------
    >>> canonical(1) == canonical(1.0), canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    (False, True)
    """
    kind = type(value)  # most values are of these exact types: looked at first, since keys are made of thousands
    if kind is str:
        return _text(value)
    if kind is tuple or kind is list:
        body = b"".join(
            [
                _text(item) if type(item) is str else b"f" + _DOUBLE(item) if type(item) is float else _item(item)
                for item in value  # type: ignore[attr-defined]
            ]
        )
        return b"l%d:%b" % (len(body), body)
    if kind is int:
        return _whole(value)
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"b1" if value else b"b0"
    if isinstance(value, int):
        return _whole(int(value))
    if isinstance(value, float):
        return b"f" + _DOUBLE(value)
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, bytes):
        return _tagged(b"y", value)
    if isinstance(value, Mapping):
        items = sorted(canonical(k) + canonical(v) for k, v in value.items())
        return _tagged(b"m", b"".join(items))
    if isinstance(value, Sequence):
        return _tagged(b"l", b"".join(canonical(item) for item in value))
    message = f"cannot fingerprint a {type(value).__name__}: use plain values"
    raise TypeError(message)


def _item(value: object) -> bytes:
    """Return an item of a sequence as bytes: a parameter with its value, most often one of a few."""
    if type(value) is tuple and len(value) == 2 and type(value[0]) is str and type(value[1]) in _SCALARS:
        return _pair(*value)
    return canonical(value)


@lru_cache(maxsize=8192, typed=True)
def _pair(name: str, value: object) -> bytes:
    return _tagged(b"l", canonical(name) + canonical(value))


def fingerprint(*parts: object) -> Fingerprint:
    """Return the hash of plain values, 32 hexadecimal digits.

    Examples
    --------
    >>> fingerprint("fit", {"C": 1.0}) == fingerprint("fit", {"C": 1})
    False
    """
    return Fingerprint(blake3(canonical(parts)).hexdigest(length=16))


def derive_seed(seed: int, *names: object) -> int:
    """Return a seed in ``0 .. 2**31 - 1`` for a named part of a computation.

    It depends on the query's seed and the names only, never on the order of execution.

    Examples
    --------
    >>> derive_seed(7, "model") == derive_seed(7, "model") != derive_seed(7, "split")
    True
    """
    return int(fingerprint("seed", seed, *names)[:8], 16) & 0x7FFFFFFF


@lru_cache(maxsize=8192)  # names of instructions and of types: the same few, over and over
def _text(value: str) -> bytes:
    return _tagged(b"s", value.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1024)  # arguments of instructions
def _whole(value: int) -> bytes:
    return _tagged(b"i", str(value).encode())


def _tagged(tag: bytes, body: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(body), body)
