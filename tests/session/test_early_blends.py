"""A search that begins with what is known to do well blends it as soon as it is scored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.core.reasons import Reason
from mileage.engine import Executor
from mileage.results import Trial
from mileage.session import Result, Session, ends
from mileage.session.early_blends import EarlyBlends
from mileage.workflow import members_of

QUERY = (
    "PREDICT y FROM :df{} VALIDATE BY 3 FOLDS BUDGET {} "
    "WITHOUT lightgbm, hist_gbm, random_forest, extra_trees, mlp, catboost, xgboost, ebm, svm"
)
EARLY = "of what was known"


def answer(session: Session, budget: str, *, excluding: str = "", regression: bool = False) -> list[Trial]:
    """Return the trials of the query, by number."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(160, 4))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(0, 0.8, 160)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=y if regression else np.where(y > 0, "yes", "no"))
    found = session.run(QUERY.format(excluding, budget), frames={"df": frame})
    assert isinstance(found, Result)
    return sorted(found.leaderboard.trials, key=lambda t: t.number)


def blends(trials: list[Trial]) -> list[Trial]:
    """Return the blends that have a score."""
    return [t for t in trials if members_of(t.configuration) and t.state == "ok"]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a session whose searches end soon, and of each plan for a blend what it computes."""
    monkeypatch.setattr(ends, "_STALE", 8)
    monkeypatch.setattr(ends, "_TIMES", 0)
    computed: list[set[str]] = []
    submit = Executor.submit

    def watched(self: Executor, plan: Any, *args: Any, label: str = "", **options: Any) -> int:
        if "blend" in label:
            computed.append({str(p.task.kind) for p in plan if p.action == "compute"})
        return submit(self, plan, *args, label=label, **options)

    monkeypatch.setattr(Executor, "submit", watched)
    with mileage.connect(tmp_path, backend="inline") as session:
        yield session, computed


def test_it_comes_before_the_search_ends_and_fits_nothing(session: Any) -> None:
    session, computed = session
    first = answer(session, "100 s")
    assert not any(EARLY in str(t.reason) for t in first)
    for budget, excluding in (("200 s", ""), ("100 s", " EXCLUDING d")):
        computed.clear()
        again = answer(session, budget, excluding=excluding)
        assert [t.number for t in again] == list(range(len(again)))
        early = next(t for t in blends(again) if EARLY in str(t.reason))
        if excluding:
            assert early.number < max(t.number for t in again if not members_of(t.configuration))
        else:
            assert early.scores == blends(first)[-1].scores
        assert all(number < early.number for number, _ in members_of(early.configuration))
        assert computed
        assert not {"fit", "together", "predict"} & computed[0]


def test_what_is_scored_from_sums_predicts_where_it_is_known(session: Any) -> None:
    session, computed = session
    only_linear = " WITHOUT knn, decision_tree, svm_linear"
    answer(session, "100 s" + only_linear, regression=True)
    computed.clear()
    answer(session, "100 s" + only_linear, excluding=" EXCLUDING d", regression=True)
    assert computed
    assert not {"fit", "together", "predict"} & computed[0]


def test_each_is_better_than_those_before(session: Any) -> None:
    session, _ = session
    answer(session, "100 s")
    again = answer(session, "100 s", excluding=" EXCLUDING d")
    early = [t.mean("roc_auc") for t in blends(again) if EARLY in str(t.reason)]
    assert early == sorted(set(early))
    configurations = [t.configuration for t in blends(again)]
    assert len(set(configurations)) == len(configurations)


def test_there_is_none_where_the_query_wants_none(session: Any) -> None:
    session, computed = session
    answer(session, "100 s")
    computed.clear()
    for also in (" WITHOUT blend", " HINT (knowledge = off)"):
        again = answer(session, "200 s" + also)
        assert not any(EARLY in str(t.reason) or EARLY in t.describe for t in again)


# --- without a search -------------------------------------------------------------------------------------------------


def loop(*done: int) -> Any:
    """Return a search of which some trials have ended, each without a score."""
    made = SimpleNamespace(
        done={n: Trial(n, state="failed") for n in done}, next_number=5, trials=[], objectives=(("rmse", False),)
    )
    made.carried = ()
    made.eligible, made.search_left_s = list, lambda: 1.0
    made.finish_trial = lambda one: made.done.update({one.number: one})
    return made


def proposal(origin: str) -> Any:
    """Return a proposal with a reason of some origin."""
    return SimpleNamespace(reason=Reason("did well", origin))


def test_it_takes_the_next_number_after_some_known_proposals_and_waits_for_all_before() -> None:
    early, search = EarlyBlends(makes=True, is_near=True), loop(0, 1, 2, 4)
    early.note(search, proposal("knowledge"), carried=False)
    early.note(search, proposal("strategy"), carried=False)
    assert search.next_number == 5
    early.note(search, proposal("knowledge"), carried=False)
    assert (search.next_number, early.waiting) == (6, [5])
    early.go_on(search)
    assert 5 not in search.done
    search.done[3] = Trial(3, state="failed")
    early.go_on(search)
    assert search.done[5].error == "too few of its members have a score"


def test_what_is_carried_is_blended_once_all_has_begun() -> None:
    early, search = EarlyBlends(makes=True, is_near=False), loop(0, 1, 2, 3)
    for _ in range(3):
        early.note(search, proposal("strategy"), carried=True)
    assert not early.waiting
    early.note_carried(search)
    early.note_carried(search)
    assert early.waiting == [5]


def test_a_number_always_has_a_trial() -> None:
    early, search = EarlyBlends(makes=True, is_near=False, n_carried=2), loop()
    early.note_carried(search)
    early.end(search)
    assert (search.done[5].state, search.done[5].error) == ("skipped", "the budget ended before it was scored")


@pytest.mark.parametrize(("makes", "is_near"), [(True, False), (False, True)])
def test_there_is_none_of_tables_only_alike_or_where_none_are_made(makes: bool, is_near: bool) -> None:
    early, search = EarlyBlends(makes, is_near), loop()
    for _ in range(2):
        early.note(search, proposal("knowledge"), carried=False)
    early.n_carried = 2 if not makes else 0
    early.note_carried(search)
    assert not early.numbers
