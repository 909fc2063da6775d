"""Resolve the names of a query against the data: the source, the target, the features, the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mileage.core.near import near_matches
from mileage.data import Database, Dataset, Profile, TargetProfile, profile, profile_target
from mileage.errors import DataError
from mileage.language import ast
from mileage.planner.budget import BudgetReader, seconds_of
from mileage.planner.columns import Choice, FeatureChooser, check_columns, known_rows, stated_facts
from mileage.planner.logical import Assumption, LogicalPlan
from mileage.planner.losses import losses_of
from mileage.planner.mistakes import Mistakes
from mileage.planner.newdata import as_stated, check_test_target, check_types
from mileage.planner.notyet import refuse
from mileage.planner.objectives import plan_objectives
from mileage.planner.requirements import plan_requirements
from mileage.planner.rewriting import with_facts
from mileage.planner.sample import with_room
from mileage.planner.settings import Settings, plan_settings
from mileage.planner.slots import SpaceBuilder, SpaceSetting, check_space
from mileage.planner.sources import bind_from, bind_source
from mileage.planner.validation import SplitSetting, check_validation, confirmation, plan_validation
from mileage.workflow import Setting


def bind(
    query: ast.Predict,
    database: Database,
    *,
    source: str = "",
    look: Callable[[Dataset], Profile] = profile,
) -> LogicalPlan:
    """Return the logical plan of a query.

    Parameters
    ----------
    query : Predict
    database : Database
        Finds tables, files and frames.
    source : str
        The query's text, for the excerpts of error messages.
    look : callable, optional
        Returns the profile of the data; one that remembers, or one that reads the data by default.

    Raises
    ------
    BindError, NotYetError
        All mistakes of the query together.
    DataError
        If the data cannot be read or cannot answer the question, and nothing else is wrong.
    """
    mistakes = Mistakes(source)
    refuse(query, mistakes)
    settings = plan_settings(query, mistakes)
    dataset = bind_source(query, database, mistakes)
    if dataset is not None:
        check_columns(query, dataset, mistakes)
    binder, plan = _Binder(query, database, settings, mistakes, look), None
    if dataset is not None and dataset.schema.find(query.targets[0].text) is not None:
        plan = binder.plan(dataset)
    else:
        binder.check_without_data()
    mistakes.stop_if_any()
    assert plan is not None
    return plan


_LARGEST_TARGET = 1e150
_EXECUTED = frozenset({"classification", "regression"})


class _Binder:
    """Binds one query; mistakes are noted, and what does not depend on them is checked all the same."""

    def __init__(
        self,
        query: ast.Predict,
        database: Database,
        settings: Settings,
        mistakes: Mistakes,
        look: Callable[[Dataset], Profile],
    ) -> None:
        self.query, self.database, self.settings, self.mistakes = query, database, settings, mistakes
        self.look = look
        self.target = query.targets[0].text
        self.assumptions: list[Assumption] = []

    def check_without_data(self) -> None:
        """Note the mistakes that can be seen without the data: names of slots, operators, metrics, limits."""
        clause = self.query.clause(ast.Validate)
        if clause is not None:
            check_validation(clause, self.target, self.mistakes)
            if isinstance(clause.method, ast.On):
                bind_from(clause.method.source, self.database, self.mistakes, clause.span)
        plan_objectives(self.query, None, (), self.mistakes)
        plan_requirements(self.query, None, (), self.mistakes)
        check_space(self.query, self.mistakes)
        BudgetReader(None, (), self.mistakes).read(self.query, single=True)

    def plan(self, dataset: Dataset) -> LogicalPlan | None:
        """Return the plan, or None if the data cannot say what the rest depends on."""
        stated = stated_facts(self.query)
        dataset, assumed = with_facts(dataset, stated, self.mistakes)
        self.assumptions += assumed
        room = with_room(dataset, self.query, dict(self.settings.hints))
        dataset = room.searched
        self.assumptions += room.assumptions
        try:
            seen = self.look(dataset)
            target = self._target(dataset)
            refuse_target(self.target, target, seen)
        except DataError as error:
            self.mistakes.tell_data(error, self.query.targets[0].span)
            self.check_without_data()
            return None
        plan = self._plan(dataset, seen, target)
        return replace(plan, larger=room.larger) if plan is not None else None

    def _plan(self, dataset: Dataset, seen: Profile, target: TargetProfile) -> LogicalPlan | None:
        split_setting = SplitSetting(dataset, seen, self.target, target, self.settings.seed, seconds_of(self.query))
        validation, assumed = plan_validation(self.query, split_setting, self.mistakes)
        self.assumptions += assumed
        used = dict.fromkeys(validation.groups, "it keeps rows together")
        used |= {validation.order_by: "it puts the rows in order"} if validation.order_by else {}
        choice = self._features(seen, used)
        classes = _classes(target)
        objectives, assumed = plan_objectives(self.query, target.task, classes, self.mistakes)
        self.assumptions += assumed
        n_rows = split_setting.n_rows
        space_setting = SpaceSetting(target.task, choice.features, n_rows, losses_of(target, objectives))
        builder = SpaceBuilder(self.query, space_setting, self.mistakes)
        space = builder.build()
        self.assumptions += builder.assumptions
        reader = BudgetReader(target.task, classes, self.mistakes)
        budget, assumed = reader.read(self.query, single=space.size() == 1)
        self.assumptions += assumed
        self._check_workers(budget.cores)
        test = self._test_data(dataset, choice, target)
        if self.mistakes.found:
            return None
        return LogicalPlan(
            query=self.query,
            dataset=dataset,
            profile=seen,
            target=self.target,
            target_profile=target,
            features=choice.features,
            setting=Setting(target.task, n_rows, max(2, len(target.classes)), self.settings.seed),
            validation=validation,
            confirmation=confirmation(self.query, validation, n_rows),
            objectives=objectives,
            space=space,
            budget=budget,
            requirements=plan_requirements(self.query, target.task, classes, self.mistakes),
            n_results=self.settings.n_results,
            diverse=self.settings.diverse,
            seed=self.settings.seed,
            name=self.settings.name,
            test=test,
            hints=self.settings.hints,
            dropped=choice.dropped,
            known=tuple((text, effect) for text, effect, _ in known_rows(stated_facts(self.query), choice)),
            assumptions=tuple(self.assumptions),
        )

    def _target(self, dataset: Dataset) -> TargetProfile:
        """Infer the task from the target column, or check the one written."""
        written = self.query.task.name if self.query.task is not None else None
        found = profile_target(dataset, self.target, written if written in _EXECUTED else None)
        if written is None:
            word = "REGRESSION" if found.task == "regression" else "CLASSIFICATION"
            text = f"{self.target} is predicted as {found.task}: {found.reason}"
            self.assumptions.append(Assumption(text, f"AS {word}"))
        positive = self._positive(found)
        if positive is not None:
            return replace(found, positive=positive)
        if found.task == "binary":
            clause = f"AS CLASSIFICATION (positive = '{found.positive}')"
            self.assumptions.append(Assumption(f"'{found.positive}' is the positive class", clause))
        return found

    def _positive(self, found: TargetProfile) -> str | None:
        """Return the positive class that ``AS CLASSIFICATION (positive = ...)`` names; note any other option."""
        chosen = None
        written = self.query.task if self.query.task is not None and self.query.task.name in _EXECUTED else None
        options, word = ((), "") if written is None else (written.options, written.name.upper())
        for option in options:
            name = str(option.name)
            if option.name != "positive" or found.task == "regression":
                what = "options" if found.task == "regression" else "the option positive, for two classes"
                near = near_matches(name, ["positive"]) if found.task != "regression" else ()
                span = self.mistakes.at_name(option.span, name) if near else option.span
                message = f"no option '{name}' of AS {word}"
                self.mistakes.add(
                    "E219",
                    message,
                    span,
                    fix=near[0] if near else None,
                    hint=f"it has {'no ' if found.task == 'regression' else ''}{what}",
                )
            elif found.task != "binary":
                message = f"{self.target} has {len(found.classes)} classes: none of them is the positive one"
                self.mistakes.add("E219", message, option.span, hint="name the class in the metric: recall('class')")
            elif str(ast.plain(option.value or "")) not in found.classes:
                known = " and ".join(f"'{c}'" for c in found.classes)
                message = f"{self.target} has no class '{ast.plain(option.value or '')}'"
                self.mistakes.add("E219", message, option.span, hint=f"its classes are {known}")
            else:
                chosen = str(ast.plain(option.value or ""))
        return chosen

    def _features(self, seen: Profile, used: dict[str, str]) -> Choice:
        choice = FeatureChooser(self.query, seen, self.target, used, self.mistakes).choose()
        self.assumptions += choice.assumptions
        if not choice.features.names and not self.mistakes.found:
            left = [f"{name}: {reason.text}" for name, reason in choice.dropped[:5]]
            hint = f"left out are {', '.join(left)}" if left else "the target is the only column"
            error = DataError("no column is left to predict from", code="D430", hint=hint)
            self.mistakes.tell_data(error, self.query.span)
        return choice

    def _check_workers(self, cores: int | None) -> None:
        workers = dict(self.settings.hints).get("workers")
        if cores is not None and isinstance(workers, int) and workers > cores:
            clause = self.query.clause(ast.Hint)
            message = f"contradiction: HINT (workers = {workers}) and a BUDGET of {cores} cores"
            self.mistakes.add("E240", message, clause.span if clause else None, hint="change one of the two")

    def _test_data(self, dataset: Dataset, choice: Choice, target: TargetProfile) -> Dataset | None:
        clause = self.query.clause(ast.Validate)
        if clause is None or not isinstance(clause.method, ast.On):
            return None
        test = bind_from(clause.method.source, self.database, self.mistakes, clause.span)
        if test is None:
            return None
        wanted = (self.target, *choice.features.names)
        missing = [name for name in wanted if test.schema.find(name) is None]
        if missing:
            listed = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            message = f"{test.describe} of VALIDATE ON has no column {listed}"
            self.mistakes.add("E204", message, clause.span, hint=f"it needs the columns of {dataset.describe}")
            return None
        test = as_stated(self.query, test, self.mistakes)
        try:
            check_types(dataset, choice.features, test)
            check_test_target(self.target, target, test)
        except DataError as error:
            self.mistakes.tell_data(error, clause.method.source.span or clause.span)
        if test.fingerprint == dataset.fingerprint:
            text = f"the scores are of the rows that were learned from: {test.describe} of VALIDATE ON is the training data itself"
            self.assumptions.append(Assumption(text, "VALIDATE BY 5 FOLDS"))
        return test


def refuse_target(name: str, target: TargetProfile, seen: Profile) -> None:
    """Refuse a target that no split can both teach and score, or whose errors overflow.

    Raises
    ------
    DataError
        If one of two classes has a single row, or squares of a number's errors overflow.
    """
    if target.task == "binary" and min(target.counts) < 2:
        rare = target.classes[target.counts.index(min(target.counts))]
        raise DataError(
            f"class '{rare}' of {name} has one row: it can be learned or scored, not both",
            code="D433",
            hint="give two rows or more of each class, or predict another column",
        )
    column = seen.find(name)
    ends = [abs(end) for end in (column.min, column.max) if isinstance(end, int | float)] if column else []
    if target.task == "regression" and any(end > _LARGEST_TARGET for end in ends):
        raise DataError(
            f"the target {name} has values up to {max(ends):.0e}: the squares of errors overflow",
            code="D434",
            hint="divide it in FROM (SELECT ...), or predict its logarithm",
        )


def _classes(target: TargetProfile) -> tuple[str, ...]:
    """Return the classes as the plan orders them: the positive one last."""
    if target.positive is None or target.task != "binary":
        return tuple(target.classes)
    return (*[c for c in target.classes if c != target.positive], target.positive)
