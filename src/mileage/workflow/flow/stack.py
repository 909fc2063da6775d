"""Matrices and frames side by side, as scikit-learn puts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def side_by_side(parts: Sequence[Any]) -> Any:
    """Return matrices or frames as one."""
    import numpy as np
    from scipy import sparse

    if len(parts) == 1:
        return parts[0]
    if any(sparse.issparse(part) for part in parts):
        return sparse.hstack(parts).tocsr()
    if all(hasattr(part, "iloc") for part in parts):
        import pandas as pd

        return pd.concat(parts, axis=1)
    return np.hstack(list(parts))


class Blocks:
    """Arrays that will stand side by side: their shape."""

    ndim = 2

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
