"""``VALIDATE``: how rows are split, by the query or by the profile."""

from __future__ import annotations

from mileage.data import Profile, SplitSpec, TargetProfile
from mileage.language import ast
from mileage.planner.logical import Assumption
from mileage.planner.mistakes import Mistakes

FOLDS = 5
_SMALL_ROWS, _SMALL_FOLDS = 400, 10


def plan_validation(
    query: ast.Predict, profile: Profile, target: TargetProfile, seed: int, mistakes: Mistakes
) -> tuple[SplitSpec, list[Assumption]]:
    """Return the splits of a query, with what was assumed."""
    clause = query.clause(ast.Validate)
    known = {column.name for column in profile.columns}
    if clause is None:
        return _default(profile, target, seed)
    for name in (*clause.together, *clause.stratified_by, *((clause.order_by,) if clause.order_by else ())):
        if name.text not in known:
            mistakes.unknown("E204", "column", name.text, sorted(known), name.span)
    if clause.order_by is not None and isinstance(clause.method, ast.Bootstrap):
        mistakes.add("E273", "a bootstrap has no order", clause.span, hint="use HOLDOUT or FOLDS with IN ORDER OF")
    return _spec(clause, target, seed, mistakes), []


def _default(profile: Profile, target: TargetProfile, seed: int) -> tuple[SplitSpec, list[Assumption]]:
    stratify = target.task != "regression"
    n = _SMALL_FOLDS if profile.n_rows < _SMALL_ROWS else FOLDS
    n = max(2, min(n, profile.n_rows))
    kind = "stratified folds" if stratify else "shuffled folds"
    if target.task == "binary" and 2 <= min(target.counts) < n:  # else a fold has one class, and no ranking to score
        n = min(target.counts)
        kind += f", since a class has {n} rows"
    said = Assumption(f"workflows are scored by {n} {kind}", f"VALIDATE BY {n} FOLDS")
    return SplitSpec("folds", n=n, stratify=stratify, seed=seed), [said]


def _spec(clause: ast.Validate, target: TargetProfile, seed: int, mistakes: Mistakes) -> SplitSpec:
    groups = tuple(name.text for name in clause.together)
    order_by = clause.order_by.text if clause.order_by else None
    by = tuple(name.text for name in clause.stratified_by)
    stratify: bool | tuple[str, ...] = by or (target.task != "regression" and order_by is None)
    method, repeat = clause.method, clause.repeat or 1
    if isinstance(method, ast.Folds):
        if method.n < 2:
            mistakes.add("E272", f"{method.n} FOLDS cannot be split", clause.span, hint="use at least 2 FOLDS")
        return SplitSpec(
            "folds", n=max(2, method.n), repeat=repeat, groups=groups, order_by=order_by, stratify=stratify, seed=seed
        )
    if isinstance(method, ast.Holdout):
        size = method.size.fraction
        if size <= 0 or (size >= 1 and method.size.unit == "%"):
            mistakes.add(
                "E272", f"HOLDOUT {method.size} leaves no rows", clause.span, hint="use for example HOLDOUT 20%"
            )
            size = 0.2
        return SplitSpec(
            "holdout", size=size, repeat=repeat, groups=groups, order_by=order_by, stratify=stratify, seed=seed
        )
    if isinstance(method, ast.Bootstrap):
        return SplitSpec("bootstrap", n=max(1, method.n), repeat=1, groups=groups, stratify=stratify, seed=seed)
    return SplitSpec("on", seed=seed)
