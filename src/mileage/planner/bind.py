"""Resolve the names of a query against the data: the source, the target, the features, the task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.data import ColumnProfile, Database, Dataset, Kind, Profile, TargetProfile, profile, profile_target, quote
from mileage.errors import DataError
from mileage.language import ast, format_node
from mileage.operators.metrics import default_metric, resolve_metric
from mileage.planner.budget import plan_budget
from mileage.planner.facts import facts
from mileage.planner.hints import plan_hints
from mileage.planner.logical import Assumption, LogicalPlan, Objective
from mileage.planner.mistakes import Mistakes
from mileage.planner.newdata import Training, bind_test
from mileage.planner.notyet import refuse
from mileage.planner.slots import SpaceBuilder, SpaceSetting
from mileage.planner.sources import bind_source, stated_facts, with_facts
from mileage.planner.validation import plan_validation
from mileage.workflow import Features, Setting

_RESULTS = 5
_LARGEST_SEED = 2**31 - 1  # what all libraries take
_LARGEST_TARGET = 1e150  # squares of errors above it overflow


@dataclass
class _Bound:
    """What is known of the columns while binding goes on."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    dropped: dict[str, Reason] = field(default_factory=dict)
    assumptions: list[Assumption] = field(default_factory=list)


def bind(
    query: ast.Predict, database: Database, *, source: str = "", known: Mapping[str, Iterable[str]] | None = None
) -> LogicalPlan:
    """Return the logical plan of a query.

    Parameters
    ----------
    query : Predict
    database : Database
        Finds tables, files and frames.
    source : str
        The query's text, for the excerpts of error messages.
    known : mapping of str to names, optional
        What the values of hints such as ``strategy`` may be; not checked where left out.

    Raises
    ------
    BindError, NotYetError
        All mistakes of the query together.
    DataError
        If the data cannot be read or cannot answer the question.
    """
    mistakes = Mistakes(source)
    refuse(query, mistakes)
    dataset = bind_source(query, database, mistakes)
    mistakes.stop_if_any()
    assert dataset is not None
    target = _check_columns(query, dataset, mistakes)
    if dataset.schema.find(target) is None:
        mistakes.stop_if_any()
    dataset = with_facts(query, dataset)
    try:
        return _Binder(query, database, dataset, target, mistakes, known or {}).plan()
    except DataError:
        mistakes.stop_if_any()  # what is wrong with the query is told first
        raise


