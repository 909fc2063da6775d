"""Columns of a query: the names it uses, what KNOWING says of them, and which of them are features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.data import ColumnProfile, Dataset, Kind, Profile
from mileage.language import ast
from mileage.language.printer_clauses import kind as format_kind
from mileage.planner.facts import facts
from mileage.planner.logical import Assumption
from mileage.planner.mistakes import Mistakes, spell
from mileage.workflow import Features


@dataclass(frozen=True, slots=True)
class Stated:
    """What KNOWING says of one column."""

    column: ast.Name
    kind: ast.Kind
    because: str | None = None

    @property
    def text(self) -> str:
        """The fact as the query writes it."""
        return f"{spell(self.column.text)} IS {format_kind(self.kind)}"


def stated_facts(query: ast.Predict) -> tuple[Stated, ...]:
    """Return what KNOWING says of columns that this version executes, in the order written."""
    return tuple(
        Stated(name, fact.body.kind, fact.because)
        for clause in query.clauses_of(ast.Knowing)
        for fact in clause.facts
        if isinstance(fact.body, ast.Trait) and fact.body.kind.name in facts
        for name in fact.body.columns
    )


def check_columns(query: ast.Predict, dataset: Dataset, mistakes: Mistakes) -> None:
    """Note every name that is no column of the data, and what is said of the target or against itself."""
    names = tuple(dataset.schema.names)
    where = f"column in {dataset.describe} named"
    for name in _names_used(query):
        if name.text not in names:
            mistakes.unknown("E204", where, name.text, names, name.span)
    _check_target(query, mistakes)
    _check_contradictions(query, mistakes)


def _names_used(query: ast.Predict) -> Iterator[ast.Name]:
    yield query.targets[0]
    for clause in query.clauses:
        if isinstance(clause, ast.Features | ast.Excluding):
            yield from clause.columns
        elif isinstance(clause, ast.Validate):
            yield from (*clause.together, *clause.stratified_by, *((clause.order_by,) if clause.order_by else ()))
        elif isinstance(clause, ast.Knowing):
            yield from (name for fact in clause.facts if isinstance(fact.body, ast.Trait) for name in fact.body.columns)


def _check_target(query: ast.Predict, mistakes: Mistakes) -> None:
    target = query.targets[0].text
    for clause in query.clauses:
        if isinstance(clause, ast.Features | ast.Excluding):
            for name in clause.columns:
                if name.text == target:
                    role = "a feature" if isinstance(clause, ast.Features) else "left out"
                    mistakes.add(
                        "E241", f"{target} is the target: it cannot be {role}", name.span, hint="take it from the list"
                    )
    for fact in stated_facts(query):
        if fact.column.text == target:
            hint = "its task is said after PREDICT: AS CLASSIFICATION or AS REGRESSION"
            mistakes.add(
                "E241", f"{target} is the target: KNOWING says what the other columns are", fact.column.span, hint=hint
            )


def _check_contradictions(query: ast.Predict, mistakes: Mistakes) -> None:
    written = query.clause(ast.Features)
    chosen = {name.text for name in written.columns} if written is not None else set()
    for clause in query.clauses_of(ast.Excluding):
        for name in clause.columns:
            if name.text in chosen:
                mistakes.add(
                    "E240",
                    f"contradiction: FEATURES and EXCLUDING both name {name.text}",
                    name.span,
                    hint="take it from one of the two",
                )
    said: dict[str, Stated] = {}
    for fact in stated_facts(query):
        before = said.setdefault(fact.column.text, fact)
        if before.kind != fact.kind:
            mistakes.add(
                "E240",
                f"contradiction: {before.text} and {fact.text}",
                fact.kind.span,
                hint="keep one of the two facts",
            )
        if fact.column.text in chosen and facts[fact.kind.name].drops is not None:
            mistakes.add(
                "E240",
                f"contradiction: FEATURES names {fact.column.text}, and {fact.text} leaves it out",
                fact.kind.span,
                hint="drop one of the two",
            )


@dataclass(frozen=True)
class Choice:
    """The feature columns, those left out with the reason, and what was assumed."""

    features: Features
    dropped: tuple[tuple[str, Reason], ...]
    assumptions: tuple[Assumption, ...]


class FeatureChooser:
    """Chooses the feature columns of a query and their branches."""

    def __init__(
        self, query: ast.Predict, profile: Profile, target: str, used: Mapping[str, str], mistakes: Mistakes
    ) -> None:
        written = query.clause(ast.Features)
        self.profile, self.target, self.used, self.mistakes = profile, target, used, mistakes
        self.chosen = {name.text: name.span for name in written.columns} if written is not None else None
        self.excluded = {n.text: n.span for clause in query.clauses_of(ast.Excluding) for n in clause.columns}
        self.stated = {fact.column.text: fact for fact in stated_facts(query)}
        self.assumptions: list[Assumption] = []

    def choose(self) -> Choice:
        """Return the choice; features may be empty."""
        by_kind: dict[Kind, list[ColumnProfile]] = {kind: [] for kind in Kind}
        dropped: dict[str, Reason] = {}
        for column in self.profile.columns:
            if column.name == self.target:
                continue
            reason = self._why_not(column)
            if reason is not None:
                dropped[column.name] = reason
            else:
                fact = self.stated.get(column.name)
                kind = facts[fact.kind.name].kind if fact is not None else None
                by_kind[kind or _usable(column)].append(column)
        return Choice(_as_features(by_kind), tuple(dropped.items()), tuple(self.assumptions))

    def _why_not(self, column: ColumnProfile) -> Reason | None:
        """Return why a column is no feature: what was written counts before what the data looks like."""
        name, fact = column.name, self.stated.get(column.name)
        if name in self.excluded:
            return Reason("EXCLUDING", "user", self.excluded[name])
        if self.chosen is not None and name not in self.chosen:
            return Reason("not in FEATURES", "user")
        drops = facts[fact.kind.name].drops if fact is not None else None
        if fact is not None and drops is not None:
            why = f", {fact.because}" if fact.because else ""
            return Reason(f"you said that it {drops}{why}", "user", fact.kind.span)
        if self.chosen is not None:
            return self._unreadable(column)
        if name in self.used:
            return Reason(self.used[name], "user")
        return None if fact is not None else self._by_looks(column)

    def _unreadable(self, column: ColumnProfile) -> Reason | None:
        if column.kind is not Kind.UNSUPPORTED:
            return None
        assert self.chosen is not None
        message = f"no operator reads the {column.dtype} values of {column.name}"
        self.mistakes.add(
            "E242", message, self.chosen[column.name], hint="make a number, a text or a date of it in FROM (SELECT ...)"
        )
        return Reason(message, "profile")

    def _by_looks(self, column: ColumnProfile) -> Reason | None:
        if column.kind is Kind.CONSTANT:
            return Reason(f"it has {', '.join(column.looks) or 'one value only'}", "profile")
        if column.kind is Kind.UNSUPPORTED:
            why = f"no operator reads its {_type(column)} values"
            self.assumptions.append(Assumption(f"{column.name} is left out: {why}", f"EXCLUDING {spell(column.name)}"))
            return Reason(why, "profile")
        if column.kind is Kind.IDENTIFIER:
            clause = f"KNOWING {spell(column.name)} IS IDENTIFIER"
            text = f"{column.name} looks like an identifier and is left out (FEATURES brings it back)"
            self.assumptions.append(Assumption(text, clause))
            return Reason("it looks like an identifier", "profile")
        return None


def _type(column: ColumnProfile) -> str:
    """The name of a type as the profile tells it: ``BIGINT[] values`` without its last word."""
    return (column.looks[0] if column.looks else str(column.dtype)).removesuffix(" values")


def _as_features(by_kind: Mapping[Kind, list[ColumnProfile]]) -> Features:
    def names(kind: Kind) -> tuple[str, ...]:
        return tuple(c.name for c in by_kind[kind])

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


def known_rows(facts_stated: Sequence[Stated], choice: Choice) -> tuple[tuple[str, str, Span | None], ...]:
    """Return for each fact what it does, as a reader sees it."""
    out = dict(choice.dropped)
    rows = []
    for fact in facts_stated:
        reason = out.get(fact.column.text)
        effect = facts[fact.kind.name].effect
        if reason is not None and facts[fact.kind.name].drops is None:
            effect = f"none: the column is left out ({reason.text})"
        text = fact.text + (f" BECAUSE '{fact.because}'" if fact.because else "")
        rows.append((text, effect, fact.kind.span))
    return tuple(rows)
