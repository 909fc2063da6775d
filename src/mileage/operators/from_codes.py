"""Categories as codes that all splits share, and what can be fitted on codes instead of the categories themselves.

Telling texts apart takes most of the time of an encoder. So the categories of a table are coded once, whatever the splits; a code says which
category a cell has and nothing else. Next: :mod:`mileage.operators.encode.target`, and of texts :mod:`mileage.operators.words`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mileage.operators.base import Branch, BuildContext, Params

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.words import Words

Levels = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Coded:
    """Some rows of a table of categories.

    Attributes
    ----------
    codes : DataFrame of shape (n_rows, n_columns)
        The place of each category among the levels of its column.
    levels : dict of tuples
        Of each column, those of all rows of the table.

    Examples
    --------
    >>> import pandas as pd
    >>> coded = Coded(*code_categories(pd.DataFrame({"c": ["v", "u", "v"]})))
    >>> coded.levels, coded.columns[0].tolist()
    ({'c': ('u', 'v')}, [1, 0, 1])
    """

    codes: Any
    levels: Levels

    @property
    def columns(self) -> list[np.ndarray]:
        """The codes of each column, shape (n_rows,)."""
        return list(self.codes.to_numpy().T)

    def met(self) -> Any:
        """Return a table of the levels that the rows have, once each; columns with fewer begin again with the first."""
        import numpy as np

        from mileage.operators.layout import level_table

        pairs = zip(self.levels.items(), self.columns, strict=True)
        return level_table({name: [own[i] for i in np.flatnonzero(np.bincount(c))] for (name, own), c in pairs})

    def told(self, fitted: Any) -> np.ndarray:
        """Return what a fitted encoder makes of the rows, from what it makes of each level, shape (n_rows, n_out).

        Each column becomes as many columns as any other.
        """
        import numpy as np

        from mileage.operators.layout import level_table

        made = np.asarray(fitted.transform(level_table(self.levels)))
        width = made.shape[1] // len(self.levels)
        out = np.empty((len(self.codes), made.shape[1]), dtype=made.dtype)
        for i, codes in enumerate(self.columns):
            own = slice(i * width, (i + 1) * width)
            out[:, own] = made[codes, own]
        return out


def code_categories(X: Any) -> tuple[Any, Levels]:
    """Return the codes of a table of categories, and the levels of each column.

    Examples
    --------
    >>> import pandas as pd
    >>> codes, levels = code_categories(pd.DataFrame({"c": ["v", "u", "v"], "d": ["w", "w", "x"]}))
    >>> codes.to_numpy().tolist(), levels["d"]
    ([[1, 0], [0, 0], [1, 1]], ('w', 'x'))
    """
    import numpy as np
    import pandas as pd

    from mileage.operators.layout import coded

    codes, levels = np.empty((X.shape[1], len(X)), dtype=np.int32), {}
    for i, name in enumerate(X.columns):
        levels[name], codes[i] = coded(X[name])
    return pd.DataFrame(codes.T, columns=X.columns, copy=False), levels


def as_coded(codes: Any, levels: Levels) -> Coded | Words:
    """Return rows of a table as what encoders are told of: categories, or counts of words."""
    from mileage.operators.words import Words

    return Words(codes, levels) if hasattr(codes, "tocsr") else Coded(codes, levels)


class FromCodes(ABC):
    """An encoder that can be fitted on codes: of categories one column each, of a text how often it has which terms.

    Law (checked by ``mileage.testing.check_operator``): fitted on codes it is the encoder that is fitted on the cells, bit by bit, and
    its output for the train rows is the same.

    Attributes
    ----------
    codes : Branch
        What columns are coded.
    """

    codes: ClassVar[Branch] = Branch.CATEGORICAL

    def code_params(self, params: Params) -> Params:
        """Return the parameters that codes depend on."""
        del params
        return {}

    def code(self, params: Params, X: Any) -> tuple[Any, Levels]:
        """Return the codes of the rows of a table, and the levels of each column."""
        del params
        return code_categories(X)

    @abstractmethod
    def fit_codes(
        self, params: Params, context: BuildContext, coded: Any, y: Any, *, transforms: bool
    ) -> tuple[Any, Any]:
        """Return the fitted estimator, and its output for the train rows if ``transforms``."""
