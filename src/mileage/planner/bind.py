"""Resolve the names of a query against the data: the source, the target, the features, the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.data import (
    ColumnProfile,
    Database,
    Dataset,
    Kind,
    Profile,
    SourceSpec,
    SqlError,
    TargetProfile,
    canonical_sql,
    literal,
    profile,
    profile_target,
    quote,
)
from mileage.errors import DataError
from mileage.language import ast, format_node
from mileage.operators.metrics import default_metric, resolve_metric
from mileage.planner.budget import plan_budget
from mileage.planner.facts import facts
from mileage.planner.logical import Assumption, LogicalPlan, Objective
from mileage.planner.mistakes import Mistakes
from mileage.planner.notyet import refuse
from mileage.planner.slots import SpaceBuilder, SpaceSetting
from mileage.planner.validation import plan_validation
from mileage.workflow import Features, Setting


@dataclass
class _Bound:
    """What is known of the columns while binding goes on."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    dropped: dict[str, Reason] = field(default_factory=dict)
    assumptions: list[Assumption] = field(default_factory=list)


def bind(query: ast.Predict, database: Database, *, source: str = "") -> LogicalPlan:
    """Return the logical plan of a query.

    Parameters
    ----------
    query : Predict
    database : Database
        Finds tables, files and frames.
    source : str
        The query's text, for the excerpts of error messages.

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
    mistakes.stop_if_any()
    dataset = with_facts(query, dataset, database, mistakes)
    mistakes.stop_if_any()
    seen = profile(dataset)
    return _Binder(query, database, dataset, seen, target, mistakes).plan()


class _Binder:
    def __init__(
        self, query: ast.Predict, database: Database, dataset: Dataset, seen: Profile, target: str, mistakes: Mistakes
    ) -> None:
        self.query, self.database, self.dataset, self.profile = query, database, dataset, seen
        self.target, self.mistakes, self.bound = target, mistakes, _Bound()

    def plan(self) -> LogicalPlan:
        target_profile = self._target()
        seed_clause, return_clause, named = (self.query.clause(c) for c in (ast.Seed, ast.Return, ast.Named))
        seed = seed_clause.value if isinstance(seed_clause, ast.Seed) else 0
        validation, assumed = plan_validation(self.query, self.profile, target_profile, seed, self.mistakes)
        self.bound.assumptions += assumed
        used = {*validation.groups, *([validation.order_by] if validation.order_by else [])}
        features = self._features(used)
        objectives = self._objectives(target_profile.task, target_profile.classes)
        self._say_positive(target_profile, objectives)
        n_rows = self.profile.n_rows - target_profile.n_missing
        setting = Setting(target_profile.task, n_rows, max(2, len(target_profile.classes)), seed)
        space = SpaceBuilder(self.query, SpaceSetting(setting.task, features, n_rows), self.mistakes).build()
        budget, assumed = plan_budget(self.query, setting.task, self.mistakes, single=space.size() == 1)
        self.bound.assumptions += assumed
        test = self._test_data()
        hints = _hints(self.query, self.mistakes)
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
            n_results=return_clause.n if isinstance(return_clause, ast.Return) else 5,
            diverse=isinstance(return_clause, ast.Return) and return_clause.diverse,
            seed=seed,
            name=named.name.text if isinstance(named, ast.Named) else None,
            test=test,
            hints=hints,
            dropped=tuple(self.bound.dropped.items()),
            assumptions=tuple(self.bound.assumptions),
        )

    def _target(self) -> TargetProfile:
        """Infer the task from the target column, or check the one written."""
        written = self.query.task.name if self.query.task is not None else None
        found = profile_target(self.dataset, self.target, written)
        if written is None:
            word = "REGRESSION" if found.task == "regression" else "CLASSIFICATION"
            self.bound.assumptions.append(
                Assumption(f"{self.target} is predicted as {found.task}: {found.reason}", f"AS {word}")
            )
        return found

    def _say_positive(self, found: TargetProfile, objectives: tuple[Objective, ...]) -> None:
        """State which class is called positive, and how a metric that depends on it would name it."""
        if found.task != "binary" or found.positive is None:
            return
        call = objectives[0].call if objectives else ""
        named = f"OPTIMIZE {call}({literal(found.positive)})"
        clause = (
            named if call in {"roc_auc", "auc", "average_precision", "precision", "recall", "f1", "jaccard"} else ""
        )
        self.bound.assumptions.append(Assumption(f"'{found.positive}' is the positive class", clause))

    def _features(self, used: set[str]) -> Features:
        """Choose the feature columns and their branches; what is left out is left out with a reason."""
        written = self.query.clause(ast.Features)
        chosen = {name.text for name in written.columns} if written is not None else None
        excluded = {n.text: n.span for clause in self.query.clauses_of(ast.Excluding) for n in clause.columns}
        stated = _stated(self.query)
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
            raise DataError(
                "no column is left to predict from",
                code="D430",
                hint="see `EXPLAIN DATA`; name columns in FEATURES (...)",
            )
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
            return Reason("it has one value only", "profile")
        if column.kind is Kind.UNSUPPORTED:
            return Reason(f"no operator reads {column.dtype} values", "profile")
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

    def _test_data(self) -> Dataset | None:
        clause = self.query.clause(ast.Validate)
        if clause is None or not isinstance(clause.method, ast.On):
            return None
        test = bind_from(clause.method.source, self.database, self.mistakes, clause.span)
        if test is not None:
            missing = [name for name in (self.target, *_names(self.dataset)) if name not in _names(test)]
            missing = [name for name in missing if name not in self.bound.dropped]
            if missing:
                self.mistakes.add("E204", f"the table of VALIDATE ON has no column '{missing[0]}'", clause.span)
        return test


def bind_source(query: ast.Predict, database: Database, mistakes: Mistakes) -> Dataset | None:
    """Return the dataset of FROM, or note why there is none."""
    clause = query.clause(ast.From)
    if clause is None:
        mistakes.add(
            "E203", "PREDICT says no data", query.span, hint="add FROM 'file.csv', FROM table or FROM (SELECT ...)"
        )
        return None
    return bind_from(clause.source, database, mistakes, clause.span)


def bind_from(source: ast.Source, database: Database, mistakes: Mistakes, span: Span | None) -> Dataset | None:
    """Return the dataset of a source; SQL mistakes are put at their place in the query's text."""
    try:
        return database.bind(source_spec(source))
    except SqlError as error:
        if isinstance(source, ast.SqlSource) and source.sql.span is not None:
            span = _sql_span(source.sql, error.position)
        mistakes.add("E210", error.message, span, hint=error.hint)
    except DataError as error:
        mistakes.add(
            error.code if error.code.startswith("D") else "E202", error.message, source.span or span, hint=error.hint
        )
    return None


