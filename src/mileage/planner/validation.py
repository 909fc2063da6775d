"""``VALIDATE``: how rows are split, by the query or by the profile."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mileage.data import Dataset, Profile, SplitSpec, TargetProfile, quote
from mileage.data.reshuffle import n_parts, shares_of
from mileage.language import ast, format_node
from mileage.operators import operators
from mileage.planner.logical import Assumption
from mileage.planner.mistakes import Mistakes, spell

FOLDS = 5
_FEWER_FOLDS = 3
_ENOUGH_ROWS = 5000  # on fewer of them, one part of the rows says too little
# Of a budget of time, that scoring one boosted model by so many folds may take.
_SHARES = {FOLDS: 0.15, _FEWER_FOLDS: 0.5}
_HOLDOUT, _RARE_ROWS = 0.2, 100
_USUAL_WORKERS = 2  # the plan is the same on every machine
_SMALL_ROWS, _SMALL_FOLDS = 400, 10
_CONFIRM = 3  # fresh deals on which the best are scored again
_FEW_ROWS = 2000  # on more of them, the search makes better use of the time


@dataclass(frozen=True, slots=True)
class SplitSetting:
    """What splits depend on besides the clause."""

    dataset: Dataset
    profile: Profile
    target_name: str
    target: TargetProfile
    seed: int
    seconds: float | None = None  # of the budget

    @property
    def n_rows(self) -> int:
        """Rows that have a target."""
        return self.profile.n_rows - self.target.n_missing

    def n_values(self, columns: tuple[ast.Name, ...]) -> int:
        """Return how many combinations of values some columns have."""
        if len(columns) == 1 and (found := self.profile.find(columns[0].text)) is not None:
            return found.n_distinct + (found.n_missing > 0)
        listed = ", ".join(quote(name.text) for name in columns)
        sql = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM ({self.dataset.over([name.text for name in columns])}))"
        return int(self.dataset.database.rows(sql)[0][0])


def plan_validation(
    query: ast.Predict, setting: SplitSetting, mistakes: Mistakes
) -> tuple[SplitSpec, list[Assumption]]:
    """Return the splits of a query, with what was assumed."""
    clause = query.clause(ast.Validate)
    if clause is None:
        return _default(setting)
    before = len(mistakes.found)
    check_validation(clause, query.targets[0].text, mistakes)
    if len(mistakes.found) == before:
        _check_sizes(clause, setting, mistakes)
    made = _spec(clause, setting)
    if clause.reshuffled and len(mistakes.found) == before:
        _check_parts(clause, made[0], setting, mistakes)
    return made


def _default(setting: SplitSetting) -> tuple[SplitSpec, list[Assumption]]:
    stratify, n = setting.target.task != "regression", _affordable(setting)
    by = f" STRATIFIED BY {spell(setting.target_name)}" if stratify else ""
    why = "" if n == FOLDS else f": more would take much of the {setting.seconds:g} s"
    if n == 1:
        text = f"workflows are scored on {_HOLDOUT:.0%} of the rows, held out once{why}"
        said = Assumption(text, f"VALIDATE BY HOLDOUT {_HOLDOUT:.0%}{by}")
        return SplitSpec("holdout", size=_HOLDOUT, stratify=stratify, seed=setting.seed), [said]
    n = _SMALL_FOLDS if setting.profile.n_rows < _SMALL_ROWS else n
    n = max(2, min(n, setting.profile.n_rows))
    kind = "stratified folds" if stratify else "shuffled folds"
    counts = setting.target.counts
    if setting.target.task == "binary" and 2 <= min(counts) < n:  # else a fold has one class, and no ranking to score
        n = min(counts)
        kind += f", since a class has {n} rows"
    text, clause = f"workflows are scored by {n} {kind}{why}", f"VALIDATE BY {n} FOLDS{by}"
    if setting.n_rows <= _FEW_ROWS:
        text += f", the best of many again on {_CONFIRM} fresh deals of them"
        clause += f" CONFIRM {_CONFIRM}"
    return SplitSpec("folds", n=n, stratify=stratify, seed=setting.seed), [Assumption(text, clause)]


def _affordable(setting: SplitSetting) -> int:
    """Return the number of folds by which a usual boosted model can be scored within its share of the budget, 1 if by none.

    A class of few rows is never scored by one part of them.
    """
    if setting.seconds is None or setting.n_rows < _ENOUGH_ROWS:
        return FOLDS
    target = setting.target
    n_classes = len(target.counts) if target.task == "multiclass" else 2
    fit_s = operators.get("lightgbm").cost.fit_s(setting.n_rows, len(setting.profile.columns), n_classes)
    once = fit_s / _USUAL_WORKERS / setting.seconds
    fewest = 1 if target.task == "regression" or min(target.counts) >= _RARE_ROWS else _FEWER_FOLDS
    return next((n for n, share in _SHARES.items() if (n - 1) * once <= share), fewest)


def confirmation(query: ast.Predict, splits: SplitSpec, n_rows: int) -> SplitSpec | None:
    """Return the splits on which the best workflows are scored again; None if they are not.

    What is best among many by one deal of few rows is so by chance too, and looks better than it is.

    References
    ----------
    Cawley and Talbot 2010, On over-fitting in model selection, section 5.
    """
    clause = query.clause(ast.Validate)
    own = _CONFIRM if n_rows <= _FEW_ROWS else None
    times = own if clause is None else clause.confirm
    return splits.dealt_again(times) if times else None


# --- what can be said without the data --------------------------------------------------------------------------------


def check_validation(clause: ast.Validate, target: str, mistakes: Mistakes) -> None:
    """Note sizes that no table could be split by, and modifiers that do not go together."""
    method, span = clause.method, clause.method.span or clause.span
    if isinstance(method, ast.Folds) and method.n < 2:
        mistakes.add("E272", f"{method.n} FOLDS cannot be split", span, hint="use at least 2 FOLDS")
    if isinstance(method, ast.Bootstrap) and method.n < 1:
        mistakes.add("E272", "BOOTSTRAP 0 scores nothing", span, hint="use for example BOOTSTRAP 20")
    if isinstance(method, ast.Holdout):
        _check_holdout(method, mistakes)
    if clause.repeat == 0:
        mistakes.add("E272", "REPEAT 0 scores nothing", clause.span, hint="leave REPEAT out to split once")
    _check_combination(clause, mistakes)
    named = [*clause.together, *((clause.order_by,) if clause.order_by else ())]
    for name in named:
        if name.text == target:
            mistakes.add(
                "E273",
                f"{target} is the target: it cannot deal the rows to folds",
                name.span,
                hint="STRATIFIED BY keeps the shares of its classes",
            )


def _check_holdout(method: ast.Holdout, mistakes: Mistakes) -> None:
    size = method.size
    if size.unit not in {"", "%"}:
        mistakes.add(
            "E272",
            f"HOLDOUT {size} is no share of rows",
            method.span,
            hint="use a share or a number of rows: HOLDOUT 20%, HOLDOUT 500",
        )
    elif size.value <= 0 or (size.fraction >= 1 and size.unit == "%"):
        mistakes.add("E272", f"HOLDOUT {size} leaves no rows", method.span, hint="use for example HOLDOUT 20%")
    elif size.fraction > 1 and size.fraction != int(size.fraction):
        mistakes.add(
            "E272", f"HOLDOUT {size} is no whole number of rows", method.span, hint="use for example HOLDOUT 20%"
        )


def _check_combination(clause: ast.Validate, mistakes: Mistakes) -> None:
    method = {ast.Folds: "FOLDS", ast.Holdout: "HOLDOUT", ast.Bootstrap: "BOOTSTRAP"}.get(type(clause.method), "ON")
    clashes = (
        (method == "BOOTSTRAP" and clause.order_by, "a bootstrap has no order", "use HOLDOUT or FOLDS with IN ORDER OF"),
        (method == "BOOTSTRAP" and clause.stratified_by, "a bootstrap draws rows without regard to STRATIFIED BY", "use FOLDS or HOLDOUT with STRATIFIED BY"),
        (method == "BOOTSTRAP" and clause.repeat is not None, "a bootstrap is repeated by its number", "write the product: BOOTSTRAP 60 and not BOOTSTRAP 20 REPEAT 3"),
        (method == "BOOTSTRAP" and clause.confirm, "a bootstrap is not confirmed", "draw more: BOOTSTRAP 60, or use FOLDS or HOLDOUT with CONFIRM"),
        (method == "ON" and (clause.repeat or clause.confirm), "a table of its own is not dealt: there is nothing to repeat or to confirm", "leave REPEAT and CONFIRM out"),
        (clause.order_by and clause.confirm, "there is one order of rows: the best cannot be scored on another", "leave CONFIRM or IN ORDER OF out"),
        (clause.order_by and clause.repeat is not None, "there is one order of rows: it cannot be dealt again", "leave REPEAT or IN ORDER OF out"),
        (clause.order_by and clause.stratified_by, "rows in order cannot be stratified too", "leave STRATIFIED BY or IN ORDER OF out"),
        (method == "BOOTSTRAP" and clause.reshuffled, "a bootstrap is not reshuffled", "use FOLDS or HOLDOUT with RESHUFFLED"),
        (clause.order_by and clause.reshuffled, "there is one order of rows: it cannot be dealt anew for each workflow", "leave RESHUFFLED or IN ORDER OF out"),
        (method == "HOLDOUT" and clause.together and clause.stratified_by, "a HOLDOUT keeps groups together or shares alike, not both", "use FOLDS, which can do both"),
    )  # fmt: skip
    for clash, message, hint in clashes:
        if clash:
            mistakes.add("E273", message, clause.span, hint=hint)


# --- what needs the data ----------------------------------------------------------------------------------------------


def _check_sizes(clause: ast.Validate, setting: SplitSetting, mistakes: Mistakes) -> None:
    method, n_rows = clause.method, setting.n_rows
    parts = method.n if isinstance(method, ast.Folds) else 2
    if isinstance(method, ast.Folds) and method.n + bool(clause.order_by) > n_rows:
        hint = f"VALIDATE BY {max(2, min(FOLDS, n_rows // 2))} FOLDS"
        mistakes.add(
            "E272",
            f"{method.n:,} FOLDS need as many rows, and there are {n_rows:,} with a target",
            method.span,
            hint=hint,
        )
        return
    if isinstance(method, ast.Holdout) and method.size.fraction >= max(1, n_rows):
        mistakes.add(
            "E272",
            f"HOLDOUT {method.size} leaves no rows to learn from: there are {n_rows:,} with a target",
            method.span,
            hint="use for example HOLDOUT 20%",
        )
        return
    known = {column.name for column in setting.profile.columns}
    if clause.together and {name.text for name in clause.together} <= known:
        n_groups = setting.n_values(clause.together)
        if n_groups < parts:
            listed = " and ".join(name.text for name in clause.together)
            hint = f"use at most {n_groups} FOLDS, or other columns" if n_groups > 1 else "keep other columns together"
            mistakes.add(
                "E272",
                f"{listed} has {n_groups} group{'s' * (n_groups != 1)}: they cannot be dealt to {parts} parts",
                clause.together[0].span,
                hint=hint,
            )
    if clause.stratified_by and {name.text for name in clause.stratified_by} <= known:
        n_strata = setting.n_values(clause.stratified_by)
        if n_strata * parts > n_rows:
            listed = " and ".join(name.text for name in clause.stratified_by)
            mistakes.add(
                "E272",
                f"{listed} has {n_strata:,} values in {n_rows:,} rows: too many to have each in {parts} parts",
                clause.stratified_by[0].span,
                hint="stratify by a column of few values",
            )


def _check_parts(clause: ast.Validate, spec: SplitSpec, setting: SplitSetting, mistakes: Mistakes) -> None:
    per_round = _per_round(spec, setting)
    if spec.parts < 2 * per_round:
        what = "groups" if clause.together else "rows"
        message = f"too few {what} for splits that differ: RESHUFFLED needs two parts for each of {per_round}"
        mistakes.add("E272", message, clause.span, hint="use fewer FOLDS, or leave RESHUFFLED out")


def _spec(clause: ast.Validate, setting: SplitSetting) -> tuple[SplitSpec, list[Assumption]]:
    groups = tuple(name.text for name in clause.together)
    order_by = clause.order_by.text if clause.order_by else None
    by = tuple(name.text for name in clause.stratified_by)
    method, repeat, seed = clause.method, clause.repeat or 1, setting.seed
    if isinstance(method, ast.On):
        return SplitSpec("on", seed=seed), []
    can = (
        order_by is None and not isinstance(method, ast.Bootstrap) and not (groups and isinstance(method, ast.Holdout))
    )
    stratify: bool | tuple[str, ...] = by or (can and setting.target.task != "regression")
    assumed = []
    if stratify is True:
        text = "the classes keep their shares in every part"
        assumed = [Assumption(text, f"{format_node(clause)} STRATIFIED BY {spell(setting.target_name)}")]
    if isinstance(method, ast.Bootstrap):
        return SplitSpec("bootstrap", n=max(1, method.n), groups=groups, stratify=stratify, seed=seed), assumed
    common = SplitSpec(repeat=repeat, groups=groups, order_by=order_by, stratify=stratify, seed=seed)
    if isinstance(method, ast.Folds):
        spec = replace(common, method="folds", n=max(2, method.n))
    else:
        spec = replace(common, method="holdout", size=method.size.fraction)
    return (replace(spec, parts=_parts(clause, spec, setting)) if clause.reshuffled else spec), assumed


def _parts(clause: ast.Validate, spec: SplitSpec, setting: SplitSetting) -> int:
    """Return how many parts splits of a configuration's own are made of: no more than keep groups whole and strata alike."""
    units = setting.n_values(clause.together) if clause.together else setting.n_rows
    if clause.stratified_by:
        units = min(units, setting.n_rows // max(1, setting.n_values(clause.stratified_by)))
    elif spec.stratify and not clause.together:
        units = min(units, max(setting.target.counts))
    return n_parts(_per_round(spec, setting), units)


def _per_round(spec: SplitSpec, setting: SplitSetting) -> int:
    return shares_of(spec.n if spec.method == "folds" else None, _share(spec.size, setting))[0]


def _share(size: float, setting: SplitSetting) -> float:
    return size if size < 1 else size / max(1, setting.n_rows)
