"""Which steps may run beside others, in a thread: those of libraries that keep nothing for the whole process.

Queries, reading files, and methods of scikit-learn's and LightGBM's estimators are such, unless they are given code of the user,
draw from the random numbers of the process, or use several threads themselves. A function of the user's may do anything, and
runs alone.
"""

from __future__ import annotations

import operator
from typing import Any

from mileage.workflow.flow.calls import Call, File, FunctionCall, MethodCall, Slot, SqlCall, ValueCall
from mileage.workflow.flow.deferred import _read_file

_METHODS = frozenset(
    {"fit", "fit_transform", "fit_predict", "transform", "predict", "predict_proba", "decision_function", "score"}
)
_OURS = "mileage.workflow.flow"
_SELECTS = (operator.getitem, getattr)
_PLAIN = (type(None), bool, int, float, complex, str, bytes, Slot, File, slice)
_DATA = frozenset({"pandas", "numpy", "scipy", "pyarrow", "polars", "builtins"})
_DRAWS_NOTHING = {
    "LogisticRegression": {"lbfgs", "newton-cg", "newton-cholesky"},
    "Ridge": {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs"},
    "RidgeClassifier": {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "lbfgs"},
}  # fmt: skip


def may_run_beside(call: Call, inputs: list[Any]) -> bool:
    """Say whether a step neither changes nor reads what belongs to the whole process.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> fit = MethodCall("fit", (Slot(1), Slot(2)))
    >>> [may_run_beside(fit, [RandomForestClassifier(random_state=seed), [[1.0]], [0]]) for seed in (0, None)]
    [True, False]
    >>> may_run_beside(FunctionCall(print, (Slot(0),)), [1])
    False
    """
    if isinstance(call, SqlCall | ValueCall):
        return True
    if isinstance(call, MethodCall):
        known = call.method in _METHODS and _is_estimator(inputs[0])
    elif isinstance(call, FunctionCall):
        ours = str(getattr(call.function, "__module__", "")).startswith(_OURS) or call.function in _SELECTS
        known = call.function is _read_file or ours
    else:
        return False
    return known and _is_known([call.args, dict(call.kwargs), inputs])


def _is_known(value: Any) -> bool:
    """Say whether a value is data, or an estimator of scikit-learn, or made of such: no code of the user's is in it."""
    if isinstance(value, _PLAIN):
        return True
    if type(value) in {list, tuple, set, frozenset}:
        return all(map(_is_known, value))
    if type(value) is dict:
        return all(map(_is_known, value.values()))
    if hasattr(type(value), "get_params"):
        return _is_estimator(value)
    return not callable(value) and type(value).__module__.partition(".")[0] in _DATA | {"mileage"}


def _is_estimator(value: Any) -> bool:
    """Say whether a value is an estimator of scikit-learn that draws by a seed only, uses one thread and is given no code."""
    if not type(value).__module__.startswith("sklearn.") or not hasattr(type(value), "get_params"):
        return False
    params = value.get_params(deep=False)
    if params.get("n_jobs") not in {None, 1}:
        return False
    if params.get("random_state", 0) is None:
        return params.get("solver") in _DRAWS_NOTHING.get(type(value).__name__, ())
    return _is_known(params)
