"""Plain functions between estimators; an exported script carries their source, so they use numpy and pandas only.

``np`` and ``pd`` are loaded when a function first uses them: listing the operators stays quick.
"""

from importlib import import_module


class _Late:
    """A module that is imported when it is first used."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(import_module(self._name), attribute)


np = _Late("numpy")
pd = _Late("pandas")


def as_texts(X):
    """Return a one-column table as an array of texts; missing ones are empty."""
    texts = pd.DataFrame(X).iloc[:, 0].astype(object)
    return texts.where(texts.notna(), "").astype(str).to_numpy(dtype=object)


def date_parts(X):
    """Return year, month, day, weekday, hour, day of the year and days since 1970 of each date column."""
    parts = []
    for name in X.columns:
        d = X[name].dt
        days = (X[name] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
        parts += [d.year, d.month, d.day, d.dayofweek, d.hour, d.dayofyear, days]
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in parts])


def as_objects(X):
    """Return categories as Python objects with None for what is missing."""
    frame = pd.DataFrame(X)
    return frame.astype(object).where(frame.notna(), None)


def as_categories(X):
    """Return filled categories as a table of texts again."""
    return pd.DataFrame(X).astype(str)


def missing_as_level(X):
    """Return categories with the word ``missing`` where there is none."""
    frame = pd.DataFrame(X)
    return frame.astype(object).where(frame.notna(), "missing").astype(str)


def filled(X):
    """Return categories as lists of ``column=value`` words, for hashing."""
    frame = pd.DataFrame(X)
    frame = frame.astype(object).where(frame.notna(), "missing")
    return [[f"{i}={value}" for i, value in enumerate(row)] for row in frame.itertuples(index=False)]


def as_matrix(X):
    """Return numbers as an array of their own: some estimators write into what a table hands out read-only."""
    return np.array(X, dtype=np.float64)


def as_dense(X):
    """Return a matrix that is not sparse."""
    return X.toarray() if hasattr(X, "toarray") else X


def first_columns(X, n):
    """Return the first ``n`` columns, or all if there are fewer."""
    return X[:, :n]


def information_on_classes(X, y):
    """Return the mutual information of each column and classes; its draws are the same each time."""
    from sklearn.feature_selection import mutual_info_classif

    return mutual_info_classif(X, y, random_state=0)


def information_on_numbers(X, y):
    """Return the mutual information of each column and a number; its draws are the same each time."""
    from sklearn.feature_selection import mutual_info_regression

    return mutual_info_regression(X, y, random_state=0)


def as_probabilities(margins):
    """Return margins as probabilities of the classes: by the logistic function, or softmax."""
    if margins.ndim == 1:
        return np.column_stack([1 / (1 + np.exp(margins)), 1 / (1 + np.exp(-margins))])
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def of_margins(y, margins, metric, **options):
    """Return a metric of probabilities for a model that gives margins only."""
    return metric(y, as_probabilities(margins), **options)
