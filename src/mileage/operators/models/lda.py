"""``lda``: linear discriminant analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.from_sums import FromSums, named
from mileage.operators.late import Late
from mileage.operators.together import LinearFits, Together

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mileage.operators.sums import Seen


class Lda(FromSums, Together, Operator):
    """Linear discriminant analysis: normal features with one covariance for all classes, shrunk towards a multiple of the identity."""

    name = "lda"
    family = Family.MODEL
    aliases = ("linear_discriminant",)
    params = (
        Param(
            "shrinkage",
            FloatRange(0.0, 1.0),
            0.01,
            "share of the identity in the covariance",
            FloatRange(1e-4, 1.0, log=True),
            Stage.FINALIZE,
        ),
    )
    traits = Traits(row_wise=True, glass_box=True, additive=True)
    late = (Late(name="shrinkage", claims=("LinearDiscriminantAnalysis.discriminant",), whole=(1.0,), from_sums=True),)
    cost = Cost(0.005, 2e-7)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator, whose solver is the one that takes a shrunk covariance and never its square root."""
        del context
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=params["shrinkage"])

    products = True
    together = "shrinkage"

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """Without shrinkage, columns that depend on each other leave the covariance without an inverse."""
        del context
        return float(str(params["shrinkage"])) > 0

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model from means by class and products of columns."""
        import numpy as np

        seen.check_known()
        made = self.build(params, context)
        made.classes_ = np.flatnonzero(seen.rows)
        made.priors_, made.means_, within = _moments(seen)
        made.covariance_ = _shrunk(within, made.shrinkage)
        coef = np.linalg.solve(made.covariance_, made.means_.T)
        made.coef_, made.intercept_ = _told_apart(coef, made.means_, made.priors_)
        made.coef_, made._max_components = made.coef_.T, min(len(made.classes_) - 1, seen.width)
        made._n_features_out = made._max_components
        return named(made, seen)

    def learn_together(self, params: Params, values: Sequence[float], context: BuildContext, seen: Seen) -> LinearFits:
        """Decompose the covariance once: shrinking it moves its eigenvalues."""
        import numpy as np

        del params, context
        seen.check_known()
        priors, means, within = _moments(seen)
        shares, vectors = np.linalg.eigh(within)
        shrinkages = np.array(values)[:, None]
        moved = (1 - shrinkages) * shares + shrinkages * np.trace(within) / len(within)
        told = [_told_apart(vectors @ ((vectors.T @ means.T) / one[:, None]), means, priors) for one in moved]
        coefs, intercepts = zip(*told, strict=True)
        return LinearFits(np.stack(coefs), np.stack(intercepts), "proba", np.flatnonzero(seen.rows))


def _moments(seen: Seen) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shares of the classes that have rows, their means, and the covariance within classes."""
    import numpy as np

    known = np.flatnonzero(seen.rows)
    rows, means = seen.rows[known], seen.class_means[known]
    if rows.sum() == len(rows):
        message = "The number of samples must be more than the number of classes."
        raise ValueError(message)
    off = means - seen.mean
    within = seen.products - (rows[:, None] * off).T @ off
    return rows / rows.sum(), means, within / rows.sum()


def _shrunk(within: np.ndarray, shrinkage: float) -> np.ndarray:
    import numpy as np

    return np.asarray((1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within)))


def _told_apart(coef: np.ndarray, means: np.ndarray, priors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights of columns, shape (n_columns, n_outputs), and intercepts; two classes have one output."""
    import numpy as np

    intercept = -0.5 * np.einsum("cp,pc->c", means, coef) + np.log(priors)
    if len(priors) == 2:
        return coef[:, 1:] - coef[:, :1], intercept[1:] - intercept[:1]
    return coef, intercept


LDA = Lda()
