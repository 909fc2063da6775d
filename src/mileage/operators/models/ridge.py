"""``ridge``: linear model with a squared penalty."""

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


class Ridge(FromSums, Together, Operator):
    """Linear model with a squared penalty."""

    name = "ridge"
    family = Family.MODEL
    params = (
        Param(
            "alpha",
            FloatRange(0.0, 1e12),
            1.0,
            "strength of the penalty",
            FloatRange(1e-3, 1e3, log=True),
            Stage.FINALIZE,
        ),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        mergeable=True,
        subtractable=True,
        path=("alpha",),
        weighted01=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        gram_only=True,
        oracle_loss=True,
        additive=True,
        margins=True,
    )
    late = (Late(name="alpha", claims=("Ridge.gram_only",), whole=(1.0,), from_sums=True),)
    cost = Cost(0.005, 1e-7)
    accepts = (Branch.MATRIX,)

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        from sklearn.linear_model import Ridge, RidgeClassifier

        made = RidgeClassifier if context.is_classification else Ridge
        return made(alpha=params["alpha"], random_state=context.seed)

    products = True
    together = "alpha"

    def can_learn(self, params: Params, context: BuildContext) -> bool:
        """Without a penalty, columns that depend on each other leave the products without an inverse."""
        del context
        return float(str(params["alpha"])) > 0

    def learn(self, params: Params, context: BuildContext, seen: Seen) -> Any:
        """Return the model from the products of columns and targets: the normal equations."""
        seen.check_known()
        made = self.build(params, context)
        cross, middle = _targets(made, context, seen)
        coef = _solved(seen.products, cross, made.alpha).T
        made.intercept_ = middle - coef @ seen.mean
        made.coef_ = coef if len(coef) > 1 else coef[0]
        if not context.is_classification:
            made.intercept_ = made.intercept_[0]
        made.n_iter_, made.solver_ = None, "cholesky"
        return named(made, seen)

    def learn_together(self, params: Params, values: Sequence[float], context: BuildContext, seen: Seen) -> LinearFits:
        """Decompose the products once: each penalty is then added to the eigenvalues."""
        import numpy as np

        seen.check_known()
        made = self.build(params, context)
        cross, middle = _targets(made, context, seen)
        shares, vectors = np.linalg.eigh(seen.products)
        inverse = _inverse(shares, np.array(values)[:, None])
        coef = vectors @ (inverse[:, :, None] * (vectors.T @ cross))
        kind = "decision" if context.is_classification else "value"
        classes = made.classes_ if context.is_classification else np.array([], dtype=np.int64)
        return LinearFits(coef, middle - seen.mean @ coef, kind, classes)


def _targets(made: Any, context: BuildContext, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Return products of columns and targets, shape (n_columns, n_targets), and means of targets; a classifier learns its classes."""
    import numpy as np

    if not context.is_classification:
        return seen.target_products[:, None], np.array([seen.target_mean])
    signs = _label_signs(made, seen.rows)
    cross = (seen.rows[:, None] * (seen.class_means - seen.mean)).T @ signs
    return cross, seen.rows @ signs / seen.rows.sum()


def _label_signs(made: Any, rows: np.ndarray) -> np.ndarray:
    """Let a classifier know the classes that have rows; return their targets, shape (n_classes, n_targets)."""
    import numpy as np
    from sklearn.preprocessing import LabelBinarizer

    made.classes_ = classes = np.flatnonzero(rows)
    made._label_binarizer = LabelBinarizer(pos_label=1, neg_label=-1).fit(classes)
    known = np.asarray(made._label_binarizer.transform(classes), dtype=np.float64)
    signs = np.zeros((len(rows), known.shape[1]))
    signs[classes] = known
    return signs


def _solved(products: np.ndarray, cross: np.ndarray, alpha: float) -> np.ndarray:
    """Solve ``(products + alpha) coef = cross``; where that has no Cholesky factor, by eigenvalues above rounding."""
    import numpy as np
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

    try:
        return np.asarray(cho_solve(cho_factor(products + alpha * np.eye(len(products))), cross))
    except LinAlgError:
        values, vectors = eigh(products)
        return np.asarray(vectors @ (_inverse(values, alpha)[:, None] * (vectors.T @ cross)))


def _inverse(values: np.ndarray, alpha: Any) -> np.ndarray:
    """Return 1 / (eigenvalue + penalty), and nothing where the eigenvalue is no more than rounding."""
    import numpy as np

    return np.where(values > values[-1] * 1e-15, 1 / (np.maximum(values, 0) + alpha), 0.0)


RIDGE = Ridge()
