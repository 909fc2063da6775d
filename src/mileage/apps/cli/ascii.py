"""Signs for terminals whose encoding has not ours: ``±`` becomes ``+-`` and so on, never an error."""

from __future__ import annotations

import codecs

PLAIN = "mileage.plain"
_SIGNS = {"±": "+-", "≈": "~", "·": "-", "…": "...", "—": "-", "→": "->", "━": "=", "≤": "<=", "≥": ">="}


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded by signs of ASCII that mean the same, and other letters by ``?``.

    Examples
    --------
    >>> "0.9 ± 0.1 → é".encode("ascii", errors=PLAIN)
    b'0.9 +- 0.1 -> ?'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_SIGNS.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error(PLAIN, plain)
