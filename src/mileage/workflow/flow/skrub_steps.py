"""What the steps of a skrub plan do: skrub's own node is asked, with the values of its fields, so that results are skrub's."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from mileage.errors import EngineError


@dataclass(frozen=True)
class Applied:
    """A fitted estimator of a plan, with what skrub remembers of the target to make predictions look like it."""

    estimator: Any
    y_type: str | None
    y_names: Any


def fit_estimator(
    estimator: Any, X: Any, y: Any, columns: Mapping[str, Any], more: Mapping[str, Any], unsupervised: bool, mode: str
) -> tuple[Applied, Any]:
    """Fit what ``.skb.apply()`` was given; return it with what it makes of the rows, in mode ``fit_transform``."""
    from sklearn.base import clone
    from skrub._data_ops._data_ops import Apply

    given = estimator if estimator is None or isinstance(estimator, str) else clone(estimator)
    node = Apply(
        X=X, estimator=given, y=y, unsupervised=unsupervised, kwargs=dict(more), no_cache=True, **columns
    )  # fmt: skip
    made = _asked(node, mode)
    return Applied(node.estimator_, node._y_type, node._y_col_names), None if mode == "fit" else made


fit_estimator.__mileage_gives_rows__ = 1  # type: ignore[attr-defined]


def apply_estimator(applied: Applied, X: Any, y: Any, more: Mapping[str, Any], mode: str) -> Any:
    """Return what a fitted estimator gives for rows, in a mode such as ``transform`` or ``predict``."""
    from skrub._data_ops._data_ops import Apply

    node = Apply(
        X=X, estimator=None, y=y, cols=None, exclude_cols=None, no_wrap=True, allow_reject=False, unsupervised=False,
        kwargs=dict(more), no_cache=True,
    )  # fmt: skip
    node.estimator_, node.estimator_id_ = applied.estimator, None
    node._y_type, node._y_col_names = applied.y_type, applied.y_names
    return _asked(node, mode)


def _asked(node: Any, mode: str) -> Any:
    """Run the evaluation of a skrub node whose fields are values: what it asks for is there."""
    running: Generator[Any, Any, Any] = node.eval(mode=mode, environment={})
    answer = None
    try:
        while True:
            asked = running.send(answer)
            answer = False if type(asked).__name__ == "HasRunningApplyAncestor" else asked
    except StopIteration as end:
        return end.value


def concatenated(first: Any, others: Any, axis: int, names: list[str] | None) -> tuple[Any, list[str] | None]:
    """Return tables put together and the names of the columns; those of the train rows if ``names`` are given."""
    from skrub._data_ops._data_ops import Concat

    node = Concat(first=first, others=others, axis=axis)
    node.all_outputs_ = names
    made = node.compute(
        SimpleNamespace(first=first, others=others, axis=axis),
        mode="fit_transform" if names is None else "transform",
        environment={},
    )
    return made, node.all_outputs_


def as_tuple(values: Any, n: int) -> tuple[Any, ...]:
    """Return the values of an unpacked step."""
    made = tuple(values)
    if len(made) != n:
        raise EngineError(f"{n} values were to be unpacked, and there are {len(made)}", code="X611")
    return made


def same(value: Any) -> Any:
    """Return a list, tuple or dict with the values of steps inside."""
    return value


def scored_answers(scorer: Any, method: str, answers: Any, applied: Applied, X: Any, y: Any) -> float:
    """Return what a scorer of scikit-learn says of predictions that are there."""
    made = scorer(_answering(applied, method, answers), X, y)
    return float(made)


def _answering(applied: Applied, method: str, answers: Any) -> Any:
    """Return an estimator that has the given answers ready, whatever it is asked about."""
    from sklearn.base import BaseEstimator
    from sklearn.utils import get_tags

    class Answering(BaseEstimator):
        def __sklearn_tags__(self) -> Any:
            return get_tags(applied.estimator)

    made = Answering()
    if hasattr(applied.estimator, "classes_"):
        made.classes_ = applied.estimator.classes_

    def answer(rows: Any) -> Any:
        del rows
        return answers

    answer.__name__ = method  # scikit-learn looks at it
    setattr(made, method, answer)
    return made


scored_answers.__mileage_scores__ = True  # type: ignore[attr-defined]
