"""``k_best``: the columns that go best with the target."""

from __future__ import annotations

from typing import Any

from mileage.core.domains import AnyOf, FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.late import Late


class KBest(Operator):
    """Keep the columns with the strongest single relation to the target: an F test, or mutual information.

    Quick, and blind to columns that matter together only. Mutual information (Kraskov et al. 2004) also sees relations
    that are not straight, and takes much longer.
    """

    name = "k_best"
    family = Family.SELECT
    params = (
        Param(
            "k",
            AnyOf((FloatRange(0.001, 1.0), IntRange(1, 1_000_000))),
            0.5,
            "share or number of the columns kept",
            FloatRange(0.01, 0.9),
            Stage.RESTRICT,
        ),
        Param("score", OneOf(("f_test", "mutual_information")), "f_test", "how a column is judged"),
    )
    traits = Traits(row_wise=True, reads_y=True, prefix=("k",), sparse=True, lossless_projection=True)
    late = (
        Late(
            name="k",
            claims=("SelectKBest.k", "SelectPercentile.percentile"),
            whole=(1, 1.0),
            gathers=("SelectKBest.k", "SelectPercentile.percentile"),
        ),
    )
    cost = Cost(0.003, 2e-8)
    accepts = (Branch.MATRIX,)
    version = "2"

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return scikit-learn's SelectKBest, or SelectPercentile for a share."""
        from sklearn.feature_selection import SelectKBest, SelectPercentile, f_classif, f_regression

        from mileage.operators.glue import information_on_classes, information_on_numbers

        scores = {
            ("f_test", True): f_classif,
            ("f_test", False): f_regression,
            ("mutual_information", True): information_on_classes,
            ("mutual_information", False): information_on_numbers,
        }
        score, k = scores[str(params["score"]), context.is_classification], params["k"]
        return SelectPercentile(score, percentile=100 * k) if isinstance(k, float) else SelectKBest(score, k=k)


K_BEST = KBest()
