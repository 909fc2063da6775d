"""What decision trees and forests of scikit-learn have in common: parameters, their check, and how one is built."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf, Value
from mileage.errors import OperatorError
from mileage.operators.base import Branch, BuildContext, Family, Operator, Param, Params, Stage
from mileage.operators.parameters import leaf_rows, n_trees, tree_depth

_CLASSES = ("gini", "entropy", "log_loss")
_NUMBERS = ("squared_error", "absolute_error", "friedman_mse", "poisson")

CRITERION = Param(
    "criterion",
    OneOf((None, "gini", "entropy", "log_loss", "squared_error", "absolute_error", "poisson")),
    None,
    "quality of a cut",
    None,
    Stage.CONTINUE,
)
_MAX_FEATURES = Param(
    "max_features",
    AnyOf((OneOf(("default", "sqrt", "log2", None)), FloatRange(0.001, 1.0))),
    "default",
    "columns tried at a cut",
    FloatRange(0.1, 1.0),
    Stage.CONTINUE,
)


class TreeModel(Operator):
    """A model of scikit-learn made of decision trees, which has one criterion for classes and one for numbers."""

    family = Family.MODEL
    accepts = (Branch.MATRIX,)
    fixed: tuple[tuple[str, Value], ...] = ()  # settings that are not the user's

    @abstractmethod
    def estimators(self) -> tuple[Any, Any]:
        """Return the class for classification and the one for regression."""

    def check(self, params: Params, task: str) -> None:
        """Refuse a criterion of the other kind of task."""
        criterion = params["criterion"]
        legal = _NUMBERS if task == "regression" else _CLASSES
        if criterion is not None and criterion not in legal:
            message = f"{self.name}(criterion = {criterion}) does not serve {task}"
            raise OperatorError(message, code="O502", hint=f"criterion must be one of {', '.join(legal)}")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        self.check(params, context.task)
        classifier, regressor = self.estimators()
        given = {k: v for k, v in params.items() if k != "criterion" or v is not None}
        if given.get("max_features") == "default":
            given["max_features"] = "sqrt" if context.is_classification else 1.0
        made = classifier if context.is_classification else regressor
        return made(random_state=context.seed, **dict(self.fixed), **given)


class Forest(TreeModel):
    """Many trees whose answers are averaged."""

    params = (
        n_trees("n_estimators", 100, IntRange(50, 400, log=True)),
        tree_depth(None),
        leaf_rows("min_samples_leaf", 1, IntRange(1, 20, log=True)),
        CRITERION,
        _MAX_FEATURES,
    )
    fixed = (("n_jobs", 1),)
