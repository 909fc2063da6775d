"""Figures of a column of numbers, by numpy: for wide tables, where many aggregates in one statement are slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_FEW = 50


def number_figures(column: pa.ChunkedArray) -> dict[str, Any]:
    """Return the figures that the profile takes of numbers, under the same names; NaN and infinity are missing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> figures = number_figures(pa.chunked_array([[1.0, None, 3.0, 1.0]]))
    >>> figures["n"], figures["n_distinct"], figures["quantiles"][2], figures["histogram"]
    (3, 2, 1.0, {1.0: 2, 3.0: 1})
    """
    import numpy as np

    values = column.to_numpy()
    values = np.sort(values[np.isfinite(values)])
    n = len(values)
    if n == 0:
        return {"n": 0, "n_distinct": 0}
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    low, high = float(values[0]), float(values[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = float(values.mean()), float(values.std(ddof=1)) if n > 1 else None
    figures: dict[str, Any] = {
        "n": n,
        "n_distinct": len(starts),
        "min": low,
        "max": high,
        "mean": _finite(mean),
        "sd": _finite(sd),
    }
    figures["quantiles"] = (
        tuple(float(q) for q in np.interp(_QUANTILES, np.linspace(0, 1, n), values)) if n > 1 else (low,) * 5
    )
    if len(starts) <= _FEW:
        counts = np.diff(np.append(starts, n))
        figures["histogram"] = dict(zip(values[starts].tolist(), counts.tolist(), strict=True))
    return figures


def _finite(value: float | None) -> float | None:
    import math

    return value if value is not None and math.isfinite(value) else None
