"""The law behind each trait; the function has the trait's name."""

from __future__ import annotations

from typing import Any

import numpy as np

from mileage.operators import Branch, Family, Operator, running
from mileage.testing.laws.fitting import build, dense, fitted, output, same, usual
from mileage.testing.tables import Table, table, take
from mileage.traits.laws.columns import used_columns

NOT_YET = {  # of scikit-learn 1.9.1
    "power": "Yeo-Johnson on a column without any value fails: not enough values to unpack",
}
_HALF = slice(0, None, 2)
_LOOSE = 2e-2  # solvers that stop at a tolerance


def row_wise(operator: Operator, branch: Branch, task: str) -> None:
    """Applying a fitted one to some rows gives those rows of applying it to all."""
    data, state, _ = usual(operator, branch, task, missing=operator.traits.native_missing)
    whole = output(operator, state, data)
    part = output(operator, state, data, take(data.X, _HALF))
    assert same(part, whole[_HALF]), "the output of a row depends on other rows"


def stateless(operator: Operator, branch: Branch, task: str) -> None:
    """What it was fitted on does not matter."""
    one, two = (table(operator, branch, task, seed=s, missing=operator.traits.native_missing) for s in (0, 1))
    outputs = [output(operator, fitted(operator, t)[0], one) for t in (one, two)]
    assert same(*outputs, tolerance=0), "it learns from its train rows"


def columnwise(operator: Operator, branch: Branch, task: str) -> None:
    """Another first column changes the first output column only."""
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    other = data.X.copy()
    other.iloc[:, 0] = data.X.iloc[::-1, 0].to_numpy()
    before = output(operator, fitted(operator, data)[0], data)
    changed = Table(other, data.y, data.context)
    after = output(operator, fitted(operator, changed)[0], changed)
    assert before.shape[1] == data.X.shape[1], "columns in are not columns out"
    assert same(before[:, 1:], after[:, 1:]), "an output column depends on another input column"


def cross_fitted(operator: Operator, branch: Branch, task: str) -> None:
    """The output for the train rows is not what applying the fitted one to them gives."""
    assert not _fit_output_is_applied(operator, branch, task), "it is declared cross_fitted and is not"


def not_cross_fitted(operator: Operator, branch: Branch, task: str) -> None:
    """Without the trait, the output of fitting is what applying gives."""
    if not operator.traits.cross_fitted and not operator.is_model:
        assert _fit_output_is_applied(operator, branch, task), "output for train rows differs: declare cross_fitted"


def native_missing(operator: Operator, branch: Branch, task: str) -> None:
    """It fits and applies with missing values, also in a column without any value; a model predicts numbers."""
    data = table(operator, branch, task, missing=True)
    for X in (data.X,) if operator.name in NOT_YET else (data.X, _with_empty_column(data.X)):
        holey = Table(X, data.y, data.context)
        state, out = fitted(operator, holey)
        result = output(operator, state, holey)
        assert len(result) == len(data.y), "rows were lost"
        if operator.is_model:
            assert np.isfinite(result).all(), "a prediction is not finite"
        elif operator.traits.columnwise:
            assert dense(out).shape[1] == X.shape[1], "an empty column was dropped"


def keeps_missing(operator: Operator, branch: Branch, task: str) -> None:
    """What is missing comes out missing, and nothing else does."""
    data = table(operator, branch, task, missing=True)
    made = output(operator, fitted(operator, data)[0], data)
    assert (np.isnan(made) == np.isnan(dense(data.X))).all(), "other values are missing than before"


def not_keeps_missing(operator: Operator, branch: Branch, task: str) -> None:
    """Without the trait, what is chosen for missing numbers leaves none."""
    if operator.family is Family.IMPUTE and branch is Branch.NUMERIC and not operator.traits.keeps_missing:
        data = table(operator, branch, task, missing=True)
        made = output(operator, fitted(operator, data)[0], data)
        assert not np.isnan(made).any(), "values are still missing: declare keeps_missing"


def native_categorical(operator: Operator, branch: Branch, task: str) -> None:
    """It fits on category codes, missing ones and codes never seen included."""
    from dataclasses import replace

    data = table(operator, branch, task)
    X = data.X.copy()
    X[:, :2] = np.clip(np.round(2 * X[:, :2]) + 4, 0, 8)
    X[::9, 0] = np.nan
    coded = Table(X, data.y, replace(data.context, codes=(0, 1)))
    state, _ = fitted(operator, coded)
    unseen = X.copy()
    unseen[:, 1] = 9
    assert np.isfinite(output(operator, state, coded, unseen)).all(), "a prediction is not finite"


def sparse(operator: Operator, branch: Branch, task: str) -> None:
    """A sparse matrix gives what the same dense one gives."""
    from scipy.sparse import csr_matrix

    data = table(operator, branch, task)
    X = np.where(np.abs(data.X) < 0.7, 0.0, data.X) if branch is Branch.MATRIX else data.X.to_numpy()
    outputs = []
    for made in (X, csr_matrix(X)):
        state, _ = fitted(operator, Table(made, data.y, data.context))
        outputs.append(output(operator, state, data, made))
    assert same(*outputs, tolerance=_LOOSE), "sparse and dense input differ"


