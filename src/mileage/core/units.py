"""Quantities with units, as people write them: ``10 min``, ``8 GB``, ``5 %``."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
BYTES = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
UNITS = ("%", *SECONDS, *BYTES, "trials", "cores", "x")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit; ``unit`` is ``""`` for a bare number.

    Examples
    --------
    >>> Quantity(2, "min").seconds, Quantity(5, "%").fraction, Quantity(1, "KB").bytes
    (120.0, 0.05, 1024)
    >>> str(Quantity(20.0, "%")), str(Quantity(2, "min"))
    ('20%', '2 min')
    """

    value: float
    unit: str = ""

    @property
    def seconds(self) -> float | None:
        """The quantity in seconds, or None if it is no time."""
        return self.value * SECONDS[self.unit] if self.unit in SECONDS else None

    @property
    def bytes(self) -> int | None:
        """The quantity in bytes, or None if it is no size."""
        return int(self.value * BYTES[self.unit]) if self.unit in BYTES else None

    @property
    def fraction(self) -> float:
        """The quantity as a plain number; per cent are divided by 100."""
        return self.value / 100 if self.unit == "%" else self.value

    def __str__(self) -> str:
        number = str(int(self.value)) if float(self.value).is_integer() and abs(self.value) < 1e15 else repr(self.value)
        return f"{number}%" if self.unit == "%" else f"{number} {self.unit}".rstrip()


def parse_bytes(text: str) -> int:
    """Return an amount of memory or disk as bytes.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> parse_bytes("2 GB"), parse_bytes("500MB")
    (2147483648, 524288000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    unit = {name.upper(): size for name, size in BYTES.items()}.get(match[2].upper()) if match else None
    if match is None or unit is None:
        message = f"'{text}' is no amount of bytes: write for example 2 GB"
        raise ValueError(message)
    return int(float(match[1]) * unit)


def format_seconds(seconds: float) -> str:
    """Return a duration in the unit a reader expects.

    Examples
    --------
    >>> [format_seconds(s) for s in (0.0042, 0.8, 42.0, 150.0)]
    ['4.2 ms', '0.80 s', '42.0 s', '2 min 30 s']
    """
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def format_bytes(size: float) -> str:
    """Return a size in the unit a reader expects.

    Examples
    --------
    >>> format_bytes(900), format_bytes(2_500_000)
    ('900 B', '2.4 MB')
    """
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{int(size)} B"
