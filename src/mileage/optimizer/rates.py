"""What work costs on this machine: measured once in a few hundredths of a second, corrected by what runs have taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

_ROWS, _COLUMNS, _TIMES = 4000, 48, 3
_PRIOR_CELL_S = 2e-9  # of the machine of the priors
_TRUST = 0.3  # of an observation, against all before it


@dataclass(frozen=True)
class Rates:
    """Seconds by unit of work.

    Attributes
    ----------
    cell_s : float
        To read one number of a table, more than once as a sum or a fit does.
    product_s : float
        To add the product of two columns of one row to a sum.
    task_s : float
        To plan, place and record one task, whatever it does.
    slow : float
        How much slower this machine is than the one that the priors of operators' costs were taken on.

    Examples
    --------
    >>> rates = Rates(cell_s=1e-8, product_s=1e-10)
    >>> round(rates.scan_s(100_000, 50, products=True), 4), round(rates.scan_s(100_000, 50, products=False), 4)
    (0.075, 0.05)
    """

    cell_s: float
    product_s: float
    task_s: float = 1e-3
    slow: float = 1.0

    @classmethod
    def measured(cls) -> Rates:
        """Return the rates of this machine, by a few runs of each kind of work; the quickest counts."""
        import numpy as np

        X = np.random.default_rng(0).normal(size=(_ROWS, _COLUMNS))
        order = np.random.default_rng(1).permutation(_ROWS)
        cell_s = _quickest(lambda: (X.take(order, axis=0) - 1.0).sum(axis=0)) / X.size
        product_s = _quickest(lambda: X.T @ X) / (X.size * _COLUMNS)
        return cls(cell_s, product_s, slow=cell_s / _PRIOR_CELL_S)

    def scan_s(self, n_rows: float, n_columns: float, *, products: bool) -> float:
        """Return the seconds to sum up some rows once."""
        return n_rows * n_columns * (self.cell_s + (self.product_s * n_columns if products else 0.0))

    def corrected(self, forecast_s: float, took_s: float) -> Rates:
        """Return rates that lean towards what work has taken that was forecast otherwise.

        Examples
        --------
        >>> round(Rates(1e-8, 1e-10).corrected(forecast_s=1.0, took_s=2.0).cell_s * 1e8, 3)
        1.231
        """
        if forecast_s <= 0 or took_s <= 0:
            return self
        factor = (took_s / forecast_s) ** _TRUST
        return replace(self, cell_s=self.cell_s * factor, product_s=self.product_s * factor)


def _quickest(work: Callable[[], object]) -> float:
    found = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
