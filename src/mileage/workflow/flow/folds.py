"""Cross-validation in a flow: splits, rows and fits of each fold are steps, so that estimators share what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mileage.workflow.flow.calls import FunctionCall
from mileage.workflow.flow.deferred import Deferred, FlowError, _call
from mileage.workflow.flow.estimators import Chain, Learned, learn
from mileage.workflow.flow.plans import marked


def cross_validate(  # noqa: PLR0913  (scikit-learn's own arguments)
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    return_train_score: bool = False,
    return_estimator: bool = False,
) -> dict[str, Any]:
    """Return scores by fold, later, as scikit-learn's ``cross_validate`` gives them; without the times.

    Each fold is a step of its own, and so is each step, branch and block of columns in it: two estimators with the same
    preprocessing share it, and an edit computes what it touches, in each fold.

    Parameters
    ----------
    estimator : estimator, or DataOp of skrub
        A Pipeline or ColumnTransformer comes in parts, a plan of skrub in steps.
    X, y, groups : deferred, or values
        Not for a plan, which marks its own.
    scoring : str, callable, or list, tuple or dict of them, optional
        The estimator's own score by default.
    cv : int or splitter, default 5, or what a plan says
        How many folds it makes must be known now.
    return_train_score, return_estimator : bool, default False
        Give ``train_score`` for each fold, and the list of fitted estimators, too.

    Returns
    -------
    dict of str to deferred
        ``test_score`` (``test_<name>`` for several metrics): array of shape (n_folds,).

    Raises
    ------
    FlowError
        If the number of folds depends on the rows, or a plan cannot be a flow.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> import mileage, tempfile
    >>> X, y = [[float(i)] for i in range(8)], [2.0 * i for i in range(8)]
    >>> scores = mileage.cross_validate(Ridge(alpha=1e-9), X, y, cv=2)
    >>> with mileage.connect(tempfile.mkdtemp()) as session:
    ...     print(mileage.compute(scores["test_score"], session=session, flow="cv").round(3))
    [1. 1.]
    """
    plan = marked(estimator)
    if plan is not None:
        X, y, groups = plan.X, plan.y, plan.groups
        cv, scoring = (plan.cv if cv is None else cv), (plan.scoring if scoring is None else scoring)
    cv = 5 if cv is None else cv
    n_folds = _n_folds(cv)
    classifier = _is_classifier(estimator) if plan is None else plan.is_classifier
    folds = _call(FunctionCall, _splits, (cv, classifier, n_folds, X, y, groups), {}, label="folds", n_outputs=n_folds)
    metrics = _metrics(scoring)
    found: dict[str, list[Any]] = {}
    for fold in folds if n_folds > 1 else (folds,):
        train, test = (tuple(_rows(value, fold, i) for value in (X, y)) for i in (0, 1))
        fitted = learn(estimator, *train, out=False) if plan is None else plan.learn(*train)
        asked = [("test", *test), *([("train", *train)] if return_train_score else [])]
        for name, rows, target in asked:
            for metric, scorer in metrics.items():
                found.setdefault(f"{name}_{metric}", []).append(_score(fitted, scorer, rows, target))
        if return_estimator:
            found.setdefault("estimator", []).append(fitted.fitted())
    return {name: v if name == "estimator" else _ours(_listed, v, label=name) for name, v in found.items()}


def _n_folds(cv: Any) -> int:
    from sklearn.model_selection import check_cv

    try:
        return int(check_cv(cv).get_n_splits())
    except (TypeError, ValueError) as error:
        raise FlowError(
            f"how many folds {cv} makes is not known before there are rows",
            hint="give a number, or a splitter with n_splits; or defer all of it: step(sklearn.model_selection.cross_validate)",
        ) from error


def _is_classifier(estimator: Any) -> bool:
    from sklearn.base import is_classifier

    return bool(is_classifier(estimator))


def _metrics(scoring: Any) -> Mapping[str, Any]:
    if isinstance(scoring, dict):
        return scoring
    if isinstance(scoring, list | tuple | set):
        return {str(name): name for name in scoring}
    return {"score": scoring}


def _score(fitted: Learned, scorer: Any, rows: Deferred, target: Any) -> Deferred:
    """Return the score of a fold; of a Pipeline, that of its last step on what comes before it, where no code of the user looks."""
    if isinstance(fitted, Chain) and (scorer is None or isinstance(scorer, str)):
        return _score(list(fitted.steps.values())[-1], scorer, fitted.before_last(rows), target)
    if (own := fitted.scored(scorer, rows, target)) is not None:
        return own
    made: Deferred = _call(
        FunctionCall, _scored, (scorer, fitted.fitted(), rows, target), {}, label=f"score {scorer or ''}".strip()
    )
    return made


def _rows(value: Any, fold: Deferred, side: int) -> Any:
    return None if value is None else _ours(_fold_rows, value, fold, side, label="fold rows")


def _ours(function: Any, *args: Any, label: str) -> Any:
    return _call(partial(FunctionCall, pure=True), function, args, {}, label=label)


# --- what the steps do ------------------------------------------------------------------------------------------------


def _splits(cv: Any, classifier: bool, n_folds: int, X: Any, y: Any, groups: Any) -> Any:
    from sklearn.model_selection import check_cv

    made = [tuple(fold) for fold in check_cv(cv, y, classifier=classifier).split(X, y, groups)]
    if len(made) != n_folds:
        raise FlowError(f"{n_folds} folds were to be made, and {len(made)} were")
    return made[0] if n_folds == 1 else made


def _fold_rows(value: Any, fold: Any, side: int) -> Any:
    from sklearn.utils import _safe_indexing

    return _safe_indexing(value, fold[side])


def _scored(scorer: Any, fitted: Any, X: Any, y: Any) -> float:
    from sklearn.metrics import check_scoring

    made = check_scoring(fitted, scoring=scorer)
    return float(made(fitted, X) if y is None else made(fitted, X, y))


_scored.__mileage_scores__ = True  # type: ignore[attr-defined]


def _listed(scores: list[float]) -> Any:
    import numpy as np

    return np.asarray(scores)
