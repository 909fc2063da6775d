"""``mlp``: a small neural network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mileage.core.domains import FloatRange, IntRange, whole_number
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.batched import Batched, Nets

_STEP_S = 3.4e-4  # of a step of one network, besides products: calls of scikit-learn and numpy
_BATCH = 200  # rows, of scikit-learn's networks
_PRODUCTS = 6.0  # of a row and a weight in a step, as long as sums of products take: forward, backward, and what goes over all weights


class Mlp(Batched, Operator):
    """A small neural network."""

    name = "mlp"
    family = Family.MODEL
    params = (
        Param(
            "hidden", IntRange(1, 4096), 64, "units of each hidden layer", IntRange(16, 256, log=True), Stage.CONTINUE
        ),
        Param("layers", IntRange(1, 8), 1, "hidden layers", IntRange(1, 3), Stage.CONTINUE),
        Param(
            "alpha", FloatRange(0.0, 1e6), 1e-4, "penalty on weights", FloatRange(1e-6, 1e-1, log=True), Stage.CONTINUE
        ),
        Param(
            "learning_rate_init",
            FloatRange(1e-8, 1.0),
            1e-3,
            "first step",
            FloatRange(3e-4, 1e-2, log=True),
            Stage.CONTINUE,
        ),
    )
    traits = Traits(row_wise=True, sparse=True, fusable=True, seeded=True, rng=Rng.IN_ORDER, order_sensitive=True)
    cost = Cost(0.06, 5e-6)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.preprocessing import StandardScaler

        made = MLPClassifier if context.is_classification else MLPRegressor
        net = made(
            hidden_layer_sizes=(params["hidden"],) * whole_number(params["layers"]),
            alpha=params["alpha"],
            learning_rate_init=params["learning_rate_init"],
            early_stopping=context.n_rows >= 500,
            random_state=context.seed,
        )
        return net if context.is_classification else TransformedTargetRegressor(net, transformer=StandardScaler())

    batched = ("alpha", "learning_rate_init")
    batched_classes = ("MLPClassifier", "MLPRegressor")

    def times_sooner(self, params: Params, context: BuildContext, n_fits: int, product_s: float) -> float:
        """Products take each network its time, all else of a step is done once for all of them."""
        hidden = [whole_number(params["hidden"])] * whole_number(params["layers"])
        widths = (context.n_columns, *hidden, context.n_classes if context.n_classes > 2 else 1)
        n_weights = sum(a * b for a, b in pairwise(widths))
        products_s = _PRODUCTS * min(_BATCH, context.n_rows) * n_weights * product_s
        return (products_s + _STEP_S) / (products_s + _STEP_S / n_fits)

    def fit_batched(self, params: Sequence[Params], context: BuildContext, X: Any, y: Any) -> Nets:
        """Train on one stream of batches; targets of a regression are scaled as each would scale them."""
        import numpy as np
        from sklearn.base import clone

        from mileage.traits.stacked import fit_stacked

        made = [self.build(one, context) for one in params]
        if context.is_classification:
            return Nets(tuple(fit_stacked(made, X, y)), context.task)
        column = np.asarray(y).reshape(-1, 1)
        scaler = clone(made[0].transformer).fit(column)
        nets = fit_stacked([clone(one.regressor) for one in made], X, scaler.transform(column)[:, 0])
        for one, net in zip(made, nets, strict=True):
            one.transformer_, one.regressor_, one._training_dim = clone(scaler).fit(column), net, 1
        return Nets(tuple(made), context.task)


MLP = Mlp()
