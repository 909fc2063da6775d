"""A feature that alone predicts the target almost perfectly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mileage.core.findings import Finding
from mileage.data import Kind, quote
from mileage.monitors.monitor import Monitor, WatchContext

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_ROWS, _COLUMNS, _PERFECT = 4000, 120, 0.995


class Leak(Monitor):
    """Watch for features that leave nothing to predict: known only after the target, or the target in disguise."""

    name = "leak"

    def watch(self, context: WatchContext) -> tuple[Finding, ...]:
        """Return one finding for each feature whose own score, on rows it was not fitted on, is above 0.995."""
        columns = [
            c
            for c in context.profile.columns
            if c.name in context.features and c.kind in {Kind.NUMERIC, Kind.CATEGORICAL}
        ]
        if not columns or len(columns) > _COLUMNS or context.profile.n_rows < 50:
            return ()
        listed = ", ".join(quote(name) for name in (*[c.name for c in columns], context.target_name))
        relation = context.dataset.relation_sql.removesuffix(" ORDER BY ALL")
        step = max(1, context.profile.n_rows // _ROWS)
        sql = f"SELECT * EXCLUDE (_row) FROM (SELECT {listed}, row_number() OVER () AS _row FROM ({relation})) WHERE _row % {step} = 0 AND {quote(context.target_name)} IS NOT NULL"
        frame = context.dataset.database.frame(sql)
        y = frame.pop(context.target_name)
        regression = context.target.task == "regression"
        found = []
        for c in columns:
            share = _own_score(frame[c.name], y, numeric=c.kind is Kind.NUMERIC, regression=regression)
            if share >= _PERFECT:
                message = (
                    f"{c.name} alone predicts {context.target_name} almost perfectly ({share:.3f}): is it known before?"
                )
                found.append(
                    Finding(
                        "W322",
                        message,
                        columns=(c.name,),
                        evidence={"score": share},
                        suggestion=f"KNOWING {c.name} IS LEAKY",
                    )
                )
        return tuple(found)


def _own_score(x: pd.Series, y: pd.Series, *, numeric: bool, regression: bool) -> float:
    """Return accuracy above the largest class (or R2) of group means of one column on the other half of the rows."""
    import numpy as np
    import pandas as pd

    keys = x.astype("string").fillna("") if not numeric else _bins(pd.to_numeric(x, errors="coerce").astype(float))
    half = np.arange(len(x)) % 2 == 0
    if regression:
        values = pd.to_numeric(y, errors="coerce").astype(float)
        guess = keys[~half].map(values[half].groupby(keys[half]).mean()).astype(float).fillna(values[half].mean())
        spread = float(((values[~half] - values[~half].mean()) ** 2).sum())
        return 1 - float(((values[~half] - guess) ** 2).sum()) / spread if spread > 0 else 0.0
    labels = y.astype("string")
    top = labels[half].groupby(keys[half]).agg(lambda s: s.mode().iloc[0])
    right = float((keys[~half].map(top).fillna("") == labels[~half]).mean())
    base = float((labels[~half] == labels[half].mode().iloc[0]).mean())
    return (right - base) / (1 - base) if base < 1 else 0.0


def _bins(values: pd.Series) -> pd.Series:
    import numpy as np
    import pandas as pd

    edges: np.ndarray = np.unique(values.quantile(np.linspace(0, 1, 201)).dropna())
    return pd.Series(np.searchsorted(edges, values.fillna(-np.inf)), index=values.index)


LEAK = Leak()
