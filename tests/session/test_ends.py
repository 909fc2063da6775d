"""When a search ends, and what one trial may take of its time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mileage.engine import Executor, JobState, Limits, Outcome
from mileage.operators import StepSpec
from mileage.planner import BudgetPlan
from mileage.results import Trial
from mileage.session import Result, Session
from mileage.session.clock import Clock
from mileage.session.ends import why_ended
from mileage.session.trials import TrialLoop


def loop(**changed: Any) -> Any:
    """Return a search of 60 s whose best of 30 workflows, number 10, has an AUC of 0.9."""
    plan = SimpleNamespace(budget=BudgetPlan(seconds=60.0), requirements=(), task="binary", classes=("no", "yes"))
    usual = {
        "plan": plan,
        "best": Trial(10, (("model", (StepSpec("knn"),)),), scores={"roc_auc": (0.9, 0.9)}),
        "best_number": 10,
        "best_at_s": 5.0,
        "told": 30,
        "next_number": 31,
        "skips": 0,
        "beside": {},
        "metrics": ("roc_auc",),
        "objectives": (("roc_auc", True),),
        "clock": SimpleNamespace(elapsed_s=20.0),
        "strategy": SimpleNamespace(carries=False),
        "search_left_s": lambda: 30.0,
    }
    made = usual | changed
    made["begun"] = range(made["told"])
    made["done"] = {number: Trial(number, beside=made["beside"].get(number)) for number in made["begun"]}
    search = SimpleNamespace(**made)
    search.tried_since_best = lambda: TrialLoop.tried_since_best(search)
    return search


PERFECT = Trial(10, (("model", (StepSpec("knn"),)),), scores={"roc_auc": (1.0, 1.0)})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"search_left_s": lambda: 0.0}, "BUDGET of time"),
        ({"skips": 25}, "nothing else fits the rest of the budget"),
        ({"best": PERFECT}, "no roc_auc can be better"),
        ({"best": PERFECT, "told": 15}, ""),
        ({"best": PERFECT, "objectives": (("roc_auc", True), ("fit_time", False))}, ""),
        ({"told": 212}, "201 proposals brought nothing better, so the rest of the time is not expected to"),
        ({"told": 211}, ""),
        ({"told": 212, "beside": {100: 99}}, ""),
        ({"told": 212, "strategy": SimpleNamespace(carries=True)}, ""),
        ({"told": 400, "best_number": 150}, ""),
        ({"best": None, "told": 1000}, ""),
    ],
)
def test_a_search_ends_where_nothing_is_to_be_gained(changed: dict[str, Any], why: str) -> None:
    assert why_ended(loop(**changed)) == why


@pytest.mark.parametrize("budget", [BudgetPlan(trials=500), BudgetPlan(seconds=60.0, patience_trials=500)])
def test_who_says_how_many_gets_as_many(budget: BudgetPlan) -> None:
    made = loop(told=400, best=PERFECT)
    made.plan.budget = budget
    assert why_ended(made) == ""


@pytest.mark.parametrize(
    ("fit_s", "left_s", "limit_s"),
    [
        (0.1, 30.0, 12.0),  # 0.4 of the rest: what is quick by its forecast may take that much
        (2.0, 30.0, 30.0),  # 5 folds of 2 s, five times over, are more than the rest
        (0.9, 30.0, 22.5),
    ],
)
def test_a_trial_that_takes_many_times_its_forecast_leaves_time_for_others(
    fit_s: float, left_s: float, limit_s: float
) -> None:
    search = SimpleNamespace(
        limits=lambda: Limits(left_s),
        best=PERFECT,
        fixed=False,
        forecaster=SimpleNamespace(fit_s=lambda workflow: fit_s),
        data=SimpleNamespace(n_splits=5),
    )
    limits = TrialLoop._trial_limits(search, None)  # type: ignore[arg-type]
    assert limits.timeout_s == pytest.approx(limit_s)
    for changed in ({"best": None}, {"fixed": True}):
        free = SimpleNamespace(**{**vars(search), **changed})
        assert TrialLoop._trial_limits(free, None).timeout_s == left_s  # type: ignore[arg-type]


def test_the_constant_is_scored_though_another_trial_ends_the_time(
    session: Session, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, late = Executor.wait, list[bool]()

    def hasty(self: Executor, timeout_s: float = 3600.0) -> list[Outcome]:
        """Return that trial 1 ran out of time before anything else has ended."""
        if late:
            return wait(self, timeout_s)
        late.append(True)
        return [Outcome(2, "trial 1", JobState.TIMEOUT)]

    monkeypatch.setattr(Executor, "wait", hasty)
    left_s = Clock.left_s.fget
    monkeypatch.setattr(Clock, "left_s", property(lambda self: 0.0 if late else left_s(self)))
    answer = session.run(f"PREDICT y FROM '{csv}' BUDGET 60 s")
    assert isinstance(answer, Result)
    assert [t.model for t in answer.leaderboard.order] == ["dummy"]
