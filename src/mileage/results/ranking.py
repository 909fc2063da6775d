"""The order of trials: lexicographic objectives with ties within noise, and a choice of different ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mileage.results.comparison import paired_difference
from mileage.results.trial import Trial
from mileage.workflow.blend import BLEND

Objectives = tuple[tuple[str, bool], ...]
MEASURED = {"fit_time": "fit_s", "predict_time": "predict_s", "latency": "latency_s", "size": "size_bytes"}

MODEL_FAMILIES = {
    "constant": ("dummy",),
    "linear": ("linear", "logistic", "ridge", "lasso", "elastic_net", "lda", "svm_linear", "linear_svm", "sgd"),
    "kernel": ("svm", "svm_rbf", "rbf_svm"),
    "neighbors": ("knn",),
    "bayes": ("gaussian_nb", "bernoulli_nb", "multinomial_nb", "naive_bayes"),
    "tree": ("decision_tree",),
    "forest": ("random_forest", "extra_trees"),
    "boosting": ("hist_gbm", "lightgbm", "xgboost", "catboost"),
    "additive": ("ebm",),
    "network": ("mlp",),
    "blend": (BLEND,),
}
_FAMILY_OF = {name: family for family, names in MODEL_FAMILIES.items() for name in names}


def value_of(trial: Trial, metric: str) -> float:
    """Return a trial's mean score, or what was measured if the metric is a time or a size."""
    if metric not in trial.scores and metric in MEASURED:
        measured = getattr(trial, MEASURED[metric])
        return math.nan if measured is None else float(measured)
    return trial.mean(metric)


def loss_of(trial: Trial, objective: tuple[str, bool]) -> float:
    """Return a number that is smaller for a better trial; infinite if there is no score."""
    metric, greater_is_better = objective
    value = value_of(trial, metric)
    return math.inf if math.isnan(value) else (-value if greater_is_better else value)


def _key(objective: tuple[str, bool]) -> Callable[[Trial], tuple[bool, float, int]]:
    """What was confirmed stands before what was not: the scores of the others are too good by the choice among them."""
    return lambda trial: (not trial.is_confirmed, loss_of(trial, objective), trial.number)


def within_noise(one: Trial, other: Trial, metric: str, *, test_share: float | None = None) -> bool:
    """Say whether two trials cannot be told apart by a metric; equal scores are always a tie."""
    if one.number == other.number or value_of(one, metric) == value_of(other, metric):
        return True
    if metric not in one.scores or metric not in other.scores:
        return False
    return paired_difference(one, other, metric, test_share=test_share).within_noise


def tie_groups(
    trials: Sequence[Trial], objective: tuple[str, bool], *, test_share: float | None = None
) -> list[list[Trial]]:
    """Return trials in groups: the best one and all within noise of it, then the same for the rest.

    ``test_share`` are the rows scored per row trained on, as for :func:`paired_difference`.

    Examples
    --------
    >>> trials = [
    ...     Trial(i, scores={"auc": s}) for i, s in enumerate([(0.5, 0.5, 0.5), (0.9, 0.8, 0.9), (0.8, 0.9, 0.9)])
    ... ]
    >>> [[t.number for t in group] for group in tie_groups(trials, ("auc", True))]
    [[1, 2], [0]]
    """
    rest = sorted(trials, key=_key(objective))
    groups = []
    while rest:
        group = [t for t in rest if within_noise(rest[0], t, objective[0], test_share=test_share)]
        taken = {t.number for t in group}
        rest = [t for t in rest if t.number not in taken]
        groups.append(group)
    return groups


def ranked(trials: Sequence[Trial], objectives: Objectives, *, test_share: float | None = None) -> list[Trial]:
    """Return trials best first: the first objective, and within its noise the next one (``THEN``).

    With one objective the order is that of the mean scores; equal ones stand in the order of their numbers. Confirmed
    trials stand before the others. A blend that cannot be told from the best stands first: the loss of a mean is no more
    than the mean of the losses (of every convex one), while the best of few is so by chance too.

    Examples
    --------
    >>> chosen, other = Trial(1, scores={"auc": (0.9, 0.9)}), Trial(2, scores={"auc": (0.8, 0.9)})
    >>> [t.number for t in ranked([chosen, other], (("auc", True),))]
    [1, 2]
    >>> again = other.confirmed({"auc": (0.8, 0.8)})
    >>> [t.number for t in ranked([chosen, again], (("auc", True),))]
    [2, 1]
    """
    first, *then = objectives
    in_order = sorted(trials, key=_key(first))
    if not then:
        return _blend_first(in_order, first[0], test_share)
    groups = tie_groups(in_order, first, test_share=test_share)
    return [trial for group in groups for trial in _within(group, tuple(then), first, test_share)]


def _blend_first(in_order: list[Trial], metric: str, test_share: float | None) -> list[Trial]:
    blend = next((t for t in in_order if t.model == BLEND), None)
    if blend is None or not within_noise(in_order[0], blend, metric, test_share=test_share):
        return in_order
    return [blend, *[t for t in in_order if t is not blend]]


def _within(
    group: Sequence[Trial], objectives: Objectives, first: tuple[str, bool], test_share: float | None
) -> list[Trial]:
    objective, *then = objectives
    if then:
        parts = tie_groups(group, objective, test_share=test_share)
        return [trial for part in parts for trial in _within(part, tuple(then), first, test_share)]
    return sorted(group, key=lambda t: (not t.is_confirmed, loss_of(t, objective), loss_of(t, first), t.number))


def apart(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials in their order, only the first of those that one fit served: these err alike.

    Examples
    --------
    >>> [t.number for t in apart([Trial(4, beside=3), Trial(3), Trial(5, beside=3), Trial(7)])]
    [4, 7]
    """
    chosen: dict[int, Trial] = {}
    for trial in trials:
        chosen.setdefault(trial.number if trial.beside is None else trial.beside, trial)
    return list(chosen.values())


def apart_first(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials, those that are :func:`apart` before the others.

    Examples
    --------
    >>> [t.number for t in apart_first([Trial(4, beside=3), Trial(3), Trial(5, beside=3), Trial(7)])]
    [4, 7, 3, 5]
    """
    first = apart(trials)
    numbers = {trial.number for trial in first}
    return [*first, *(trial for trial in trials if trial.number not in numbers)]


def model_family(trial: Trial) -> str:
    """Return the kind of model, such as ``linear`` or ``boosting``; an unknown model is a family of its own."""
    return _FAMILY_OF.get(trial.model, trial.model)


def different(trials: Sequence[Trial], n: int) -> list[Trial]:
    """Return ``n`` trials in their order: the best of each family of models first, then of each model, then the rest.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> names = ["hist_gbm", "lightgbm", "logistic", "ridge"]
    >>> trials = [Trial(i, (("model", (StepSpec(name),)),)) for i, name in enumerate(names)]
    >>> [t.model for t in different(trials, 2)], [t.model for t in different(trials, 3)]
    (['hist_gbm', 'logistic'], ['hist_gbm', 'lightgbm', 'logistic'])
    """
    chosen: list[Trial] = []
    for key in (model_family, lambda t: t.model, lambda t: str(t.number)):
        seen = {key(t) for t in chosen}
        for trial in trials:
            if len(chosen) < n and key(trial) not in seen and trial not in chosen:
                seen.add(key(trial))
                chosen.append(trial)
    return sorted(chosen, key=list(trials).index)
