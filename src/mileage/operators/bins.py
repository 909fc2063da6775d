"""Columns in bins that fits of boosted trees share: those of their own train rows, made once and told to each of them.

Next: :mod:`mileage.operators.models.lightgbm`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.operators.base import BuildContext, Params

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Bins:
    """The columns of some rows in bins, as a library writes them, so that they may go to another process.

    Attributes
    ----------
    data : array of uint8, shape (n_bytes,)
    is_whole : bool
        Whether no column was left out: then none would be by a fit that asks for fewer rows in a leaf.
    """

    data: np.ndarray
    is_whole: bool


class Binned(ABC):
    """A model that puts its columns in bins before it fits, and can be given them.

    Law (checked by ``mileage.testing.check_operator``): with bins of its train rows it answers as fitted without, bit by bit.
    """

    @abstractmethod
    def bin_params(self, params: Params) -> Params:
        """Return the parameters that bins depend on, with values that serve as many others as can be."""

    @abstractmethod
    def bins(self, params: Params, context: BuildContext, X: Any) -> Bins:
        """Return the columns of ``X`` in bins; ``params`` are those of :meth:`bin_params`."""

    @abstractmethod
    def fit_binned(self, params: Params, context: BuildContext, bins: Bins, X: Any, y: Any) -> Any:
        """Return the model fitted on ``X`` and ``y``, given the bins of ``X``."""
