"""Learning and predicting with a skrub plan in a flow: learners as skrub has them, and the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mileage.workflow.flow.deferred import Deferred, FlowError
from mileage.workflow.flow.estimators import Learned
from mileage.workflow.flow.skrub_plan import (
    Conversion,
    Fitted,
    SkrubCall,
    as_deferred,
    as_input,
    made_step,
    refuse,
    skrub_parts,
)
from mileage.workflow.flow.skrub_steps import scored_answers


class Learner:
    """A skrub learner in a flow: its methods are those of the learner, and what they give comes later.

    Environments map names of variables to values, which may come later, too.
    """

    def __init__(self, plan: Any) -> None:
        self._plan = plan
        self._learned: dict[int, Any] | None = None

    def fit(self, environment: Mapping[str, Any]) -> Learner:
        """Fit the plan, later."""
        self._learned = {}
        self._in_mode("fit", environment)
        return self

    def fit_transform(self, environment: Mapping[str, Any]) -> Deferred:
        """Fit the plan, later; return what it gives for the rows it is fitted on."""
        self._learned = {}
        return self._in_mode("fit_transform", environment)

    def transform(self, environment: Mapping[str, Any]) -> Deferred:
        """Return what the fitted plan makes of other rows."""
        return self._in_mode("transform", environment)

    def predict(self, environment: Mapping[str, Any]) -> Deferred:
        """Return predictions."""
        return self._in_mode("predict", environment)

    def predict_proba(self, environment: Mapping[str, Any]) -> Deferred:
        """Return probabilities of classes, of shape (n_rows, n_classes)."""
        return self._in_mode("predict_proba", environment)

    def decision_function(self, environment: Mapping[str, Any]) -> Deferred:
        """Return the values of the decision function."""
        return self._in_mode("decision_function", environment)

    def score(self, environment: Mapping[str, Any]) -> Deferred:
        """Return the score of the last estimator.

        Raises
        ------
        FlowError
            If the plan says how it is to be scored.
        """
        if skrub_parts().find_scoring(self._plan) is not None:
            refuse(None, "with_scoring says how it is scored", "use mileage.cross_validate(plan) or mileage.scored")
        return self._in_mode("score", environment)

    def _in_mode(self, mode: str, environment: Mapping[str, Any]) -> Deferred:
        if self._learned is None:
            raise FlowError(f"the learner is asked to {mode} before it is fitted", hint="learner.fit({…}) first")
        walk = Conversion(mode, environment, self._learned, uses_values=False)
        return as_deferred(self._plan, walk.run(self._plan))


@dataclass(frozen=True)
class Marked:
    """A plan as cross-validation sees it: what it marks as X and y, how it says that folds are made and scored."""

    plan: Any
    X: Any
    y: Any
    groups: Any
    cv: Any
    scoring: Mapping[str, Any] | None

    @classmethod
    def of(cls, plan: Any) -> Marked:
        """Read the marks of a plan.

        Raises
        ------
        FlowError
            If nothing is marked as X, or folds are made from more than rows, target and groups.
        """
        marks = skrub_parts().find_marks(plan)
        if "X" not in marks:
            refuse(plan._skrub_impl, "nothing is marked as X", "mark the rows that folds are made of: .skb.mark_as_X()")
        found = Conversion("fit_transform", {}, {}, uses_values=True).run(marks)
        kwargs = found.get("split_kwargs") or {}
        if kwargs.keys() - {"groups"}:
            refuse(plan._skrub_impl, f"a splitter is given {', '.join(kwargs)}", "give it groups alone")
        cv = found.get("cv")
        X, y = (as_input(plan._skrub_impl, found.get(name)) for name in ("X", "y"))
        return cls(plan, X, y, kwargs.get("groups"), cv, _scorers(plan))

    @property
    def is_classifier(self) -> bool:
        """Whether folds are to have equal shares of classes."""
        from sklearn.base import is_classifier

        return bool(is_classifier(self.plan.skb.make_learner()))

    def learn(self, X: Any, y: Any) -> LearnedPlan:
        """Return the plan fitted on rows."""
        learned: dict[int, Any] = {}
        environment = {skrub_parts().X: X, **({} if y is None else {skrub_parts().y: y})}
        out = Conversion("fit", environment, learned, uses_values=True).run(self.plan)
        return LearnedPlan(self.plan, learned, out)


@dataclass
class LearnedPlan(Learned):
    """A plan fitted on the rows of a fold."""

    plan: Any
    learned: dict[int, Any]
    out: Deferred | None

    def fitted(self) -> Deferred:
        """Its last estimator."""
        made: Deferred = made_step(None, getattr, self._last().applied, "estimator", label="estimator")
        return made

    def apply(self, method: str, X: Deferred, *args: Any) -> Deferred:
        """What the plan gives for other rows."""
        environment = {skrub_parts().X: X, **dict(zip((skrub_parts().y,), args, strict=False))}
        walk = Conversion(method, environment, self.learned, uses_values=True)
        return as_deferred(self.plan, walk.run(self.plan))

    def scored(self, scorer: Any, X: Any, y: Any) -> Deferred:
        """Return a score of the plan for other rows, by its last estimator or by a scorer of scikit-learn."""
        if scorer is None:
            return self.apply("score", X, *(() if y is None else (y,)))
        from sklearn.metrics import get_scorer

        made = get_scorer(scorer)
        wanted = getattr(made, "_response_method", None)
        methods = (wanted,) if isinstance(wanted, str) else tuple(wanted or ())
        method = next((one for one in methods if one in skrub_parts().supported_modes(self.plan)), None)
        if method is None:
            refuse(None, f"what {scorer} asks an estimator is not known", "name a metric of scikit-learn")
        answers = self.apply(method, X)
        args = (made, method, answers, self._last().applied, X, y)
        score: Deferred = made_step(None, scored_answers, *args, label=f"score {scorer}", kind=SkrubCall)
        return score

    def _last(self) -> Fitted:
        found: Fitted = self.learned[id(skrub_parts().find_first_apply(self.plan)._skrub_impl)]
        return found


def _scorers(plan: Any) -> Mapping[str, Any] | None:
    """Return the metrics that a plan says it is scored by; None if it does not."""
    node = skrub_parts().find_scoring(plan)
    if node is None:
        return None
    found: dict[str, Any] = {}
    for info in node._skrub_impl.scorers:
        scoring = info["scoring"]
        if info["kwargs"] or not (isinstance(scoring, str) or all(isinstance(one, str) for one in scoring)):
            refuse(node._skrub_impl, "with_scoring says more than names of metrics", "give cross_validate a scoring")
        names = [scoring] if isinstance(scoring, str) else list(scoring)
        found |= {info["name"] or name if len(names) == 1 else name: name for name in names}
    return found if len(found) > 1 else {"score": next(iter(found.values()))}
