"""A feature that alone predicts the target almost perfectly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.findings import Finding
from mileage.data import ColumnProfile, Kind
from mileage.monitors.monitor import Monitor, WatchContext, word

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_ROWS = 5000
_FEWEST_ROWS = 50
_COLUMNS = 2000
_CELLS = 2_000_000
_PERFECT = 0.99
_BINS = 64
_KINDS = frozenset({Kind.NUMERIC, Kind.CATEGORICAL, Kind.TEXT, Kind.IDENTIFIER})


class Leak(Monitor):
    """Watch for features that leave nothing to predict: known only after the target, or the target in disguise.

    A feature's own score is taken on rows that it was not fitted on: how much better its values' means (or largest
    classes) guess than one guess for all rows do, from 0 to 1.
    """

    name = "leak"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding for each feature whose own score is above 0.99."""
        columns = self._candidates(context)
        if not columns or context.profile.n_rows < _FEWEST_ROWS:
            return ()
        rows = max(500, min(_ROWS, _CELLS // len(columns)))
        read = [(c.name, Kind.NUMERIC if c.kind is Kind.NUMERIC else Kind.CATEGORICAL) for c in columns]
        frame = context.read(read, at_most=rows)
        y = _target_matrix(frame[context.target_name], regression=context.target.task == "regression")
        if y is None or len(frame) < _FEWEST_ROWS:
            return ()
        found = []
        for name, kind in read:
            score = _own_score(_codes(frame[name], numeric=kind is Kind.NUMERIC), y)
            if score >= _PERFECT:
                message = (
                    f"{name} alone predicts {context.target_name} almost perfectly ({score:.3f}): is it known before?"
                )
                evidence = {"score": round(score, 4), "rows": len(frame)}
                found.append(
                    Finding(
                        "W322", message, columns=(name,), evidence=evidence, suggestion=f"KNOWING {word(name)} IS LEAKY"
                    )
                )
        return tuple(found)

    @staticmethod
    def _candidates(context: WatchContext) -> list[ColumnProfile]:
        """Features that can tell as many things apart as the target has, at most a budget of them."""
        features, classes = set(context.features), len(context.target.classes) or 8
        usable = [
            c
            for c in context.profile.columns
            if c.name in features and c.kind in _KINDS and c.n_distinct + (c.n_missing > 0) >= classes
        ]
        # Those with few values first: a copy of the target has as few as it has.
        return sorted(usable, key=lambda c: c.n_distinct)[:_COLUMNS]


def _target_matrix(y: pd.Series, *, regression: bool) -> np.ndarray | None:
    """Return the target as columns whose means guess it: itself, or an indicator of each class."""
    import numpy as np
    import pandas as pd

    if regression:
        values = y.to_numpy(dtype=float)[:, None]
        spread = values.std()
        return (values - values.mean()) / spread if np.isfinite(spread) and spread > 0 else None
    codes, classes = pd.factorize(y, sort=True)
    return np.eye(len(classes))[codes] if 2 <= len(classes) <= 100 else None


def _codes(x: pd.Series, *, numeric: bool) -> np.ndarray:
    """Return a whole number per value: its category, or its place among equally filled bins; what is missing is 0."""
    import numpy as np
    import pandas as pd

    codes, unique = pd.factorize(x, sort=numeric)
    if not numeric or len(unique) <= _BINS:
        return np.asarray(codes + 1)
    values = x.to_numpy(dtype=float)
    known = np.isfinite(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(known, np.searchsorted(edges, values) + 1, 0)


def _own_score(codes: np.ndarray, y: np.ndarray) -> float:
    """Return the share of what one guess for all gets wrong that the codes' guesses get right, on held out halves."""
    import numpy as np

    half = np.arange(len(codes)) % 2 == 0
    wrong, base = 0.0, 0.0
    for train, test in ((half, ~half), (~half, half)):
        n_codes = int(codes.max()) + 1
        counts = np.bincount(codes[train], minlength=n_codes)
        sums = np.stack([np.bincount(codes[train], weights=column, minlength=n_codes) for column in y[train].T], axis=1)
        overall = y[train].mean(axis=0)
        means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], overall)
        if y.shape[1] == 1:
            wrong += float(((y[test] - means[codes[test]]) ** 2).sum())
            base += float(((y[test] - overall) ** 2).sum())
        else:
            truth = y[test].argmax(axis=1)
            wrong += float((means[codes[test]].argmax(axis=1) != truth).sum())
            base += float((truth != overall.argmax()).sum())
    return 1 - wrong / base if base > 0 else 0.0


LEAK = Leak()
