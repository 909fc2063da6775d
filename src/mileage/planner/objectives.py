"""``OPTIMIZE``, and metrics wherever a query names one: each is tried on made-up predictions before anything runs."""

from __future__ import annotations

import math
from functools import lru_cache

from mileage.errors import MileError
from mileage.language import ast, plain
from mileage.operators.metrics import default_metric, is_plain, resolve_metric
from mileage.planner.logical import Assumption, Objective
from mileage.planner.mistakes import Mistakes

_TASKS = ("binary", "multiclass", "regression")


def plan_objectives(
    query: ast.Predict, task: str | None, classes: tuple[str, ...], mistakes: Mistakes
) -> tuple[tuple[Objective, ...], list[Assumption]]:
    """Return the metrics that rank workflows; ``task`` is None if the data could not say it."""
    clause = query.clause(ast.Optimize)
    if clause is None:
        if task is None:
            return (), []
        name = default_metric(task)
        said = Assumption(f"workflows are ranked by {name}, the default of a {task} task", f"OPTIMIZE {name}")
        return (Objective(name, resolve_metric(name, task).greater_is_better),), [said]
    found: list[Objective] = []
    for level in clause.metrics:
        call = metric_call(level[0])
        if any(other.call == call for other in found):
            mistakes.add("E105", f"{call} is named twice", level[0].span, hint="THEN takes another metric")
        elif check_metric(level[0], task, classes, mistakes) and task is not None:
            found.append(Objective(call, resolve_metric(call, task, classes).greater_is_better, level[0]))
    return tuple(found), []


def metric_call(metric: ast.Metric) -> str:
    """Return a metric as its call, strings quoted as Python does.

    Examples
    --------
    >>> metric_call(ast.Metric("recall", (ast.Arg(None, "lung"),)))
    "recall('lung')"
    """
    args = [f"{a.name} = {_word(a.value)}" if a.name is not None else _word(a.value) for a in metric.args]
    return metric.name + (f"({', '.join(args)})" if args else "")


def _word(value: ast.Value) -> str:
    bare = isinstance(value, ast.Name) and value.text.isidentifier()
    return str(value) if bare else repr(plain(value))


def check_metric(
    metric: ast.Metric, task: str | None, classes: tuple[str, ...], mistakes: Mistakes, *, where: str = ""
) -> bool:
    """Say whether a metric can be computed for the task; else the mistake is noted."""
    call = metric_call(metric)
    span = mistakes.at_name(metric.span, metric.name)
    before = len(mistakes.found)
    try:
        if task is None:
            _known_for_any(call)
        else:
            resolve_metric(call, task, classes)
            if not is_plain(call, task):
                _try(call, task, classes)
    except MileError as error:
        about_class = error.code == "O505" and metric.args
        mistakes.tell(error, metric.args[0].span if about_class else span, code="E206")
    except ValueError as error:
        mistakes.add("E206", f"{where}{error}", metric.span)
    return len(mistakes.found) == before


def _known_for_any(call: str) -> None:
    """Raise what is wrong with a metric that serves no task at all."""
    first: MileError | None = None
    for task in _TASKS:
        try:
            resolve_metric(call, task)
        except MileError as error:
            first = first or error
        else:
            return
    if first is not None and "no metric" in first.message:
        raise first


def best_value(call: str, task: str, classes: tuple[str, ...]) -> float:
    """Return the value of a metric for predictions without an error; NaN where it has none.

    Examples
    --------
    >>> best_value("accuracy", "binary", ("no", "yes"))
    1.0
    """
    return _trial_score(call, task, classes, errors=False)[0]


def _try(call: str, task: str, classes: tuple[str, ...]) -> None:
    value, why = _trial_score(call, task, classes, errors=True)
    if math.isnan(value) and math.isnan(best_value(call, task, classes)):
        message = f"{call} cannot be computed: {why.rstrip('.')}"
        raise ValueError(message)


@lru_cache(maxsize=256)
def _trial_score(call: str, task: str, classes: tuple[str, ...], *, errors: bool) -> tuple[float, str]:
    """Return the score of made-up predictions that are right, or wrong for one row in five."""
    import numpy as np

    from mileage.operators.metrics.scoring import score_or_reason
    from mileage.operators.running import Predictions

    if task == "regression":
        truth = np.arange(1.0, 41.0)
        values = truth + (0.25 * (np.arange(40) % 5 == 0) if errors else 0.0)
        made = Predictions("value", values, values)
    else:
        n = max(2, len(classes))
        rows = np.arange(max(20, 2 * n))
        truth = rows % n
        said = np.where(rows % 5 == 0, (truth + 1) % n, truth) if errors else truth
        made = Predictions("proba", np.eye(n)[said] * 0.9 + 0.1 / n if errors else np.eye(n)[said], said)
    try:
        return score_or_reason(call, truth, made, classes=classes, task=task)
    except TypeError as error:
        return math.nan, str(error).partition("\n")[0]


def goal_mistake(call: str, op: str, value: float, task: str, classes: tuple[str, ...]) -> str | None:
    """Return why a goal such as ``accuracy >= 2`` makes no sense, or None."""
    greater = resolve_metric(call, task).greater_is_better
    if op == "=" or (op[0] == ">") != greater:
        better = "greater" if greater else "smaller"
        return f"{call} is better when it is {better}: write {call} {'>=' if greater else '<='} {value:g}"
    best = best_value(call, task, classes)
    if math.isfinite(best) and (value > best + 1e-9 if greater else value < best - 1e-9):
        return f"{call} cannot be better than {best:.4g}"
    return None
