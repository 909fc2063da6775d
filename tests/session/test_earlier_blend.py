"""A search that begins with what an earlier answer was made of has that blend as soon as its members are scored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.engine import Executor
from mileage.operators import StepSpec
from mileage.results import Trial
from mileage.session import Result, Session, ends
from mileage.session.earlier_blend import EarlierBlend, weights_before
from mileage.space import Configuration, SearchSpace
from mileage.workflow import members_of

QUERY = (
    "PREDICT y FROM :df{} VALIDATE BY 3 FOLDS BUDGET {} "
    "WITHOUT lightgbm, hist_gbm, random_forest, extra_trees, mlp, catboost, xgboost, ebm, svm"
)


def answer(session: Session, budget: str, *, excluding: str = "") -> list[Trial]:
    """Return the trials of the query, by number."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(160, 4))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(0, 0.8, 160)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=np.where(y > 0, "yes", "no"))
    found = session.run(QUERY.format(excluding, budget), frames={"df": frame})
    assert isinstance(found, Result)
    return sorted(found.leaderboard.trials, key=lambda t: t.number)


def blends(trials: list[Trial]) -> list[Trial]:
    """Return the blends."""
    return [t for t in trials if members_of(t.configuration)]


def test_it_comes_before_the_search_ends_and_fits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "_STALE", 8)
    monkeypatch.setattr(ends, "_TIMES", 0)
    kinds: list[set[str]] = []
    submit = Executor.submit

    def watched(self: Executor, plan: Any, *args: Any, label: str = "", **options: Any) -> int:
        if label == "a blend":
            kinds.append({str(p.task.kind) for p in plan if p.action == "compute"})
        return submit(self, plan, *args, label=label, **options)

    monkeypatch.setattr(Executor, "submit", watched)
    with mileage.connect(tmp_path, backend="inline") as session:
        (made,) = blends(answer(session, "100 s"))
        for budget, excluding in (("200 s", ""), ("100 s", " EXCLUDING d")):
            again = answer(session, budget, excluding=excluding)
            early = blends(again)[0]
            assert early.state == "ok"
            assert early.reason is not None
            assert "an earlier answer was made of" in early.reason.text
            assert early.number < max(t.number for t in again if not members_of(t.configuration))
            weights = [sorted(weight for _, weight in members_of(t.configuration)) for t in (made, early)]
            assert weights[0] == pytest.approx(weights[1])
            if not excluding:
                assert early.scores == made.scores
        assert not blends(answer(session, "300 s WITHOUT blend"))
    assert kinds
    assert all(not {"fit", "predict"} & one for one in kinds)


# --- without a search -------------------------------------------------------------------------------------------------


def trial(number: int, model: str, state: str = "ok") -> Trial:
    """Return a trial of a model."""
    return Trial(number, (("model", (StepSpec(model),)),), state=state)


def loop(*done: Trial) -> Any:
    """Return a search of which some trials have ended."""
    made = SimpleNamespace(done={t.number: t for t in done}, next_number=9, pending={})
    made.finish_trial = lambda one: made.done.update({one.number: one})
    return made


def earlier(*models: str) -> EarlierBlend:
    """Return a blend of models with equal weights whose members are numbers 1, 2, ..."""
    names = [str(Configuration(trial(0, model).configuration).digest) for model in models]
    weights = dict.fromkeys(names, 1 / len(models))
    return EarlierBlend(weights, 8, {name: number for number, name in enumerate(names, 1)})


def test_it_waits_for_its_members() -> None:
    blend, search = earlier("knn", "ridge"), loop(trial(1, "knn"))
    blend.go_on(search)
    assert not blend.begun
    assert 8 not in search.done


def test_a_number_always_has_a_trial() -> None:
    search = loop(trial(1, "knn"), trial(2, "ridge", "failed"))
    (few := earlier("knn", "ridge")).go_on(search)
    assert (search.done[8].state, search.done[8].error) == ("skipped", "too few of its members have a score")
    few.end(search)
    cut = loop(trial(1, "knn"))
    earlier("knn", "ridge").end(cut)
    assert cut.done[8].error == "the budget ended before it was scored"
    EarlierBlend({}).end(cut)
    assert set(cut.done) == {1, 8}


def test_its_number_is_the_next_once_all_its_members_have_begun() -> None:
    blend, search = earlier("knn", "ridge"), loop()
    blend.number, blend.members = None, {}
    begun = [
        SimpleNamespace(number=n, proposal=SimpleNamespace(configuration=Configuration(trial(n, m).configuration)))
        for n, m in ((5, "ridge"), (6, "lda"), (7, "knn"))
    ]
    blend.note(search, begun[:2])
    assert (blend.number, search.next_number) == (None, 9)
    blend.note(search, begun[2:])
    assert (blend.number, search.next_number) == (9, 10)
    assert set(blend.members.values()) == {5, 7}


def test_there_is_none_of_what_is_not_known() -> None:
    assert weights_before((trial(1, "knn"),), (), SearchSpace((), "regression")) == {}
