"""Plain functions between estimators; an exported script carries their source, so they use numpy and pandas only."""

import numpy as np
import pandas as pd


def as_texts(X):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N803  (copied into scripts)
    """Return a one-column table as an array of texts; missing ones are empty."""
    return pd.DataFrame(X).iloc[:, 0].fillna("").astype(str).to_numpy(dtype=object)


def date_parts(X):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N803
    """Return year, month, day, weekday, hour, day of the year and days since 1970 of each date column."""
    parts = []
    for name in X.columns:
        d = X[name].dt
        days = (X[name] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        parts += [d.year, d.month, d.day, d.dayofweek, d.hour, d.dayofyear, days]
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])


def as_objects(X):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N803
    """Return categories as Python objects with None for what is missing."""
    frame = pd.DataFrame(X)
    return frame.astype(object).where(frame.notna(), None)


def filled(X):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N803
    """Return categories as lists of ``column=value`` words, for hashing."""
    frame = pd.DataFrame(X)
    frame = frame.astype(object).where(frame.notna(), "missing")
    return [[f"{i}={value}" for i, value in enumerate(row)] for row in frame.itertuples(index=False)]
