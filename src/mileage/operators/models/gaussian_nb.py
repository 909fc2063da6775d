"""``gaussian_nb``: naive Bayes with normal features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, named
from mileage.operators.late import Late
from mileage.operators.together import Fits, Odds, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mileage.operators.sums import Seen


_FAR = (
    1e4  # squares of a column over its least variance: beyond that, differences are squared and not squares taken apart
)


@dataclass(frozen=True)
class GaussianFits(Fits):
    """Normal densities by class with variances that are smoothed by each of several values.

    Attributes
    ----------
    means : array of shape (n_seen, n_columns)
    variances : array of shape (n_models, n_seen, n_columns)
    prior : array of shape (n_seen,)
    classes : array of shape (n_seen,)
    """

    means: np.ndarray
    variances: np.ndarray
    prior: np.ndarray
    classes: np.ndarray

    def answers(self, X: Any, n_classes: int) -> Odds:
        """Return probabilities; squares of distances by a product of squares, but in columns where they would cancel."""
        import numpy as np

        middle = self.prior @ self.means
        off, means = np.asarray(X, dtype=np.float64) - middle, self.means - middle
        squares = off**2
        reach = np.maximum(squares.max(axis=0, initial=0.0), (means**2).max(axis=0))
        near = reach < _FAR * self.variances.min(axis=(0, 1))
        weights = 1 / self.variances
        n_models, n_seen, _ = weights.shape
        flat = weights[..., near].reshape(-1, near.sum())
        shift = np.tile(means[:, near], (n_models, 1))
        logs = np.log(self.prior) - 0.5 * np.log(2 * np.pi * self.variances).sum(axis=2)
        joint = np.hstack([squares[:, near], off[:, near]]) @ np.hstack([-0.5 * flat, flat * shift]).T
        joint += logs.ravel() - 0.5 * (flat * shift**2).sum(axis=1)
        for column in np.flatnonzero(~near):
            apart = (off[:, column, None] - means[:, column]) ** 2
            joint -= 0.5 * (apart[:, None, :] * weights[:, :, column]).reshape(len(off), -1)
        joint = joint.reshape(-1, n_models, n_seen).transpose(1, 0, 2)
        return Odds(joint, self.classes, n_classes, joint=True)

    def one(self, place: int) -> GaussianFits:
        """Return what is learned with one of the values."""
        return replace(self, variances=self.variances[place : place + 1])

    def __len__(self) -> int:
        return len(self.variances)


class GaussianNb(FromSums, Together, Operator):
    """Naive Bayes with normal features."""

    name = "gaussian_nb"
    family = Family.MODEL
    params = (
        Param(
            "var_smoothing",
            FloatRange(1e-15, 1.0),
            1e-9,
            "added to variances",
            FloatRange(1e-10, 1e-1, log=True),
            Stage.FINALIZE,
        ),
    )
    traits = Traits(row_wise=True, mergeable=True, subtractable=True, weighted01=True, glass_box=True, additive=True)
    late = (Late(name="var_smoothing", claims=("GaussianNB.var_smoothing",), whole=(1e-15,)),)
    cost = Cost(0.003, 5e-8)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        del context
        from sklearn.naive_bayes import GaussianNB

        return GaussianNB(**params)

    together = "var_smoothing"
    by_class = True

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model from means and squares by class."""
        import numpy as np

        seen.check_known()
        made = self.build(params, context)
        made.classes_ = np.flatnonzero(seen.rows)
        rows = seen.rows[made.classes_]
        made.epsilon_ = made.var_smoothing * seen.squares.max() / rows.sum()
        made.theta_ = seen.class_means[made.classes_]
        made.var_ = seen.class_squares[made.classes_] / rows[:, None] + made.epsilon_
        made.class_count_, made.class_prior_ = rows, rows / rows.sum()
        return named(made, seen)

    def learn_together(
        self, params: Params, values: Sequence[float], context: BuildContext, seen: Seen
    ) -> GaussianFits:
        """Add a share of the largest variance to those of one fit, for each value."""
        import numpy as np

        made = self.learn(params, context, seen)
        bare = seen.class_squares[made.classes_] / made.class_count_[:, None]
        variances = bare + np.array(values)[:, None, None] * seen.squares.max() / made.class_count_.sum()
        return GaussianFits(made.theta_, variances, made.class_prior_, made.classes_)


GAUSSIAN_NB = GaussianNb()