class _Binder:
    def __init__(
        self,
        query: ast.Predict,
        database: Database,
        dataset: Dataset,
        target: str,
        mistakes: Mistakes,
        known: Mapping[str, Iterable[str]],
    ) -> None:
        self.query, self.database, self.dataset, self.known = query, database, dataset, known
        self.target, self.mistakes, self.bound = target, mistakes, _Bound()
        self.profile: Profile = profile(dataset)

    def plan(self) -> LogicalPlan:
        target_profile = self._target()
        seed, n_results, diverse, name = self._wishes()
        validation, assumed = plan_validation(self.query, self.profile, target_profile, seed, self.mistakes)
        self.bound.assumptions += assumed
        used = {*validation.groups, *([validation.order_by] if validation.order_by else [])}
        features = self._features(used)
        objectives = self._objectives(target_profile.task, target_profile.classes)
        n_rows = self.profile.n_rows - target_profile.n_missing
        setting = Setting(target_profile.task, n_rows, max(2, len(target_profile.classes)), seed)
        space = SpaceBuilder(self.query, SpaceSetting(setting.task, features, n_rows), self.mistakes).build()
        budget, assumed = plan_budget(self.query, setting.task, self.mistakes, single=space.size() == 1)
        self.bound.assumptions += assumed
        test = bind_test(self.query, self.database, self.mistakes, self._training(target_profile, features))
        hints = plan_hints(self.query, self.mistakes, self.known)
        self.mistakes.stop_if_any()
        return LogicalPlan(
            query=self.query,
            dataset=self.dataset,
            profile=self.profile,
            target=self.target,
            target_profile=target_profile,
            features=features,
            setting=setting,
            validation=validation,
            objectives=objectives,
            space=space,
            budget=budget,
            n_results=n_results,
            diverse=diverse,
            seed=seed,
            name=name,
            test=test,
            hints=hints,
            dropped=tuple(self.bound.dropped.items()),
            assumptions=tuple(self.bound.assumptions),
        )

    def _wishes(self) -> tuple[int, int, bool, str | None]:
        """Return seed, number of results, whether they are to be diverse, and the query's name."""
        seed, wanted, named = self.query.clause(ast.Seed), self.query.clause(ast.Return), self.query.clause(ast.Named)
        if seed is not None and seed.value > _LARGEST_SEED:
            hint = f"use 0 to {_LARGEST_SEED}"
            self.mistakes.add("E104", f"SEED {seed.value} is too large", seed.span, hint=hint)
        if wanted is not None and wanted.n < 1:
            hint = "use RETURN 1 WORKFLOWS or more"
            self.mistakes.add("E104", f"RETURN {wanted.n} WORKFLOWS asks for nothing", wanted.span, hint=hint)
        return (
            seed.value if seed is not None else 0,
            wanted.n if wanted is not None else _RESULTS,
            wanted is not None and wanted.diverse,
            named.name.text if named is not None else None,
        )

    def _target(self) -> TargetProfile:
        """Infer the task from the target column, or check the one written."""
        written = self.query.task.name if self.query.task is not None else None
        found = profile_target(self.dataset, self.target, written)
        self._refuse_target(found)
        if written is None:
            word = "REGRESSION" if found.task == "regression" else "CLASSIFICATION"
            self.bound.assumptions.append(
                Assumption(f"{self.target} is predicted as {found.task}: {found.reason}", f"AS {word}")
            )
        if found.task == "binary":
            self.bound.assumptions.append(Assumption(f"'{found.positive}' is the positive class", ""))
        return found

    def _refuse_target(self, found: TargetProfile) -> None:
        """Refuse a target that no split can learn and score, or whose errors overflow."""
        if found.task == "binary" and min(found.counts) < 2:
            rare = found.classes[found.counts.index(min(found.counts))]
            message = f"class '{rare}' of {self.target} has one row: it can be learned or scored, not both"
            raise DataError(message, code="D429", hint="give two rows or more of each class, or predict another column")
        if found.task == "regression":
            column = self.profile.find(self.target)
            ends = [abs(v) for v in (column.min, column.max) if isinstance(v, int | float)] if column else []
            if any(end > _LARGEST_TARGET for end in ends):
                message = f"the target {self.target} has values up to {max(ends):.0e}: the squares of errors overflow"
                raise DataError(message, code="D428", hint="divide it in FROM (SELECT ...), or predict its logarithm")

    def _training(self, target: TargetProfile, features: Features) -> Training:
        return Training(self.dataset, self.target, target.task, target.classes, features)

    def _features(self, used: set[str]) -> Features:
        """Choose the feature columns and their branches; what is left out is left out with a reason."""
        written = self.query.clause(ast.Features)
        chosen = {name.text for name in written.columns} if written is not None else None
        excluded = {n.text: n.span for clause in self.query.clauses_of(ast.Excluding) for n in clause.columns}
        stated = stated_facts(self.query)
        by_kind: dict[Kind, list[ColumnProfile]] = {kind: [] for kind in Kind}
        for column in self.profile.columns:
            if column.name == self.target:
                continue
            reason = self._why_not(column, chosen, excluded, stated, used)
            if reason is not None:
                self.bound.dropped[column.name] = reason
            else:
                fact = facts[stated[column.name].name] if column.name in stated else None
                kind = (fact.kind if fact is not None else None) or _usable(column)
                by_kind[kind].append(column)
        if not any(by_kind.values()):
            why = ", ".join(f"{name}: {reason.text}" for name, reason in list(self.bound.dropped.items())[:5])
            hint = f"left out: {why}" if why else "the target is the only column"
            raise DataError("no column is left to predict from", code="D430", hint=hint)
        return _as_features(by_kind)

    def _why_not(
        self,
        column: ColumnProfile,
        chosen: set[str] | None,
        excluded: Mapping[str, Span | None],
        stated: Mapping[str, ast.Kind],
        used: set[str],
    ) -> Reason | None:
        name = column.name
        if name in excluded:
            return Reason("EXCLUDING", "user", excluded[name])
        if chosen is not None and name not in chosen:
            return Reason("not in FEATURES", "user")
        if name in stated and facts[stated[name].name].drops is not None:
            return Reason(f"you said that it {facts[stated[name].name].drops}", "user", stated[name].span)
        if name in stated or (chosen is not None and column.kind is not Kind.UNSUPPORTED):
            return None
        if name in used:
            return Reason("it deals the rows to folds", "user")
        if column.kind is Kind.CONSTANT:
            return Reason(f"it has {', '.join(column.looks) or 'one value only'}", "profile")
        if column.kind is Kind.UNSUPPORTED:
            what = self.dataset.schema.get(name).sql_type
            text = f"{name} is left out: no operator reads {what} values"
            self.bound.assumptions.append(Assumption(text, f"EXCLUDING {_word(name)}"))
            return Reason(f"no operator reads {what} values", "profile")
        if column.kind is Kind.IDENTIFIER:
            clause = f"KNOWING {_word(name)} IS IDENTIFIER"
            self.bound.assumptions.append(
                Assumption(f"{name} looks like an identifier and is left out (FEATURES brings it back)", clause)
            )
            return Reason("it looks like an identifier", "profile")
        return None

    def _objectives(self, task: str, classes: tuple[str, ...]) -> tuple[Objective, ...]:
        clause = self.query.clause(ast.Optimize)
        if clause is None:
            name = default_metric(task)
            self.bound.assumptions.append(Assumption(f"workflows are ranked by {name}", f"OPTIMIZE {name}"))
            return (Objective(name, resolve_metric(name, task).greater_is_better),)
        found = []
        for level in clause.metrics:
            for metric in level[:1]:
                call = format_node(metric)
                try:
                    found.append(Objective(call, resolve_metric(call, task, classes).greater_is_better, metric))
                except ValueError as error:
                    message, hint = getattr(error, "message", str(error)), getattr(error, "hint", None)
                    self.mistakes.add("E206", message, metric.span, hint=hint)
        return tuple(found)


