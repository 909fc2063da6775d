"""Parameters that several models share: the same legal values and the same words, each model with its own default."""

from __future__ import annotations

from mileage.core.domains import AnyOf, Domain, FloatRange, IntRange, OneOf, Value
from mileage.operators.base import Param, Stage


def n_trees(name: str, default: int, search: Domain) -> Param:
    """Return the number of trees."""
    return Param(name, IntRange(1, 100_000), default, "trees", search, Stage.RESTRICT)


def tree_depth(search: Domain | None) -> Param:
    """Return the depth of scikit-learn's trees; None is without end."""
    return Param("max_depth", AnyOf((OneOf((None,)), IntRange(1, 1000))), None, "deepest tree", search, Stage.CONTINUE)


def n_leaves(default: int) -> Param:
    """Return the most leaves of a tree of LightGBM."""
    return Param(
        "num_leaves", IntRange(2, 100_000), default, "most leaves of a tree", IntRange(4, 256, log=True), Stage.CONTINUE
    )


def leaf_rows(name: str, default: int, search: Domain) -> Param:
    """Return the fewest rows of a leaf."""
    return Param(name, IntRange(1, 1_000_000), default, "fewest rows of a leaf", search, Stage.CONTINUE)


def learning_rate(default: float) -> Param:
    """Return the step of each tree of a boosted model."""
    search = FloatRange(0.01, 0.3, log=True)
    return Param("learning_rate", FloatRange(1e-6, 10.0), default, "step of each tree", search, Stage.CONTINUE)


def row_share() -> Param:
    """Return the share of rows that each boosted tree sees."""
    search = FloatRange(0.5, 1.0)
    return Param("subsample", FloatRange(0.001, 1.0), 1.0, "share of rows for a tree", search, Stage.CONTINUE)


def column_share() -> Param:
    """Return the share of columns that each boosted tree sees."""
    search, doc = FloatRange(0.3, 1.0), "share of columns for a tree"
    return Param("colsample_bytree", FloatRange(0.001, 1.0), 1.0, doc, search, Stage.CONTINUE)


def yes_no(name: str, doc: str, *, default: bool = False) -> Param:
    """Return a switch of a model, searched both ways."""
    both = OneOf((False, True))
    return Param(name, both, default, doc, both, Stage.CONTINUE)


LOSS = "loss"


def regression_loss(values: tuple[str, ...], doc: str) -> Param:
    """Return the loss that a model of regression minimises; only those that suit the target and the goal are searched."""
    return Param(LOSS, OneOf(values), values[0], doc, None, Stage.CONTINUE)


def leaf_penalty(name: str, default: float, low: float, doc: str = "penalty on leaves") -> Param:
    """Return the penalty on the values of leaves, searched from ``low`` to 10."""
    return Param(name, FloatRange(0.0, 1e6), default, doc, FloatRange(low, 10.0, log=True), Stage.CONTINUE)


def inverse_penalty(low: float, high: float, when: tuple[str, tuple[Value, ...]] | None = None) -> Param:
    """Return ``C`` of a penalised model, searched from ``low`` to ``high``; ``when`` says with which penalties it counts."""
    search, doc = FloatRange(low, high, log=True), "inverse strength of the penalty"
    return Param("C", FloatRange(1e-9, 1e9), 1.0, doc, search, Stage.CONTINUE, when)


def smoothing() -> Param:
    """Return ``alpha`` of naive Bayes with counts."""
    search = FloatRange(1e-3, 1e1, log=True)
    return Param("alpha", FloatRange(0.0, 1e6), 1.0, "smoothing", search, Stage.FINALIZE)
