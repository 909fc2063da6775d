"""A metric with the rows it was computed from: what two versions of a flow are compared by, row against row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mileage.errors import OperatorError
from mileage.workflow.flow.calls import FunctionCall
from mileage.workflow.flow.deferred import Deferred, _call

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions


@dataclass(frozen=True)
class Scored:
    """The value of a metric, with the true and the predicted value of each row; shown as the number it is."""

    value: float
    metric: str
    truth: np.ndarray = field(repr=False)
    prediction: np.ndarray = field(repr=False)
    size = 1

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.6g}"

    def item(self) -> float:
        """Return the value."""
        return self.value


def scored(truth: Any, prediction: Any, metric: str = "roc_auc") -> Deferred:
    """Return a metric of predictions, later, with the rows that a comparison of versions needs.

    Parameters
    ----------
    truth : array of shape (n_rows,), or deferred
        True classes or values.
    prediction : array of shape (n_rows,) or (n_rows, n_classes), or deferred
        Classes, values, or probabilities: of each class in sorted order, or of the second of two.
    metric : str, default "roc_auc"
        Any metric MILE knows; see ``mile show metrics``.

    Examples
    --------
    >>> import mileage, tempfile
    >>> auc = mileage.scored([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     print(mileage.compute(auc, session=session, flow="auc"))
    0.75
    """
    made: Deferred = _call(FunctionCall, measured, (truth, prediction, metric), {}, label=f"scored {metric}")
    return made


def measured(truth: Any, prediction: Any, metric: str) -> Scored:
    """Return a metric at once.

    Raises
    ------
    OperatorError
        If the metric is not known, does not suit these values, or the rows are not the same ones.
    """
    import numpy as np

    actual, said = np.asarray(truth), np.asarray(prediction)
    if len(actual) != len(said):
        raise OperatorError(
            f"{len(said)} predictions for {len(actual)} rows", code="O506", hint="give both of the same rows"
        )
    value = measure_of(metric, actual, said)(np.arange(len(actual)))
    return Scored(value, metric, actual, said)


measured.__mileage_scores__ = True  # type: ignore[attr-defined]


def measure_of(metric: str, truth: np.ndarray, prediction: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the metric as a function of the rows it is computed on, given by number, with repeats."""
    import numpy as np

    from mileage.operators.metrics import score_or_reason
    from mileage.operators.running import Predictions

    task, classes = task_of(metric, truth)
    if task == "regression":
        codes, kept = truth, Predictions("value", prediction.astype(float), prediction)
    else:
        codes = np.searchsorted(classes, truth)
        kept = as_predictions(prediction, classes)
    names = tuple(str(c) for c in classes)

    def measure(rows: np.ndarray) -> float:
        part = Predictions(kept.kind, kept.values[rows], kept.labels[rows])
        value, why = score_or_reason(metric, codes[rows], part, classes=names, task=task)
        if why:
            raise OperatorError(f"{metric} is not defined: {why}", code="O506", hint="show another metric")
        return value

    return measure


def task_of(metric: str, truth: np.ndarray) -> tuple[str, np.ndarray]:
    """Return what is predicted, as the metric and the true values tell, and its classes."""
    import numpy as np

    classes = np.unique(truth)
    first = "binary" if len(classes) == 2 else "multiclass"
    order = ["regression", first] if truth.dtype.kind == "f" and len(classes) > 2 else [first, "regression"]
    for task in order[:-1]:
        if _serves(metric, task):
            return task, classes if task != "regression" else classes[:0]
    from mileage.operators.metrics import resolve_metric

    resolve_metric(metric, order[-1])
    return order[-1], classes if order[-1] != "regression" else classes[:0]


@lru_cache(maxsize=64)
def _serves(metric: str, task: str) -> bool:
    from mileage.operators.metrics import resolve_metric

    try:
        resolve_metric(metric, task)
    except OperatorError:
        return False
    return True


def as_predictions(prediction: np.ndarray, classes: np.ndarray) -> Predictions:
    """Return predictions as metrics want them: probabilities, or decisions, with the class of each row."""
    import numpy as np

    from mileage.operators.running import Predictions

    if prediction.ndim == 2:
        return Predictions("proba", prediction, prediction.argmax(axis=1))
    if np.isin(prediction, classes).all():
        labels = np.searchsorted(classes, prediction)
        return Predictions("proba", np.eye(len(classes))[labels], labels)
    if len(classes) != 2 or prediction.dtype.kind != "f":
        raise OperatorError(
            f"predictions of type {prediction.dtype} are no classes of the true values",
            code="O506",
            hint="give classes, or probabilities of shape (n_rows, n_classes)",
        )
    if prediction.min() >= 0 and prediction.max() <= 1:
        return Predictions("proba", np.column_stack([1 - prediction, prediction]), (prediction > 0.5).astype(int))
    return Predictions("decision", prediction, (prediction > 0).astype(int))
