"""``logistic``: logistic regression with a penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mileage.core.domains import FloatRange, IntRange, OneOf
from mileage.operators.base import Branch, BuildContext, Cost, Family, Operator, Param, Params, Stage, Traits
from mileage.operators.parameters import inverse_penalty
from mileage.operators.together import LinearFits, Masked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mileage.operators.together import Fits, Trained


@dataclass(frozen=True)
class LogisticFits(LinearFits):
    """Linear models and the iterations that each took."""

    n_iter: tuple[int, ...] = ()


class Logistic(Masked, Operator):
    """Logistic regression with a penalty."""

    name = "logistic"
    family = Family.MODEL
    params = (
        inverse_penalty(1e-3, 1e2, when=("penalty", ("l2", "l1", "elasticnet"))),
        Param(
            "penalty",
            OneOf(("l2", "l1", "elasticnet", None)),
            "l2",
            "kind of penalty",
            OneOf(("l2", "l1")),
            Stage.CONTINUE,
        ),
        Param(
            "l1_ratio",
            FloatRange(0.0, 1.0),
            0.5,
            "share of l1 in elasticnet",
            None,
            Stage.CONTINUE,
            ("penalty", ("elasticnet",)),
        ),
        Param("max_iter", IntRange(1, 1_000_000), 300, "most iterations", None, Stage.CONTINUE),
        Param("class_weight", OneOf((None, "balanced")), None, "weights of classes", None, Stage.CONTINUE),
    )
    traits = Traits(
        row_wise=True,
        sparse=True,
        sparse_pays=True,
        path=("C",),
        weighted01=True,
        fusable=True,
        glass_box=True,
        lossless_projection=True,
        seeded=True,
        oracle_loss=True,
        additive=True,
    )
    cost = Cost(0.005, 1.5e-7, per_class=True)
    accepts = (Branch.MATRIX,)
    tasks = ("binary", "multiclass")

    def build(self, params: Params, context: BuildContext) -> Any:
        """Return the estimator for the task."""
        import numpy as np
        from sklearn.linear_model import LogisticRegression

        penalty = params["penalty"]
        ratio = params["l1_ratio"] if penalty == "elasticnet" else float(penalty == "l1")
        solver = "lbfgs" if ratio == 0 else "liblinear" if penalty == "l1" and context.n_classes <= 2 else "saga"
        return LogisticRegression(
            C=np.inf if penalty is None else params["C"],
            l1_ratio=ratio,
            solver=solver,
            max_iter=params["max_iter"],
            class_weight=params["class_weight"],
            random_state=context.seed,
        )

    together = "C"

    def can_fuse(self, params: Params) -> bool:
        """Only what L-BFGS minimizes, and with rows of equal weight."""
        return params["penalty"] == "l2" and params["class_weight"] is None

    def fit_together(
        self, params: Params, values: Sequence[float], context: BuildContext, X: Any, y: Any
    ) -> LogisticFits:
        """Let L-BFGS with each penalty ask for losses as scikit-learn does, and answer all with one product."""
        import numpy as np

        from mileage.traits.fused import minimize_together
        from mileage.traits.losses import LogisticLosses

        X = X.tocsr() if hasattr(X, "tocsr") else np.ascontiguousarray(X, dtype=np.float64)
        made = self.build(params, context)
        classes, places = _checked(X, y)
        n_outputs = 1 if len(classes) == 2 else len(classes)
        losses = LogisticLosses(X, places, n_outputs, 1.0 / (np.array(values) * len(y)))
        options = {"maxiter": made.max_iter, "maxls": 50, "gtol": made.tol, "ftol": 64 * np.finfo(float).eps}
        found = minimize_together(losses, np.zeros((len(values), losses.n_parameters)), options)
        _warn(max(one.nit for one in found), made.max_iter)
        weights = np.stack([one.x for one in found]).reshape(len(values), -1, n_outputs)
        return LogisticFits(weights[:, :-1], weights[:, -1], "proba", classes, tuple(one.nit for one in found))

    def fit_masked(
        self, params: Params, values: Sequence[float], context: BuildContext, X: Any, y: Any, trained: Sequence[Trained]
    ) -> list[Fits]:
        """Let L-BFGS on each set of rows ask for losses as scikit-learn does, and answer all with one product over all rows."""
        import numpy as np

        from mileage.traits.fused import minimize_together
        from mileage.traits.losses import MaskedLosses

        made = self.build(params, context)
        classes, places = _checked(X, y)
        has_all = [len(np.unique(places[one.rows])) == len(classes) for one in trained]
        if not all(has_all):  # what is fitted on fewer classes has other outputs
            return [
                self._on_rows({**params, "C": v}, context, X, y, one) for v, one in zip(values, trained, strict=True)
            ]
        n_outputs = 1 if len(classes) == 2 else len(classes)
        widths, rows = [one.weights.shape[1] for one in trained], np.column_stack([one.rows for one in trained])
        weights, offsets = np.zeros((len(trained), X.shape[1], max(widths))), np.zeros((len(trained), max(widths)))
        for i, one in enumerate(trained):
            weights[i, :, : widths[i]], offsets[i, : widths[i]] = one.weights, one.offset
        penalties = 1.0 / (np.array(values) * rows.sum(axis=0))
        losses = MaskedLosses(X, places, n_outputs, penalties, rows.astype(np.float64), weights, offsets)
        options = {"maxiter": made.max_iter, "maxls": 50, "gtol": made.tol, "ftol": 64 * np.finfo(float).eps}
        found = minimize_together(losses, np.zeros((len(values), losses.n_parameters)), options)
        _warn(max(one.nit for one in found), made.max_iter)
        points = [one.x.reshape(-1, n_outputs) for one in found]
        return [
            LogisticFits(point[None, :width], point[None, -1], "proba", classes, (one.nit,))
            for point, width, one in zip(points, widths, found, strict=True)
        ]

    def _on_rows(self, params: Params, context: BuildContext, X: Any, y: Any, one: Trained) -> LogisticFits:
        made = self.build(params, context).fit(X[one.rows] @ one.weights + one.offset, y[one.rows])
        return LogisticFits(made.coef_.T[None], made.intercept_[None], "proba", made.classes_, tuple(made.n_iter_))

    def alone(self, params: Params, context: BuildContext, fits: LogisticFits, place: int) -> Any:
        """Return the estimator with the weights of one of the fits."""
        import numpy as np

        made = self.build(params, context)
        made.classes_, made.n_features_in_ = fits.classes, fits.coef.shape[1]
        made.coef_, made.intercept_ = np.ascontiguousarray(fits.coef[place].T), fits.intercept[place].copy()
        made.n_iter_ = np.array([fits.n_iter[place]], dtype=np.int32)
        return made


def _checked(X: Any, y: Any) -> tuple[Any, Any]:
    """Return the classes and the place of each row's; what scikit-learn refuses is refused.

    Raises
    ------
    ValueError
    """
    import numpy as np

    classes, places = np.unique(y, return_inverse=True)
    if not np.isfinite(getattr(X, "data", X)).all():
        message = "Input X contains NaN or infinity."
        raise ValueError(message)
    if len(classes) < 2:
        message = f"This solver needs samples of at least 2 classes in the data, but the data contains only one class: {classes[0]}"
        raise ValueError(message)
    return classes, places


def _warn(most: int, max_iter: int) -> None:
    if most >= max_iter:
        import warnings

        from sklearn.exceptions import ConvergenceWarning

        warnings.warn(f"lbfgs failed to converge after {most} iteration(s)", ConvergenceWarning, stacklevel=2)


LOGISTIC = Logistic()
