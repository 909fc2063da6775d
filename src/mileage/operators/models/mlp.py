"""``mlp``: a small neural network."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import FloatRange, IntRange, whole_number
from mileage.operators.base import Branch, BuildContext, Cost, Family, Param, Params, Rng, Stage, Traits
from mileage.operators.batched import Networks


class Mlp(Networks):
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
            hidden_layer_sizes=self.hidden(params),
            alpha=params["alpha"],
            learning_rate_init=params["learning_rate_init"],
            early_stopping=context.n_rows >= 500,
            random_state=context.seed,
        )
        return net if context.is_classification else TransformedTargetRegressor(net, transformer=StandardScaler())

    batched = ("alpha", "learning_rate_init")

    def hidden(self, params: Params) -> tuple[int, ...]:
        """Return the units of each hidden layer."""
        return (whole_number(params["hidden"]),) * whole_number(params["layers"])


MLP = Mlp()
