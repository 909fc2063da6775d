"""The same question with another budget goes on from what its earlier run has tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.results import Trial
from mileage.session import Result, Session, ends

QUERY = "PREDICT y FROM :df VALIDATE BY 3 FOLDS WITH model = logistic | knn | gaussian_nb BUDGET {} WITHOUT blend"
BEFORE = "tried before; scored again"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Return a session whose searches end after a few proposals that bring nothing better."""
    monkeypatch.setattr(ends, "_STALE", 3)
    monkeypatch.setattr(ends, "_TIMES", 0)
    with mileage.connect(tmp_path, backend="inline") as session:
        yield session


def trials(session: Session, budget: str, *, n: int = 120, also: str = "") -> list[Trial]:
    """Return the trials of the query with a score, by number."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = np.where(X[:, 0] + rng.normal(0, 0.7, n) > 0, "yes", "no")
    found = session.run(QUERY.format(budget) + also, frames={"df": pd.DataFrame(X, columns=list("abc")).assign(y=y)})
    assert isinstance(found, Result)
    return sorted((t for t in found.leaderboard.trials if t.number and t.state == "ok"), key=lambda t: t.number)


def is_known(trial: Trial) -> bool:
    """Say whether a trial is one of an earlier run."""
    return trial.reason is not None and trial.reason.text == BEFORE


def test_a_longer_budget_scores_again_what_a_shorter_one_has_tried_and_goes_on(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trials(session, "50 s")
    assert not any(map(is_known, first))
    monkeypatch.setattr(ends, "_STALE", 6)
    then = trials(session, "100 s")
    again = [t for t in then if is_known(t)]
    assert [t.configuration for t in again] == [t.configuration for t in first]
    assert [t.scores for t in again] == [t.scores for t in first]
    assert [t.fit_s for t in again] == [t.fit_s for t in first]
    assert len(then) > len(again)


def test_those_that_one_fit_served_stay_together(session: Session) -> None:
    def heads(some: list[Trial]) -> list[int]:
        places = {t.number: place for place, t in enumerate(some)}
        return [places[t.number if t.beside is None else t.beside] for t in some]

    first = trials(session, "50 s")
    assert any(t.beside is not None for t in first)
    again = [t for t in trials(session, "100 s") if is_known(t)]
    assert heads(again) == heads(first)


def test_the_very_same_query_tries_the_same_again(session: Session) -> None:
    first = trials(session, "50 s")
    again = trials(session, "50 s")
    assert not any(map(is_known, again))
    n = min(len(first), len(again))
    assert [t.configuration for t in again[:n]] == [t.configuration for t in first[:n]]


def test_it_is_off_where_trials_count_times_are_bounded_rows_differ_or_the_query_says_so(session: Session) -> None:
    trials(session, "50 s")
    trials(session, "50 s", also=" REQUIRE fit_time <= 50 s")
    assert not any(map(is_known, trials(session, "100 s", also=" REQUIRE fit_time <= 50 s")))
    assert not any(map(is_known, trials(session, "100 s, 9 trials")))
    assert not any(map(is_known, trials(session, "100 s", n=130)))
    assert not any(map(is_known, trials(session, "100 s", also=" HINT (knowledge = off)")))


def test_a_recorded_text_that_is_no_query_any_more_is_passed_over(session: Session) -> None:
    first = trials(session, "50 s")
    catalog = session.catalog
    old = catalog.add_query("PREDICT y FROM nothing WITH A WORD OF LONG AGO", "5eed")
    run = catalog.start_run(old.id, data_fingerprint=catalog.runs()[0].data_fingerprint)
    for number in range(len(first) + 99):  # so it has tried most
        catalog.record_trial(run, Trial(number))
    assert any(map(is_known, trials(session, "100 s")))