def sparse_missing(operator: Operator, branch: Branch, task: str) -> None:
    """Missing values in a sparse matrix give what those of the same dense one give."""
    from scipy.sparse import csr_matrix

    data = table(operator, branch, task, missing=True)
    X = np.where(np.abs(data.X) < 0.7, 0.0, data.X)
    assert np.isnan(X).any()
    outputs = []
    for made in (X, csr_matrix(X)):
        state, _ = fitted(operator, Table(made, data.y, data.context))
        outputs.append(output(operator, state, data, made))
    assert same(*outputs, tolerance=_LOOSE), "sparse and dense input differ"


def weighted01(operator: Operator, branch: Branch, task: str) -> None:
    """A weight of 0 is the same as leaving the row out."""
    data = table(operator, branch, task)
    kept = np.arange(len(data.y)) % 3 > 0
    weighted = build(operator, data).fit(data.X, data.y, sample_weight=kept.astype(float))
    part = data.rows(kept)
    alone = running.fit_model(build(operator, data), part.X, part.y)
    outputs = [output(operator, state, data) for state in (weighted, alone)]
    assert same(*outputs, tolerance=_LOOSE), "weight 0 is not absence"


def scale_free(operator: Operator, branch: Branch, task: str) -> None:
    """Four times a column changes no prediction."""
    data, state, _ = usual(operator, branch, task)
    scaled = Table(data.X * np.array([4.0, 1.0, 0.5, 1.0, 64.0]), data.y, data.context)
    before, after = output(operator, state, data), output(operator, fitted(operator, scaled)[0], scaled)
    assert same(before, after, tolerance=1e-6), "the scale of a column matters"


def negative(operator: Operator, branch: Branch, task: str) -> None:
    """It gives values below 0 although it gets none."""
    data = table(operator, branch, task, missing=operator.traits.native_missing)
    X = np.abs(data.X) if branch in {Branch.NUMERIC, Branch.MATRIX} else data.X
    holder = Table(X, data.y, data.context)
    assert (output(operator, fitted(operator, holder)[0], holder) < 0).any(), "no value is below 0"


def soft_labels(operator: Operator, branch: Branch, task: str) -> None:
    """A classifier learns the probabilities 0 and 1 as it learns classes."""
    if task != "regression":
        data = table(operator, branch, task)
        told = Table(data.X, np.eye(data.context.n_classes)[np.asarray(data.y, dtype=int)], data.context)
        outputs = [output(operator, fitted(operator, one)[0], data) for one in (data, told)]
        assert same(*outputs), "classes and their probabilities are learned otherwise"


def margins(operator: Operator, branch: Branch, task: str) -> None:
    """It has no probabilities of classes."""
    assert task == "regression" or not _has_probabilities(operator, branch, task), "it gives probabilities"


def not_margins(operator: Operator, branch: Branch, task: str) -> None:
    """Without the trait, a classifier gives probabilities."""
    if operator.is_model and task != "regression" and not operator.traits.margins:
        assert _has_probabilities(operator, branch, task), "it gives no probabilities: declare margins"


def lossless_projection(operator: Operator, branch: Branch, task: str) -> None:
    """Columns that the fitted one does not use can change without any effect."""
    data = table(operator, branch, task)
    data.X[:, 4] = 0.0
    state, _ = fitted(operator, data)
    used = used_columns(getattr(state, "regressor_", state))
    assert used is not None, "it does not tell which columns it uses"
    X = data.X.copy()
    X[:, ~used] = 99.0
    assert same(output(operator, state, data), output(operator, state, data, X)), "a column without use has an effect"


def fit_threads(operator: Operator, branch: Branch, task: str) -> None:
    """A fit by several threads gives the same bits, and leaves a model that answers with one."""
    data, one, _ = usual(operator, branch, task)
    two = running.fit_model(build(operator, data), data.X, data.y, n_threads=3)
    assert same(output(operator, one, data), output(operator, two, data), tolerance=0), "fits by 1 and 3 threads differ"
    assert one.get_params() == two.get_params(), "the number of threads stays in the model"


def predict_threads(operator: Operator, branch: Branch, task: str) -> None:
    """A fitted one that predicts by several threads gives the same bits."""
    data = table(operator, branch, task)
    state, _ = fitted(operator, data)
    one = output(operator, state, data)
    several = output(operator, running.with_threads(state, 3), data)
    assert same(one, several, tolerance=0), "predictions by 1 and 3 threads differ"


LAWS = (
    row_wise,
    stateless,
    columnwise,
    cross_fitted,
    not_cross_fitted,
    native_missing,
    keeps_missing,
    not_keeps_missing,
    native_categorical,
    sparse,
    sparse_missing,
    weighted01,
    scale_free,
    negative,
    soft_labels,
    margins,
    not_margins,
    lossless_projection,
    fit_threads,
    predict_threads,
)


def _has_probabilities(operator: Operator, branch: Branch, task: str) -> bool:
    return hasattr(build(operator, table(operator, branch, task)), "predict_proba")


def _fit_output_is_applied(operator: Operator, branch: Branch, task: str) -> bool:
    data, state, out = usual(operator, branch, task)
    return same(dense(out), output(operator, state, data))


def _with_empty_column(X: Any) -> Any:
    made = X.copy()
    if isinstance(made, np.ndarray):
        made[:, 0] = np.nan
    else:
        made[made.columns[0]] = made.iloc[:, 0].where(np.zeros(len(made), dtype=bool))
    return made
