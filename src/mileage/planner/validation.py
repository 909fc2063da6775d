"""``VALIDATE``: how rows are split, by the query or by the profile."""

from __future__ import annotations

from mileage.data import Profile, SplitSpec, TargetProfile, check_split
from mileage.errors import DataError
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
    n_rows = profile.n_rows - target.n_missing
    if clause is None:
        spec, said = _default(n_rows, target, seed)
        check_split(spec, n_rows)
        return spec, said
    for name in (*clause.together, *clause.stratified_by, *((clause.order_by,) if clause.order_by else ())):
        if name.text not in known:
            mistakes.unknown("E204", "column", name.text, sorted(known), name.span)
    if clause.order_by is not None and isinstance(clause.method, ast.Bootstrap):
        mistakes.add("E273", "a bootstrap has no order", clause.span, hint="use HOLDOUT or FOLDS with IN ORDER OF")
    before = len(mistakes.found)
    spec = _spec(clause, target, seed, mistakes)
    if len(mistakes.found) == before:
        _check(spec, clause, profile, n_rows, mistakes)
    return spec, []


def _check(spec: SplitSpec, clause: ast.Validate, profile: Profile, n_rows: int, mistakes: Mistakes) -> None:
    """Note it if the table has too few rows or groups for the splits that the query wants."""
    groups = profile.find(spec.groups[0]) if len(spec.groups) == 1 else None
    n_groups = groups.n_distinct + (groups.n_missing > 0) if groups is not None else None
    try:
        check_split(spec, n_rows, n_groups)
    except DataError as error:
        mistakes.add("E272", error.message, clause.span, hint=error.hint)


def _default(n_rows: int, target: TargetProfile, seed: int) -> tuple[SplitSpec, list[Assumption]]:
    stratify = target.task != "regression"
    n = _SMALL_FOLDS if n_rows < _SMALL_ROWS else FOLDS
    n = max(2, min(n, n_rows))
    if target.task == "binary":  # a fold without one of the two classes has no score
        n = max(2, min(n, *target.counts))
    kind = "stratified folds" if stratify else "shuffled folds"
    said = Assumption(f"workflows are scored by {n} {kind}", f"VALIDATE BY {n} FOLDS")
    return SplitSpec("folds", n=n, stratify=stratify, seed=seed), [said]


def _spec(clause: ast.Validate, target: TargetProfile, seed: int, mistakes: Mistakes) -> SplitSpec:
    groups = tuple(name.text for name in clause.together)
    order_by = clause.order_by.text if clause.order_by else None
    by = tuple(name.text for name in clause.stratified_by)
    stratify: bool | tuple[str, ...] = by or (target.task != "regression" and order_by is None)
    method, repeat = clause.method, 1 if clause.repeat is None else clause.repeat
    if repeat < 1:
        mistakes.add(
            "E272", f"REPEAT {repeat} deals no rows", clause.span, hint="use REPEAT 2 or more, or leave it out"
        )
    if isinstance(method, ast.Folds):
        if method.n < 2:
            mistakes.add("E272", f"{method.n} FOLDS cannot be split", clause.span, hint="use at least 2 FOLDS")
        return SplitSpec(
            "folds", n=max(2, method.n), repeat=repeat, groups=groups, order_by=order_by, stratify=stratify, seed=seed
        )
    if isinstance(method, ast.Holdout):
        if method.size.unit not in {"", "%"}:
            mistakes.add(
                "E272",
                f"HOLDOUT {method.size} is no part of the rows",
                clause.span,
                hint="use HOLDOUT 20% or a number of rows",
            )
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
        if method.n < 1:
            mistakes.add("E272", f"BOOTSTRAP {method.n} draws no rows", clause.span, hint="use BOOTSTRAP 10 or more")
        return SplitSpec("bootstrap", n=max(1, method.n), repeat=1, groups=groups, stratify=stratify, seed=seed)
    return SplitSpec("on", seed=seed)
