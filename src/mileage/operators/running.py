"""The only place that calls ``fit``, ``transform`` and ``predict`` of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Estimator = Any


@dataclass(frozen=True)
class Predictions:
    """What a model says of rows, as kept.

    ``kind`` is ``proba`` (``values`` of shape (n_rows, n_classes)), ``decision`` (margins, (n_rows,) for two classes)
    or ``value`` (n_rows,). ``labels`` are class codes, or the values themselves.
    """

    kind: str
    values: np.ndarray
    labels: np.ndarray

    def decoded(self, classes: tuple[str, ...]) -> np.ndarray:
        """Return class names, or values for a regression."""
        import numpy as np

        return self.values if self.kind == "value" else np.asarray(classes, dtype=object)[self.labels]

    def proba(self) -> np.ndarray:
        """Return probabilities; margins become them by the logistic function or softmax.

        Raises
        ------
        ValueError
            For a regression, which has none.
        """
        import numpy as np
        from scipy.special import expit, softmax

        if self.kind == "proba":
            return self.values
        if self.kind == "value":
            message = "a regression has no class probabilities"
            raise ValueError(message)
        if self.values.ndim == 1:
            p = expit(self.values)
            return np.column_stack([1 - p, p])
        return np.asarray(softmax(self.values, axis=1))


def fit_transform(estimator: Estimator, X: Any, y: Any = None) -> tuple[Estimator, Any]:
    """Fit a transformer and return it with its output for the rows it was fitted on."""
    out = estimator.fit_transform(X) if y is None else estimator.fit_transform(X, y)
    return estimator, _matrix(out)


def fit_transformer(estimator: Estimator, X: Any, y: Any = None) -> Estimator:
    """Fit a transformer and return it, without its output."""
    return estimator.fit(X) if y is None else estimator.fit(X, y)


def fit_model(estimator: Estimator, X: Any, y: Any, *, n_threads: int = 1) -> Estimator:
    """Fit a model, with several threads if it is one that may have them, and return it."""
    if n_threads == 1:
        return estimator.fit(X, y)
    fitted = estimator.set_params(n_jobs=n_threads).fit(X, y)
    return fitted.set_params(n_jobs=1)


def with_threads(state: Estimator, n_threads: int) -> Estimator:
    """Let a fitted model, or the one behind a transformed target, predict with so many threads, and return it."""
    model: Estimator = getattr(state, "regressor_", state)
    if model.get_params(deep=False).get("n_jobs") != n_threads:
        model.set_params(n_jobs=n_threads)
    return state


def apply(state: Estimator, X: Any) -> Any:
    """Return the output of a fitted transformer."""
    return _matrix(state.transform(X))


def predict(state: Estimator, X: Any, task: str, n_classes: int = 2) -> Predictions:
    """Return what a fitted model predicts; columns stand for the codes ``0 .. n_classes - 1``."""
    import numpy as np

    if task == "regression":
        values = np.asarray(state.predict(X), dtype=np.float64).reshape(-1)
        return Predictions("value", values, values)
    seen = np.asarray(state.classes_, dtype=np.int64)
    n_classes = max(n_classes, int(seen.max(initial=0)) + 1)
    if hasattr(state, "predict_proba"):
        values = _aligned(np.asarray(state.predict_proba(X), dtype=np.float64), seen, n_classes, 0.0)
        return Predictions("proba", values, values.argmax(axis=1))
    margins = np.asarray(state.decision_function(X), dtype=np.float64)
    labels = np.asarray(state.predict(X), dtype=np.int64)
    if n_classes > 2:
        margins = np.column_stack([-margins, margins])[:, -len(seen) :] if margins.ndim == 1 else margins
        margins = _aligned(margins, seen, n_classes, float(margins.min(initial=0.0)) - 1.0)
    return Predictions("decision", margins, labels)


def join(parts: list[Any], dense: bool) -> Any:
    """Return all parts side by side: dense, or sparse if one of them is, as scikit-learn's ColumnTransformer does."""
    import numpy as np
    from scipy import sparse

    if not dense and any(sparse.issparse(part) for part in parts):
        return sparse.hstack(
            [p if sparse.issparse(p) else sparse.csr_matrix(np.asarray(p)) for p in parts], format="csr"
        )
    made = [part.toarray() if sparse.issparse(part) else np.asarray(part) for part in parts]
    return made[0] if len(made) == 1 else np.hstack(made)


def _aligned(values: np.ndarray, seen: np.ndarray, n_classes: int, fill: float) -> np.ndarray:
    import numpy as np

    if len(seen) == n_classes:
        return values
    full = np.full((len(values), n_classes), fill)
    full[:, seen] = values
    return full


def _matrix(out: Any) -> Any:
    return out.to_numpy() if hasattr(out, "to_numpy") and not hasattr(out, "dtypes") else out
