"""Sets of rows as bitmaps."""

from __future__ import annotations

import struct
from functools import cached_property
from typing import TYPE_CHECKING

from mileage.core.fingerprint import Fingerprint
from mileage.errors import DataError

if TYPE_CHECKING:
    import numpy as np


class RowSet:
    """A set of rows as a bitmap, or a multiset of rows (a bootstrap) as indices; immutable by contract.

    Laws: ``RowSet.of(s.indices(), s.n_rows)`` equals ``s``; equal sets have equal digests; ``from_bytes(to_bytes())``
    is the identity. A multiset is compared as the set of the rows in it, except by digest and equality.

    Examples
    --------
    >>> import numpy as np
    >>> rows = RowSet.of(np.array([0, 2]), 4)
    >>> rows.n, rows.indices().tolist(), rows.isdisjoint(RowSet.of(np.array([1]), 4))
    (2, [0, 2], True)
    """

    def __init__(self, bits: np.ndarray, n_rows: int, drawn: np.ndarray | None = None) -> None:
        self.bits, self.n_rows, self.drawn = bits, n_rows, drawn

    @classmethod
    def of(cls, indices: np.ndarray, n_rows: int, *, multiset: bool = False) -> RowSet:
        """Return the set of these row numbers; a multiset keeps how often and in which order they were drawn."""
        import numpy as np

        mask = np.zeros(n_rows, dtype=bool)
        mask[indices] = True
        drawn = np.asarray(indices, dtype=np.int64) if multiset else None
        return cls(np.packbits(mask), n_rows, drawn)

    @classmethod
    def where(cls, mask: np.ndarray) -> RowSet:
        """Return the set of rows at which a boolean array is true."""
        import numpy as np

        return cls(np.packbits(mask), len(mask))

    @classmethod
    def from_bytes(cls, data: bytes) -> RowSet:
        """Return the set that :meth:`to_bytes` wrote."""
        import numpy as np

        n_rows, n_drawn = struct.unpack_from("<qq", data)
        size = (n_rows + 7) // 8
        bits = np.frombuffer(data, dtype=np.uint8, count=size, offset=16)
        drawn = np.frombuffer(data, dtype="<i8", offset=16 + size) if n_drawn >= 0 else None
        return cls(bits, n_rows, drawn)

    def to_bytes(self) -> bytes:
        """Return the set as bytes: sizes, bitmap, and what was drawn of a multiset."""
        n_drawn = -1 if self.drawn is None else len(self.drawn)
        tail = b"" if self.drawn is None else self.drawn.astype("<i8").tobytes()
        return struct.pack("<qq", self.n_rows, n_drawn) + self.bits.tobytes() + tail

    def mask(self) -> np.ndarray:
        """Return a boolean array over all rows."""
        import numpy as np

        return np.unpackbits(self.bits, count=self.n_rows).astype(bool)

    def indices(self) -> np.ndarray:
        """Return the row numbers, ascending; of a multiset as they were drawn."""
        import numpy as np

        return self.drawn if self.drawn is not None else np.flatnonzero(self.mask())

    @property
    def n(self) -> int:
        """Number of rows; a row of a multiset counts as often as it was drawn."""
        import numpy as np

        return len(self.drawn) if self.drawn is not None else int(np.bitwise_count(self.bits).sum())

    @cached_property
    def digest(self) -> Fingerprint:
        """Hash of the set."""
        from blake3 import blake3

        return Fingerprint(blake3(self.to_bytes()).hexdigest(length=16))

    def isdisjoint(self, other: RowSet) -> bool:
        """Say whether no row is in both."""
        self._same_table(other)
        return not bool((self.bits & other.bits).any())

    def issubset(self, other: RowSet) -> bool:
        """Say whether every row is in ``other``."""
        self._same_table(other)
        return not bool((self.bits & ~other.bits).any())

    def union(self, other: RowSet) -> RowSet:
        """Return the rows in either."""
        self._same_table(other)
        return RowSet(self.bits | other.bits, self.n_rows)

    def intersection(self, other: RowSet) -> RowSet:
        """Return the rows in both."""
        self._same_table(other)
        return RowSet(self.bits & other.bits, self.n_rows)

    def difference(self, other: RowSet) -> RowSet:
        """Return the rows that ``other`` lacks."""
        self._same_table(other)
        return RowSet(self.bits & ~other.bits, self.n_rows)

    def _same_table(self, other: RowSet) -> None:
        if self.n_rows != other.n_rows:
            raise DataError(f"sets of {self.n_rows:,} and {other.n_rows:,} rows are of different tables", code="D428")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowSet) and self.digest == other.digest

    def __hash__(self) -> int:
        return int(self.digest[:15], 16)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"RowSet({self.n:,} of {self.n_rows:,} rows{', drawn' if self.drawn is not None else ''})"
