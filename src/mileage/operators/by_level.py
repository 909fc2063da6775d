"""Fitted encoders as tables to look levels up in.

An encoder of scikit-learn compares the texts of all rows whenever it is applied, and checks them several times over: for a few rows that is most of
what a prediction takes. What it makes of a level hangs on the level alone, so it is asked once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from mileage.operators import running
from mileage.operators.layout import level_key, level_table

if TYPE_CHECKING:
    import numpy as np

_MOST_CELLS = 100_000  # of the table that an encoder is asked: all levels of its columns, side by side
_UNSEEN = "a level that no row has had"


class ByLevel:
    """An encoder of which each column becomes columns of its own, by its level alone.

    Law (checked by ``mileage.testing.check_operator``): looked up (:class:`Looked`), rows become what the fitted encoder makes of them, bit by bit,
    levels that it has not seen and missing ones too.
    """

    def widths(self, fitted: Any) -> list[int]:
        """Return how many columns each column becomes."""
        n_columns = len(fitted.categories_)
        return [len(fitted.get_feature_names_out()) // n_columns] * n_columns


def looked(operator: ByLevel, fitted: Any) -> Any:
    """Return a fitted encoder as tables to look levels up in; as it is where it knows so many that asking it for all would take longer."""
    levels = [len(own) for own in fitted.categories_]
    return Looked(operator, fitted) if max(levels) * len(levels) <= _MOST_CELLS else fitted


@dataclass
class Looked:
    """A fitted encoder that answers from what it makes of each level.

    Parameters
    ----------
    operator : ByLevel
    fitted : estimator
        An encoder of scikit-learn, with its ``categories_``.

    Examples
    --------
    >>> import pandas as pd
    >>> from mileage.operators.encode.ordinal import ORDINAL
    >>> from mileage.operators.base import BuildContext
    >>> rows = pd.DataFrame({"c": ["v", "u", None, "v"]})
    >>> looked = Looked(ORDINAL, ORDINAL.build({}, BuildContext()).fit(rows))
    >>> looked.transform(pd.DataFrame({"c": ["v", "w", None]})).ravel().tolist()
    [1.0, -1.0, -2.0]
    """

    operator: ByLevel
    fitted: Any

    @cached_property
    def _tables(self) -> tuple[list[_Places], list[Any]]:
        """The levels of each column, and what each becomes; the encoder is asked when the first rows come."""
        known = [list(own) for own in self.fitted.categories_]
        asked = [[*own, _unseen(own), _missing(own)] for own in known]
        made = running.apply(self.fitted, level_table(dict(zip(self.fitted.feature_names_in_, asked, strict=True))))
        made = made.tocsr() if hasattr(made, "tocsr") else made
        stops = [0, *accumulate(self.operator.widths(self.fitted))]
        parts = [made[: len(own), start:stop] for own, (start, stop) in zip(asked, pairwise(stops), strict=True)]
        return [_Places(own) for own in asked], parts

    @cached_property
    def _block(self) -> Any:
        """What all levels become, one after the other, as one sparse matrix, and of each column where its levels begin."""
        from scipy import sparse

        parts = self._tables[1]
        return sparse.block_diag(parts, format="csr"), [0, *accumulate(part.shape[0] for part in parts)][:-1]

    def transform(self, X: Any) -> Any:
        """Return what the encoder makes of the rows of a table, shape (n_rows, n_out)."""
        import numpy as np
        from scipy import sparse

        columns, made = self._tables
        places = [column.of(values) for column, (_, values) in zip(columns, X.items(), strict=True)]
        if not sparse.issparse(made[0]):
            return np.hstack([part[own] for part, own in zip(made, places, strict=True)])
        block, starts = self._block
        rows = (
            np.column_stack(places) + starts
        )  # of the block: a row of the table is the sum of some, which have no column in common
        n_rows, n_columns = rows.shape
        stops = np.arange(0, rows.size + 1, n_columns)
        chosen = sparse.csr_matrix((np.ones(rows.size), rows.ravel(), stops), shape=(n_rows, block.shape[0]))
        out = chosen @ block
        out.sort_indices()
        return out


class _Places:
    """The place of each level of a column, the last two being one never seen and one that is missing."""

    def __init__(self, levels: Sequence[Any]) -> None:
        self._place = {level_key(level): i for i, level in enumerate(levels)}

    def of(self, values: Any) -> np.ndarray:
        """Return the places of the values of a column, shape (n_rows,)."""
        import numpy as np
        import pandas as pd

        missing = self._place[None]
        codes, found = pd.factorize(values)
        places = [self._place.get(level, missing - 1) for level in np.asarray(found, dtype=object).tolist()]
        return np.asarray(np.array([*places, missing], dtype=np.intp)[codes])  # the last one, -1, is what is missing


def _unseen(levels: Sequence[Any]) -> Any:
    """Return a level that is none of some."""
    made = _UNSEEN
    while made in levels:
        made += "'"
    return made


def _missing(levels: Sequence[Any]) -> Any:
    """Return what marks a missing value among some levels."""
    return next((level for level in levels if level is None or level != level), float("nan"))  # noqa: PLR0124
