"""``lightgbm``: gradient boosting of LightGBM (Ke et al. 2017)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import FunctionType
from typing import Any

from mileage.core.domains import IntRange, OneOf, whole_number
from mileage.errors import OperatorError
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Rng, Stage, Traits
from mileage.operators.bins import Binned, Bins
from mileage.operators.late import Late
from mileage.operators.parameters import (
    LOSS,
    column_share,
    leaf_penalty,
    leaf_rows,
    learning_rate,
    n_leaves,
    n_trees,
    regression_loss,
    row_share,
    yes_no,
)

_LEAF_ROWS = 60  # the most that are searched: bins that leave no column out for these serve all fewer
_OBJECTIVES = {"squared": "regression", "absolute": "regression_l1", "tweedie": "tweedie"}


class LightGbm(Binned, Operator):
    """Gradient boosting of LightGBM (Ke et al. 2017)."""

    name = "lightgbm"
    family = Family.MODEL
    params = (
        n_trees("n_estimators", 100, IntRange(50, 2000, log=True)),
        learning_rate(0.1),
        n_leaves(31),
        Param("max_depth", IntRange(-1, 1000), -1, "deepest tree, -1 for any", None, Stage.CONTINUE),
        leaf_rows("min_child_samples", 20, IntRange(2, 60, log=True)),
        column_share(),
        row_share(),
        yes_no("extra_trees", "thresholds drawn at random"),
        leaf_penalty("reg_alpha", 0.0, 1e-3, "l1 penalty on leaves"),
        leaf_penalty("reg_lambda", 0.0, 1e-3, "l2 penalty on leaves"),
        regression_loss(tuple(_OBJECTIVES), "what regression minimises; tweedie suits skewed amounts >= 0"),
        Param("class_weight", OneOf((None, "balanced")), None, "weights of classes", None, Stage.CONTINUE),
    )
    traits = Traits(
        row_wise=True,
        native_missing=True,
        native_categorical=True,
        sparse=True,
        sparse_missing=True,
        prefix=("n_estimators",),
        bins_once=True,
        monotone_capable=True,
        scale_free=True,
        seeded=True,
        fit_threads=True,
        predict_threads=True,  # one thread adds up what all trees say of a row
        rng=Rng.IN_ORDER,
        order_sensitive=True,
    )
    late = (
        Late(
            name="n_estimators",
            claims=("LGBMClassifier.n_estimators", "LGBMRegressor.n_estimators"),
            gathers=("LGBMClassifier.n_estimators", "LGBMRegressor.n_estimators"),
            gathers_for=4.0,  # leaves are looked up tree by tree in Python
        ),
    )
    cost = Cost(0.03, 8e-7, per_class=True, per_column_s=5e-3)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from lightgbm import LGBMClassifier, LGBMRegressor

        given = dict(params)
        weight, objective = given.pop("class_weight"), _OBJECTIVES[str(given.pop(LOSS))]
        fixed: dict[str, Any] = {"n_jobs": 1, "verbosity": -1, "random_state": context.seed, "subsample_freq": 1}
        fixed |= {"deterministic": True, "force_col_wise": True}
        if context.codes:
            # The name ``categorical_feature`` works here too, but with a warning; this alias works without.
            fixed["cat_feature"] = list(context.codes)
        if context.is_classification:
            return LGBMClassifier(class_weight=weight, **fixed, **given)
        if objective != "regression":
            fixed["objective"] = objective
        return LGBMRegressor(**fixed, **given)

    def bin_params(self, params: Params) -> Params:
        """Return the rows of a leaf: LightGBM leaves out columns that no cut could part into two such leaves."""
        return {"min_child_samples": max(_LEAF_ROWS, whole_number(params["min_child_samples"]))}

    def bins(self, params: Params, context: BuildContext, X: Any) -> Bins:
        """Return what LightGBM writes of a ``Dataset``."""
        import numpy as np
        from lightgbm import Dataset

        settings = self.build(self.complete(params), context).get_params()
        settings = {name: value for name, value in settings.items() if value is not None and name not in _NOT_OF_BINS}
        made = Dataset(X, params=settings).construct()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bins"
            made.save_binary(file)
            data = np.fromfile(file, dtype=np.uint8)
        return Bins(data, all(made.feature_num_bin(i) > 1 for i in range(made.num_feature())))

    def fit_binned(self, params: Params, context: BuildContext, bins: Bins, X: Any, y: Any) -> Any:
        """Fit as LightGBM's estimator does, with the bins in the place of those that it would make."""
        made = self.build(params, context)
        if not bins.is_whole and self.bin_params(params)["min_child_samples"] != params["min_child_samples"]:
            return made.fit(X, y)
        plain = type(made)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bins"
            bins.data.tofile(file)
            made.__class__ = _given_bins(plain, file)
            made.fit(X, y)
        made.__class__ = plain
        return made

    def check(self, params: Params, task: str) -> None:
        """Refuse a loss of regression where classes are predicted."""
        if task != "regression" and params[LOSS] != "squared":
            raise OperatorError(f"lightgbm: {LOSS} is of regression, and this is {task}", hint=f"leave {LOSS} out")


_NOT_OF_BINS = {"class_weight", "importance_type", "objective"}


def _given_bins(estimator: Any, file: Path) -> Any:
    """Return a class that fits as an estimator of LightGBM does, but for the columns: it reads them in bins from a file.

    Its ``fit`` is that of the library, where ``Dataset`` is what reads the file: labels and weights are put to it.
    """
    from lightgbm import Dataset, LGBMModel

    def read(data: Any, **given: Any) -> Any:
        del data
        return Dataset(file, **given)

    fit = LGBMModel.fit
    own = FunctionType(
        fit.__code__, {**fit.__globals__, "Dataset": read}, fit.__name__, fit.__defaults__, fit.__closure__
    )
    own.__kwdefaults__ = fit.__kwdefaults__
    before = type("GivenBins", (LGBMModel,), {"fit": own})
    return type(estimator.__name__, (estimator, before), {})


LIGHTGBM = LightGbm()
