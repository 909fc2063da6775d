"""What runs teach: how configurations did on tables of a kind, to try first what did well on tables like yours.

A lesson holds sizes and shares of a table and the parameters and losses of the best configurations; no value, no name of a column
or class, no path. It stays in the catalog of its project until somebody exports it.

References
----------
Feurer, Springenberg and Hutter 2015, Initializing Bayesian hyperparameter optimization via meta-learning, AAAI 29.
Smith 1956, Various optimizers for single-stage production, Naval Research Logistics Quarterly 3: what is worth most a second comes first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from mileage.catalog.lessons import LessonRecord
from mileage.core.fingerprint import fingerprint
from mileage.core.reasons import Reason
from mileage.operators import StepSpec, operators
from mileage.results.encoding import value_from_json, value_to_json
from mileage.results.ranking import apart, different, ranked
from mileage.search import Known
from mileage.workflow import members_of

if TYPE_CHECKING:
    from mileage.planner import LogicalPlan
    from mileage.results import Trial

_FEWEST = 5  # scored configurations, of fewer there is nothing to learn
_BEST = 8  # configurations of a lesson besides what its answer was made of
_SAME, _LIKE = 0.15, 0.7  # how far a table may be to be nearly the same, and to be like another
_TABLES, _EACH = 3, 2  # so many like tables, and configurations of each
_MOST = 16  # configurations of all lessons together
_QUICK_S = 0.05  # of a fit: what takes less is not cheaper for that


@dataclass(frozen=True, slots=True)
class TableTraits:
    """What a table is like: sizes, and shares of its columns, cells and rows.

    Examples
    --------
    >>> small = TableTraits(n_rows=150, n_columns=4)
    >>> small.distance(small), round(small.distance(TableTraits(n_rows=1500, n_columns=4)), 2)
    (0.0, 0.5)
    """

    n_rows: int
    n_columns: int
    n_classes: int = 0
    categorical: float = 0.0
    text: float = 0.0
    datetime: float = 0.0
    missing: float = 0.0
    minority: float = 0.5

    def distance(self, other: TableTraits) -> float:
        """Return how unlike two tables are; ten times as many rows count as much as half of the columns being categorical."""
        parts = (
            0.5 * (math.log10(max(1, self.n_rows)) - math.log10(max(1, other.n_rows))),
            0.5 * (math.log10(max(1, self.n_columns)) - math.log10(max(1, other.n_columns))),
            0.5 * (math.log2(max(2, self.n_classes)) - math.log2(max(2, other.n_classes))),
            self.categorical - other.categorical,
            2.0 * (self.text - other.text),
            self.datetime - other.datetime,
            self.missing - other.missing,
            self.minority - other.minority,
        )
        return math.hypot(*parts)


def table_traits(plan: LogicalPlan) -> TableTraits:
    """Return what the table of a plan is like."""
    features, target, rows = plan.features, plan.target_profile, max(1, plan.setting.n_rows)
    names = features.names
    n = max(1, len(names))
    seen = [column for name in names if (column := plan.profile.find(name)) is not None]
    counts = target.counts if plan.task != "regression" else ()
    return TableTraits(
        n_rows=plan.setting.n_rows,
        n_columns=len(names),
        n_classes=len(counts),
        categorical=len(features.categorical) / n,
        text=len(features.text) / n,
        datetime=len(features.datetime) / n,
        missing=sum(column.n_missing for column in seen) / (rows * n),
        minority=min(counts) / max(1, sum(counts)) if counts else 0.5,
    )


def is_used(plan: LogicalPlan) -> bool:
    """Say whether a run learns and uses what was learned: a search by time, unless ``HINT (knowledge = off)``."""
    said = dict(plan.hints).get("knowledge", "on")
    return plan.budget.seconds is not None and str(said).lower() != "off" and plan.space.size() > 1


def lesson_of(plan: LogicalPlan, trials: Sequence[Trial]) -> LessonRecord | None:
    """Return what a finished search teaches; None if it scored too few configurations."""
    scored = [t for t in trials if t.state == "ok" and t.number > 0 and t.configuration and not _is_blend(t)]
    if len(scored) < _FEWEST:
        return None
    objective = plan.objectives[0]
    name = objective.call
    sign = -1.0 if objective.greater_is_better else 1.0
    first = (name, objective.greater_is_better)
    best = different(apart(ranked(scored, (first,))), _BEST)
    made_of = _made_of(trials, first)
    taught = [*best, *(t for t in scored if t.number in made_of and t not in best)]
    record = {
        "table": asdict(table_traits(plan)),
        "metric": name.partition("(")[0],  # its arguments may name a class
        "trials": [
            {
                "steps": _steps_to_json(t),
                "loss": sign * t.mean(name),
                "fit_s": t.fit_s,
                "weight": made_of.get(t.number, 0.0),
            }
            for t in taught
        ],
    }
    return LessonRecord(question_of(plan), plan.task, record)


def _made_of(trials: Iterable[Trial], objective: tuple[str, bool]) -> dict[int, float]:
    """Return the weights of the members of the answer, by number; that of the answer itself if it is no blend."""
    answer = ranked([t for t in trials if t.state == "ok" and t.number > 0 and t.configuration], (objective,))[0]
    return dict(members_of(answer.configuration)) or {answer.number: 1.0}


def question_of(plan: LogicalPlan) -> str:
    """Return what tells a question: data, target, features, metric, splits and seconds; its own lesson is never used for it."""
    asked = [str(plan.dataset.fingerprint), plan.target, list(plan.features.names), plan.objectives[0].call]
    return str(fingerprint([*asked, str(plan.validation), plan.budget.seconds]))


def known_for(plan: LogicalPlan, lessons: Iterable[LessonRecord]) -> tuple[Known, ...]:
    """Return configurations that did well on tables like the plan's, those of the most alike, and of these the newest, first."""
    mine, own = table_traits(plan), question_of(plan)
    near = sorted(
        (
            (mine.distance(table_traits_of(one.record["table"])), -one.learned, one.digest, one)
            for one in lessons
            if one.digest != own
        ),
        key=lambda found: found[:3],
    )
    found: list[Known] = []
    nearest = near[0][-1] if near else None
    for distance, _, _, lesson in [entry for entry in near if entry[0] <= _LIKE][:_TABLES]:
        same = distance <= _SAME
        words = "a table nearly the same" if same else "a table like this"
        why = Reason(f"did well on {words} ({_sizes(lesson.record['table'])})", "knowledge")
        trials = in_order(lesson.record["trials"])
        for trial in trials if same else trials[:_EACH]:
            wish = wish_of(trial["steps"])
            if wish is not None:
                found.append(Known(wish, why, trial.get("weight", 0.0) if same and lesson is nearest else 0.0))
    return tuple(found[:_MOST])