def _check_columns(query: ast.Predict, dataset: Dataset, mistakes: Mistakes) -> str:
    names = _names(dataset)
    where = f"column in {dataset.describe} named"
    no_header = next((note for note in dataset.notes if "no header line" in note), "")
    wanted = [*query.targets[:1]]
    features = query.clause(ast.Features)
    wanted += list(features.columns) if features is not None else []
    wanted += [name for clause in query.clauses_of(ast.Excluding) for name in clause.columns]
    for clause in query.clauses_of(ast.Knowing):
        wanted += [n for fact in clause.facts if isinstance(fact.body, ast.Trait) for n in fact.body.columns]
    for name in wanted:
        if name.text not in names:
            mistakes.unknown("E204", where, name.text, names, name.span, no_header)
    target = query.targets[0].text
    for name in features.columns if features is not None else ():
        if name.text == target:
            mistakes.add("E241", f"{target} is the target: it cannot be a feature", name.span, hint="leave it out here")
    for name in (n for clause in query.clauses_of(ast.Excluding) for n in clause.columns):
        if name.text == target:
            mistakes.add(
                "E241", f"{target} is the target: it is no feature to exclude", name.span, hint="leave it out here"
            )
    return target


def _as_features(by_kind: Mapping[Kind, list[ColumnProfile]]) -> Features:
    def names(*kinds: Kind) -> tuple[str, ...]:
        return tuple(c.name for kind in kinds for c in by_kind[kind])

    levels = sum(c.n_distinct for c in by_kind[Kind.CATEGORICAL])
    missing = any(c.n_missing for c in by_kind[Kind.NUMERIC])
    return Features(
        names(Kind.NUMERIC), names(Kind.CATEGORICAL), names(Kind.TEXT), names(Kind.DATETIME), int(levels), missing
    )


def _usable(column: ColumnProfile) -> Kind:
    """Return the branch of a column that was asked for although its kind is no feature by itself."""
    if column.kind in {Kind.IDENTIFIER, Kind.CONSTANT}:
        return Kind.CATEGORICAL if str(column.dtype) == "string" else Kind.NUMERIC
    return column.kind


def _names(dataset: Dataset) -> tuple[str, ...]:
    return tuple(dataset.schema.names)


def _word(name: str) -> str:
    return name if name.isidentifier() else quote(name)
