"""Relations of very many columns, held in memory: a statement over them names a narrow one with just its columns.

DuckDB binds all columns of what a statement reads, so each statement over 20,000 columns costs half a second, however few
of them it uses. A selection of the columns of an Arrow table copies nothing and costs a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mileage.core.fingerprint import fingerprint
from mileage.data.sqltext import quote

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

WIDE = 1000  # columns; below, DuckDB binds them in a few milliseconds
SLICE = 250  # columns that are read at once: a statement with many expressions takes quadratic time
_CELLS = 500_000_000  # of a relation that is held for this alone


class WideRelations:
    """The wide relations of one connection.

    Parameters
    ----------
    register : callable
        Makes an Arrow table known to DuckDB by a name.
    """

    def __init__(self, register: Callable[[str, pa.Table], object]) -> None:
        self._register = register
        self._tables: dict[str, pa.Table] = {}
        self._places: dict[str, dict[str, int]] = {}  # of the columns of each table
        self._narrow: dict[tuple[str, tuple[int, ...]], str] = {}

    def __contains__(self, relation: object) -> bool:
        return relation in self._tables

    @staticmethod
    def fits(n_columns: int, n_rows: int) -> bool:
        """Say whether a relation of this size is held: it is wide, and small enough."""
        return n_columns > WIDE and n_columns * n_rows <= _CELLS

    def hold(self, relation: str, table: pa.Table) -> None:
        """Hold a relation, or hold other rows for it than before."""
        self.drop(relation)
        self._tables[relation] = table
        self._places[relation] = {name: i for i, name in enumerate(table.column_names)}

    def drop(self, relation: str) -> None:
        """Hold a relation no longer."""
        if self._tables.pop(relation, None) is None:
            return
        del self._places[relation]
        self._narrow = {key: name for key, name in self._narrow.items() if key[0] != relation}

    def narrow(self, relation: str, names: Sequence[str]) -> str:
        """Return a SELECT of at least these columns of a relation: itself, where it is not held."""
        if relation not in self._tables:
            return relation
        places = self._places[relation]
        # In the order of the table and each once, as a column may serve several expressions.
        wanted = tuple(sorted({places[name] for name in names} or {0}))
        key = (relation, wanted)
        if key not in self._narrow:
            name = f"mile_narrow_{fingerprint(*key)}"
            self._register(name, self._tables[relation].select(list(wanted)))
            self._narrow[key] = f"SELECT * FROM {quote(name)}"
        return self._narrow[key]

    def numbers(self, relation: str, names: Sequence[str]) -> pd.DataFrame:
        """Return columns of numbers as DOUBLE, infinite ones missing: what SQL gives, in a hundredth of its time.

        Of a relation that is not held, and of columns of another type (see :meth:`are_numbers`), there is no such thing.
        """
        import numpy as np
        import pandas as pd
        import pyarrow.compute as pc

        table = self._tables[relation]
        values = np.empty((table.num_rows, len(names)), order="F")
        for i, place in enumerate(self._places[relation][name] for name in names):
            values[:, i] = pc.cast(table.column(place), "float64", safe=False).to_numpy()
        values[~np.isfinite(values)] = np.nan
        return pd.DataFrame(values, columns=list(names), copy=False)

    def are_numbers(self, relation: str, name: str) -> bool:
        """Say whether a column is of a relation that is held, and has a type of numbers that :meth:`numbers` reads."""
        import pyarrow as pa

        if relation not in self._tables:
            return False
        kind = self._tables[relation].schema.field(self._places[relation][name]).type
        return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))

    def slices(self, relation: str) -> list[str]:
        """Return SELECTs that give the columns of a relation in order, a part of them each."""
        if relation not in self._tables:
            return [relation]
        names = list(self._places[relation])
        return [self.narrow(relation, names[i : i + SLICE]) for i in range(0, len(names), SLICE)]

    def clear(self) -> None:
        """Hold nothing."""
        self._tables.clear()
        self._places.clear()
        self._narrow.clear()
