"""Configurations that tend to do well, best first, fitted to the space the query allows."""

from __future__ import annotations

from typing import Self

from mileage.core.domains import Value
from mileage.core.reasons import Reason
from mileage.operators import Family, StepSpec, operators
from mileage.search.sampling import model_slot, nearest
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration, SearchSpace

Wish = dict[str, StepSpec]


def _wish(model: str, /, encode: str = "one_hot", scale: str = "none", impute: str = "median", **params: Value) -> Wish:
    return {
        "model": StepSpec.of(model, **params),
        "encode": StepSpec(encode),
        "scale": StepSpec(scale),
        "impute": StepSpec(impute),
        "dates": StepSpec("date_parts"),
        "text": StepSpec("tf_idf"),
        "select": StepSpec("none"),
        "reduce": StepSpec("none"),
    }


_CODES = {"encode": "ordinal", "impute": "impute_native"}
_NATIVE = {"encode": "encode_native", "impute": "impute_native"}
_LINEAR = {"encode": "one_hot", "scale": "standard"}

# Order: what does well on most tables first, then what differs most from it (the greedy order of a portfolio).
_CLASSIFICATION = (
    _wish("lightgbm", **_CODES, learning_rate=0.05, n_estimators=200, num_leaves=31),
    _wish("logistic", **_LINEAR),
    _wish("random_forest", encode="ordinal", n_estimators=200),
    _wish("lightgbm", **_CODES),
    _wish("extra_trees", encode="ordinal", n_estimators=200, min_samples_leaf=2),
    _wish("lightgbm", **_CODES, learning_rate=0.03, n_estimators=300, num_leaves=15, min_child_samples=10),
    _wish("hist_gbm", **_NATIVE),
    _wish("logistic", **_LINEAR, C=0.05),
    _wish("lightgbm", encode="target", impute="impute_native", learning_rate=0.05, n_estimators=200),
    _wish("svm", **_LINEAR),
    _wish("lightgbm", **_CODES, learning_rate=0.04, n_estimators=150, num_leaves=7, min_child_samples=40),
    _wish("knn", **_LINEAR, n_neighbors=15),
    _wish("mlp", **_LINEAR),
    _wish("gaussian_nb", **_LINEAR),
)
_REGRESSION = (
    _wish("lightgbm", **_CODES, learning_rate=0.05, n_estimators=300, num_leaves=31),
    _wish("ridge", **_LINEAR),
    _wish("random_forest", encode="ordinal", n_estimators=200),
    _wish("lightgbm", **_CODES),
    _wish("extra_trees", encode="ordinal", n_estimators=200),
    _wish("lightgbm", **_CODES, learning_rate=0.05, n_estimators=400, num_leaves=15, min_child_samples=10),
    _wish("hist_gbm", **_NATIVE),
    _wish("lightgbm", encode="target", impute="impute_native", learning_rate=0.05, n_estimators=300),
    _wish("svm", **_LINEAR),
    _wish("lightgbm", **_CODES, learning_rate=0.03, n_estimators=600, num_leaves=63, min_child_samples=5),
    _wish("mlp", **_LINEAR),
    _wish("knn", **_LINEAR, n_neighbors=10),
    _wish("linear", **_LINEAR, penalty="l1", alpha=0.01),
)
_LARGE_ROWS = 50_000
_SHARE = 0.2
_BOOSTED = ("lightgbm", "hist_gbm", "xgboost", "catboost")
_FIRST, _SHARE_BOOSTED = (
    5,
    0.8,
)  # those among the first are worth most of a budget on most tables; others wait as all do


class Portfolio(Strategy):
    """Try curated configurations in order, each moved to the nearest point of the space."""

    name = "portfolio"

    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy."""
        fresh = type(self)()
        fresh._queue = _fitted(context)
        return fresh

    def ask(self) -> Proposal | None:
        """Return the next curated configuration."""
        if not self._queue:
            return None
        return self._queue.pop(0)

    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn nothing: the order is fixed."""

    _queue: list[Proposal]


def curated(task: str) -> tuple[Wish, ...]:
    """Return the portfolio of a task, best first."""
    return _REGRESSION if task == "regression" else _CLASSIFICATION


def _fitted(context: SearchContext) -> list[Proposal]:
    wishes = list(curated(context.space.task))
    covered = {wish["model"].operator for wish in wishes}
    wishes += [_wish(name, **_LINEAR) for name in _other_models(context.space) if name not in covered]
    if context.n_rows > _LARGE_ROWS:  # kernel machines and neighbours do not scale: leave them to the search
        wishes = [wish for wish in wishes if wish["model"].operator not in {"svm", "knn"}]
    seen: set[str] = set()
    queue = []
    for place, wish in enumerate(wishes, 1):
        configuration = nearest(context.space, wish)
        if configuration is not None and configuration.digest not in seen:
            seen.add(configuration.digest)
            reason = Reason(f"curated configuration no. {place}", "strategy")
            boosted = place <= _FIRST and wish["model"].operator in _BOOSTED
            queue.append(Proposal(configuration, reason, _SHARE_BOOSTED if boosted else _SHARE))
    return queue


def _other_models(space: SearchSpace) -> list[str]:
    names = [a.steps[-1].operator for a in model_slot(space).alternatives if a.steps]
    return [n for n in names if operators.get(n).family is Family.MODEL and n != "dummy"]


PORTFOLIO = Portfolio()