def source_spec(source: ast.Source) -> SourceSpec:
    """Return what the data layer reads for a source of the language."""
    if isinstance(source, ast.FileSource):
        return SourceSpec("file", source.path)
    if isinstance(source, ast.TableSource):
        return SourceSpec("table", source.name.text)
    if isinstance(source, ast.FrameSource):
        return SourceSpec("frame", source.name)
    return SourceSpec("sql", source.sql.text)


def with_facts(query: ast.Predict, dataset: Dataset, database: Database, mistakes: Mistakes) -> Dataset:
    """Return the dataset with columns rewritten that a fact gives an order or calls numbers."""
    replaced = []
    for name, kind in _stated(query).items():
        column = dataset.schema.find(name)
        if column is None:
            continue
        if kind.name == "ordinal":
            levels = [str(ast.plain(v)) for v in kind.values]
            whens = " ".join(f"WHEN {_literal(level)} THEN {i}" for i, level in enumerate(levels))
            replaced.append(f"CASE CAST({quote(name)} AS VARCHAR) {whens} END::DOUBLE AS {quote(name)}")
        elif kind.name == "numeric" and column.sql_type == "VARCHAR":
            replaced.append(f"{canonical_sql(column, Kind.NUMERIC)} AS {quote(name)}")
    if not replaced:
        return dataset
    spec = SourceSpec("sql", f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({dataset.relation_sql})")
    try:
        return database.bind(spec)
    except SqlError as error:
        mistakes.add("E210", error.message, query.span)
        return dataset


def _check_columns(query: ast.Predict, dataset: Dataset, mistakes: Mistakes) -> str:
    names = _names(dataset)
    where = f"column in {dataset.describe} named"
    wanted = [*query.targets[:1]]
    features = query.clause(ast.Features)
    wanted += list(features.columns) if features is not None else []
    wanted += [name for clause in query.clauses_of(ast.Excluding) for name in clause.columns]
    for clause in query.clauses_of(ast.Knowing):
        wanted += [n for fact in clause.facts if isinstance(fact.body, ast.Trait) for n in fact.body.columns]
    for name in wanted:
        if name.text not in names:
            mistakes.unknown("E204", where, name.text, names, name.span)
    target = query.targets[0]
    if features is not None and target.text in {name.text for name in features.columns}:
        mistakes.add("E241", f"{target.text} is the target: it cannot be a feature", target.span)
    return target.text


def _stated(query: ast.Predict) -> dict[str, ast.Kind]:
    """Return what KNOWING says of columns that this version executes."""
    stated: dict[str, ast.Kind] = {}
    for clause in query.clauses_of(ast.Knowing):
        for fact in clause.facts:
            if isinstance(fact.body, ast.Trait) and fact.body.kind.name in facts and fact.belief != "maybe":
                stated |= {name.text: fact.body.kind for name in fact.body.columns}
    return stated


def _as_features(by_kind: Mapping[Kind, list[ColumnProfile]]) -> Features:
    def names(*kinds: Kind) -> tuple[str, ...]:
        return tuple(c.name for kind in kinds for c in by_kind[kind])

    levels = sum(c.n_distinct for c in by_kind[Kind.CATEGORICAL])
    missing = any(c.n_missing for c in by_kind[Kind.NUMERIC])
    negative = any(not isinstance(c.min, int | float) or c.min < 0 for c in by_kind[Kind.NUMERIC])
    return Features(
        names(Kind.NUMERIC),
        names(Kind.CATEGORICAL),
        names(Kind.TEXT),
        names(Kind.DATETIME),
        int(levels),
        missing,
        negative or bool(by_kind[Kind.DATETIME]),
    )


def _usable(column: ColumnProfile) -> Kind:
    """Return the branch of a column that was asked for although its kind is no feature by itself."""
    if column.kind in {Kind.IDENTIFIER, Kind.CONSTANT}:
        return Kind.CATEGORICAL if str(column.dtype) == "string" else Kind.NUMERIC
    return column.kind


_HINTS = {"backend": str, "workers": int, "off": str, "strategy": str}


def _hints(query: ast.Predict, mistakes: Mistakes) -> tuple[tuple[str, object], ...]:
    found: list[tuple[str, object]] = []
    for clause in query.clauses_of(ast.Hint):
        for option in clause.options:
            if option.name not in _HINTS:
                mistakes.unknown("E215", "hint", str(option.name), _HINTS, option.span)
            elif option.value is not None:
                found.append((option.name, ast.plain(option.value)))
    return tuple(found)


def _sql_span(sql: ast.Sql, position: int | None) -> Span | None:
    if sql.span is None or position is None:
        return sql.span
    start = sql.span.start + position
    rest = sql.text[position:]
    width = next((i for i, ch in enumerate(rest) if not (ch.isalnum() or ch in '_."')), len(rest)) or 1
    return Span(start, start + width)


def _names(dataset: Dataset) -> tuple[str, ...]:
    return tuple(dataset.schema.names)


def _word(name: str) -> str:
    return name if name.isidentifier() else quote(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
