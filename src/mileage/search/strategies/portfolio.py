"""Configurations that tend to do well, best first, fitted to the space the query allows."""

from __future__ import annotations

from typing import Self

from mileage.core.domains import OneOf, whole_number
from mileage.core.reasons import Reason
from mileage.operators import Family, StepSpec, operators
from mileage.operators.parameters import LOSS
from mileage.search.curated import Wish, curated, steps_of
from mileage.search.known import known_proposals
from mileage.search.sampling import model_slot, nearest
from mileage.search.strategy import Proposal, SearchContext, Strategy
from mileage.space import Configuration, SearchSpace

_MANY_ROWS, _LARGE_ROWS = 10_000, 50_000
_WIDE, _NARROW = 1000, 200  # columns
_MANY_CLASSES, _MANY_LEVELS = 50, 500
_OTHER_LOSSES = 3  # of the first boosted models are tried with each other loss that suits
_SHARE = 0.2
_LINEAR = ("logistic", "ridge", "linear", "svm_linear", "lda")
_FORESTS, _LEAVES = ("random_forest", "extra_trees"), 10_000  # leaves of a tree, about
_BOOSTED = ("lightgbm", "hist_gbm", "xgboost", "catboost")
# Boosted models among the first are worth most of a budget on most tables; others wait as all do.
_FIRST, _SHARE_BOOSTED = 5, 0.8


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


def _fitted(context: SearchContext) -> list[Proposal]:
    wishes = list(curated(context.space.task))
    covered = {wish["model"].operator for wish in wishes}
    wishes += [
        steps_of({"model": name, "scale": "standard"}) for name in _other_models(context.space) if name not in covered
    ]
    if context.n_rows > _MANY_ROWS:  # random thresholds guard against noise, of which there is little in many rows
        wishes.sort(key=lambda wish: bool(dict(wish["model"].params).get("extra_trees")))
    if context.n_rows > _LARGE_ROWS:  # kernel machines and neighbours do not scale: leave them to the search
        wishes = [wish for wish in wishes if wish["model"].operator not in {"svm", "knn"}]
    if context.n_rows > _MANY_ROWS and context.n_levels > _MANY_LEVELS:
        wishes = _with_target(wishes)
    if context.n_classes > _MANY_CLASSES:  # what learns a tree or a vector of each class takes as many times as long
        wishes.sort(key=lambda wish: operators.get(wish["model"].operator).cost.per_class)
    wishes = [_at_size(wish, context.n_rows) for wish in _with_losses(context.space, wishes)]
    if context.n_columns > _WIDE:
        wishes = [chosen for wish in wishes for chosen in _narrowed(wish, context.n_columns)]
    queue = {known.configuration.digest: known for known in known_proposals(context)}
    for place, wish in enumerate(wishes, 1):
        boosted = place <= _FIRST and wish["model"].operator in _BOOSTED
        reason = Reason(f"curated configuration no. {place}", "strategy")
        configuration = nearest(context.space, dict(wish))
        if configuration is not None:
            share = _SHARE_BOOSTED if boosted else _SHARE
            queue.setdefault(configuration.digest, Proposal(configuration, reason, share))
    return list(queue.values())


def _with_losses(space: SearchSpace, wishes: list[Wish]) -> list[Wish]:
    """Return the wishes, the first of a model each followed by itself with the other losses that the space has of it."""
    losses = {
        step.operator: [
            value for name, domain in step.open if name == LOSS and isinstance(domain, OneOf) for value in domain.values
        ]
        for alternative in model_slot(space).alternatives
        for step in alternative.steps
    }
    made: list[Wish] = []
    left = _OTHER_LOSSES
    for wish in wishes:
        model = wish["model"]
        made.append(wish)
        others = losses.get(model.operator, [])[1:]
        if others and left > 0:
            left -= 1
            made += [{**wish, "model": StepSpec.of(model.operator, **{**dict(model.params), LOSS: x})} for x in others]
    return made


def _with_target(wishes: list[Wish]) -> list[Wish]:
    """Return the wishes, the first boosted model that reads levels as numbers followed by itself with their mean targets.

    Where there are many levels, one of the two is often far better, and which one is not known before.
    """
    for place, wish in enumerate(wishes):
        if wish["model"].operator in _BOOSTED and wish["encode"].operator != "target":
            return [*wishes[: place + 1], {**wish, "encode": StepSpec("target")}, *wishes[place + 1 :]]
    return wishes


def _narrowed(wish: Wish, n_columns: int) -> list[Wish]:
    """Return what is tried of a wish on a very wide table: on its best columns; a linear model on all columns, too.

    Examples
    --------
    >>> [str(wish["select"]) for wish in _narrowed(steps_of({"model": "logistic"}), 20_000)]
    ['k_best(k = 0.01)', 'none']
    """
    share = min(0.9, max(0.01, _NARROW / n_columns))
    best = {**wish, "select": StepSpec.of("k_best", k=share)}
    return [best, wish] if wish["model"].operator in _LINEAR else [best]


def _at_size(wish: Wish, n_rows: int) -> Wish:
    """Return a forest with leaves that grow with the rows: whole trees of many rows are large, slow and no better.

    Examples
    --------
    >>> wish = steps_of({"model": "extra_trees", "params": {"min_samples_leaf": 2}})
    >>> [str(_at_size(wish, n)["model"]) for n in (1000, 45_000)]
    ['extra_trees(min_samples_leaf = 2)', 'extra_trees(min_samples_leaf = 5)']
    """
    model = wish["model"]
    if model.operator not in _FORESTS:
        return wish
    params = dict(model.params)
    least = max(whole_number(params.get("min_samples_leaf", 1)), -(-n_rows // _LEAVES))
    return (
        {**wish, "model": StepSpec.of(model.operator, **{**params, "min_samples_leaf": least})} if least > 1 else wish
    )


def _other_models(space: SearchSpace) -> list[str]:
    names = [a.steps[-1].operator for a in model_slot(space).alternatives if a.steps]
    return [n for n in names if operators.get(n).family is Family.MODEL and n != "dummy"]


PORTFOLIO = Portfolio()
