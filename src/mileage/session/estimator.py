"""Any scikit-learn compatible estimator as a step of a query that is built in Python."""

from __future__ import annotations

from typing import Any

from mileage.errors import OperatorError
from mileage.language import ast
from mileage.language.fragments import chain_of
from mileage.language.printer_base import value
from mileage.operators import Branch, Family

_FAMILIES = {
    Branch.NUMERIC: Family.SCALE,
    Branch.CATEGORICAL: Family.ENCODE,
    Branch.TEXT: Family.TEXT,
    Branch.DATETIME: Family.DATES,
    Branch.MATRIX: Family.SELECT,
}


def estimator(made_from: Any, *, columns: str = "matrix", name: str | None = None, **params: Any) -> ast.Chain:
    """Return a step for ``with_`` of a query, made of a scikit-learn compatible transformer or estimator.

    Parameters
    ----------
    made_from : str, class or estimator
        ``"sklearn.preprocessing.KBinsDiscretizer"``, the class, or an instance.
    columns : {'matrix', 'numeric', 'categorical', 'text', 'datetime'}
        What a transformer reads: all columns joined to one matrix (slot ``select``), or those of one kind (slots
        ``scale``, ``encode``, ``text``, ``dates``). A model reads the matrix.
    name : str, optional
        Name in the query; the class's name in lower case unless given.
    **params
        Parameters of the estimator, numbers, texts, truth values or None.

    Raises
    ------
    OperatorError
        If there is no such estimator or parameter.

    Examples
    --------
    >>> import mileage
    >>> bins = mileage.estimator(
    ...     "sklearn.preprocessing.KBinsDiscretizer", columns="numeric", n_bins=5, encode="ordinal"
    ... )
    >>> print(mileage.predict("y").from_("a.csv").with_(scale=bins, model="ridge"))
    PREDICT y FROM 'a.csv'
    WITH scale = kbinsdiscretizer(n_bins = 5, encode = 'ordinal'), model = ridge
    """
    from mileage.operators.external import from_estimator

    known = {str(branch): branch for branch in _FAMILIES}
    if columns not in known:
        message = f"no columns are called '{columns}'"
        raise OperatorError(message, code="O503", hint=f"one of {', '.join(known)}")
    branch = known[columns]
    operator = from_estimator(made_from, name=name, branch=branch)
    if operator.family is not Family.MODEL:
        operator = from_estimator(made_from, name=name, branch=branch, family=_FAMILIES[branch])
    operator.complete(params)
    written = ", ".join(f"{key} = {_written(key, given)}" for key, given in params.items())
    return chain_of(f"{operator.name}({written})" if written else operator.name, where="estimator")


def _written(key: str, given: Any) -> str:
    if given is None:
        return "none"
    if not isinstance(given, bool | int | float | str):
        message = f"{key} = {given!r} cannot be written in a query"
        raise OperatorError(message, code="O502", hint="give an instance of the estimator with this parameter set")
    return value(given)
