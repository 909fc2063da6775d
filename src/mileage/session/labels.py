"""The classes of a target in its own type: whole numbers and truth values are not turned into texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.data import DType

if TYPE_CHECKING:
    import numpy as np

    from mileage.operators.running import Predictions
    from mileage.planner import LogicalPlan


def labels(plan: LogicalPlan) -> np.ndarray:
    """Return the classes in the order of their codes, as values of the target column; empty for a regression."""
    import numpy as np

    dtype = plan.dataset.schema.get(plan.target).dtype
    if dtype is DType.INT:
        return np.array([int(name) for name in plan.classes], dtype=np.int64)
    if dtype is DType.FLOAT:
        return np.array([float(name) for name in plan.classes])
    if dtype is DType.BOOL:
        return np.array([name == "true" for name in plan.classes])
    return np.array(plan.classes, dtype=object)


def predicted_values(plan: LogicalPlan, predicted: Predictions) -> np.ndarray:
    """Return the predicted classes as values of the target column, or the values of a regression."""
    return predicted.values if plan.task == "regression" else labels(plan)[predicted.labels]


def with_labels(fitted: Any, classes: np.ndarray) -> Any:
    """Let a pipeline or a vote that was fitted on class codes predict the classes themselves, in plain scikit-learn.

    The last step of a pipeline becomes a ``VotingClassifier`` of the one model, which knows the names of the codes; the model is
    ``pipeline[-1].estimators_[0]``.
    """
    import numpy as np
    from sklearn.ensemble import VotingClassifier
    from sklearn.preprocessing import LabelEncoder

    known = np.array([str(c) for c in classes]) if classes.dtype == object else classes
    if np.array_equal(known, np.arange(len(known))):
        return fitted
    encoder = LabelEncoder()
    encoder.classes_ = known
    if isinstance(fitted, VotingClassifier):
        fitted.le_, fitted.classes_ = encoder, known
        return fitted
    name, model = fitted.steps[-1]
    voter = VotingClassifier([(name, model)], voting="soft" if hasattr(model, "predict_proba") else "hard")
    voter.le_, voter.classes_, voter.estimators_ = encoder, known, [model]
    fitted.steps[-1] = (name, voter)
    return fitted
