"""Criteria of trees: which serve classification, which regression."""

from __future__ import annotations

from mileage.core.domains import Value
from mileage.errors import OperatorError

_CLASSES = ("gini", "entropy", "log_loss")
_NUMBERS = ("squared_error", "absolute_error", "friedman_mse", "poisson")


def check_criterion(name: str, criterion: Value, task: str) -> None:
    """Refuse a criterion of the other kind of task.

    Raises
    ------
    OperatorError
    """
    legal = _NUMBERS if task == "regression" else _CLASSES
    if criterion is not None and criterion not in legal:
        message = f"{name}(criterion = {criterion}) does not serve {task}"
        raise OperatorError(message, code="O502", hint=f"criterion must be one of {', '.join(legal)}")