def in_order(trials: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the configurations of a lesson in the order in which they are worth trying again.

    First what its answer was made of: by weight a second, so that what is dear waits for what is cheap; then the others in the same way, each
    worth half of the one that did better.

    Examples
    --------
    >>> taught = [
    ...     {"loss": 0.1, "fit_s": 4.0, "weight": 0.5},
    ...     {"loss": 0.2, "fit_s": 0.1, "weight": 0.0},
    ...     {"loss": 0.3, "fit_s": 1.0, "weight": 0.5},
    ... ]
    >>> [trial["loss"] for trial in in_order(taught)]
    [0.3, 0.1, 0.2]
    >>> [trial["loss"] for trial in in_order([{**one, "weight": 0.0} for one in taught])]
    [0.2, 0.1, 0.3]
    """

    def order(of: tuple[int, Mapping[str, Any]]) -> tuple[bool, float]:
        place, trial = of
        weight = trial.get("weight", 0.0)
        return not weight, -(weight or 0.5**place) / max(_QUICK_S, trial["fit_s"] or 0.0)

    return [trial for _, trial in sorted(enumerate(trials), key=order)]


def _is_blend(trial: Trial) -> bool:
    return trial.workflow is not None and any(step.is_blend for step in trial.workflow.steps)


def _sizes(table: Mapping[str, Any]) -> str:
    return f"{table['n_rows']:,} x {table['n_columns']:,}"


def table_traits_of(data: Mapping[str, Any]) -> TableTraits:
    """Return the traits that a lesson holds; what this version does not know is left out."""
    known = {field.name for field in fields(TableTraits)}
    return TableTraits(**{name: value for name, value in data.items() if name in known})


def _steps_to_json(trial: Trial) -> dict[str, Any]:
    """Return the steps by slot; a slot with a chain of steps is left out, as its place in another space is not known."""
    return {
        slot: [specs[0].operator, {name: value_to_json(value) for name, value in specs[0].params}]
        for slot, specs in trial.configuration
        if len(specs) == 1
    }


def wish_of(steps: Mapping[str, Any]) -> dict[str, StepSpec] | None:
    """Return the steps of a lesson by slot; None if this version does not know one of their operators."""
    wish = {
        slot: StepSpec.of(name, **{key: value_from_json(value) for key, value in params.items()})
        for slot, (name, params) in steps.items()
    }
    return wish if all(operators.find(spec.operator) is not None for spec in wish.values()) else None
