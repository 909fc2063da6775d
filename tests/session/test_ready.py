"""Fitted steps stay in memory while there is room, and predicting for a frame loads and leaves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.compose import TransformedTargetRegressor

import mileage
from mileage.catalog import ArtifactStore
from mileage.core.fingerprint import fingerprint
from mileage.data import Dataset
from mileage.errors import DataError
from mileage.operators.by_level import Looked
from mileage.operators.running import with_threads
from mileage.session import Result, apply
from mileage.session.ready import ReadySteps
from mileage.workflow import Port


def port(name: str) -> Port:
    """Return a port of a task."""
    return Port(fingerprint(name), "state")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """Return a store with three steps of about 8 kB each."""
    made = ArtifactStore(tmp_path)
    for name in "abc":
        made.put(port(name).key, np.full(1000, ord(name), dtype=float))
    return made


def test_a_step_is_loaded_once(store: ArtifactStore) -> None:
    ready = ReadySteps(store)
    first = ready.get(port("a"))
    store.delete(port("a").key)
    assert ready.get(port("a")) is first
    assert ready.has(port("a").key)


def test_those_not_used_for_longest_leave_first(store: ArtifactStore) -> None:
    ready = ReadySteps(store, room_bytes=20_000)
    for name in "abac":
        ready.get(port(name))
    for name in "abc":
        store.delete(port(name).key)
    assert [ready.has(port(name).key) for name in "abc"] == [True, False, True]
    with pytest.raises(KeyError):
        ready.get(port("b"))


def test_what_is_prepared_of_a_step_is_so_once_and_leaves_with_it(store: ArtifactStore) -> None:
    ready = ReadySteps(store, room_bytes=20_000)
    made = [ready.prepared(port("a"), lambda step: [step.sum()]) for _ in range(2)]
    assert made[0] is made[1]
    for name in "bc":
        ready.get(port(name))
    assert ready.prepared(port("a"), lambda _: "anew") == "anew"


def test_what_has_no_room_is_loaded_each_time(store: ArtifactStore) -> None:
    ready = ReadySteps(store, room_bytes=100)
    assert ready.get(port("a")) is not ready.get(port("a"))
    assert ready.get(port("a"))[0] == ord("a")


@pytest.mark.parametrize("target", [None, "log"])
def test_boosted_trees_answer_with_all_cores_and_with_the_same_bits(target: str | None) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 5)), rng.lognormal(size=3000)
    model = LGBMRegressor(n_estimators=200, n_jobs=1, verbosity=-1)
    if target == "log":
        model = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp)
    one = model.fit(X, y).predict(X)
    two = with_threads(model, 2)
    assert getattr(two, "regressor_", two).n_jobs == 2
    assert (one == two.predict(X)).all()


@pytest.mark.parametrize(("model", "n_jobs"), [("lightgbm", 2), ("extra_trees", 1)])
def test_models_answer_by_all_cores_where_their_operator_says_so(tmp_path: Path, model: str, n_jobs: int) -> None:
    session = mileage.connect(tmp_path, backend="inline", workers=2)
    answer = session.run(
        f"PREDICT y FROM :df VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> {model}(n_estimators = 10)",
        frames={"df": rows(200, 0).drop(columns="n")},
    )
    assert isinstance(answer, Result)
    [trial] = [t for t in answer.leaderboard.trials if t.model == model]
    states = apply.fitted_states(answer, trial)
    load = apply.loader(answer, trial, states, few=True)
    assert load(states["model"]).n_jobs == n_jobs
    [encoder] = [load(state) for name, state in states.items() if isinstance(load(state), Looked)]
    plain = apply.loader(answer, trial, states, few=False)
    assert encoder.fitted is plain(next(s for s in states.values() if load(s) is encoder))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return the answer to a query, in a project that stays open."""
    folder = tmp_path_factory.mktemp("ready")
    session = mileage.connect(folder, backend="inline")
    answer = session.run(
        "PREDICT y FROM :df KNOWING n IS NUMERIC VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> ridge",
        frames={"df": rows(200, 0)},
    )
    assert isinstance(answer, Result)
    return answer


def rows(n: int, seed: int) -> pd.DataFrame:
    """Return a table."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["p", "q"], n)})
    made["n"] = [f"{value:.2f}" for value in rng.normal(size=n)]  # numbers as texts: the query says what they are
    return made.assign(y=made.a * 2 + (made.b == "p") + made.n.astype(float))


def test_a_frame_and_a_file_are_predicted_alike(result: Result, tmp_path: Path) -> None:
    new = rows(30, 1)
    new.to_csv(tmp_path / "new.csv", index=False)
    assert result["w1"].predict(new) == pytest.approx(result["w1"].predict(str(tmp_path / "new.csv")), abs=1e-9)


@pytest.mark.parametrize("fact", ["EXCLUDING n", "KNOWING n IS NUMERIC"])
def test_the_answer_is_loaded_and_planned_when_it_is_given(
    fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = mileage.connect(tmp_path, backend="inline")
    answer = session.run(
        f"PREDICT y FROM :df VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> ridge {fact} BUDGET 60 s",
        frames={"df": rows(200, 0)},
    )
    assert isinstance(answer, Result)
    monkeypatch.setattr(ArtifactStore, "get", lambda *_: pytest.fail("loaded"))
    monkeypatch.setattr(apply, "optimize", lambda *_: pytest.fail("planned"))
    assert len(answer["w1"].predict(rows(9, 1))) == 9


def test_an_answer_stays_where_its_rows_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise DataError("the file is gone", code="D402", hint="put it back")

    monkeypatch.setattr(Dataset, "head", gone)
    session = mileage.connect(tmp_path, backend="inline")
    answer = session.run(
        "PREDICT y FROM :df VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> ridge BUDGET 60 s",
        frames={"df": rows(200, 0).drop(columns="n")},
    )
    assert isinstance(answer, Result)
    assert any("the file is gone" in note for note in answer.notes)
    assert len(answer["w1"].predict(rows(9, 1).drop(columns="n"))) == 9


def test_predicting_again_plans_and_loads_nothing(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    first = result["w1"].predict(rows(30, 1))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("again")

    monkeypatch.setattr(apply, "optimize", refuse)
    monkeypatch.setattr(ArtifactStore, "get", refuse)
    assert (result["w1"].predict(rows(30, 1)) == first).all()
    assert len(result["w1"].predict(rows(7, 2))) == 7, "the plan is not bound to its rows"


def test_frames_to_predict_for_are_let_go(result: Result) -> None:
    database = result.session.database

    def known() -> tuple[list[object], ...]:
        listed = database.rows("SELECT table_name FROM information_schema.tables ORDER BY ALL")
        return (listed, sorted(database.table_names()), sorted(database._snapshots), sorted(database._frames))

    result["w1"].predict(rows(5, 1))
    before = known()
    for seed in range(3):
        result["w1"].predict(rows(5, seed))
    with pytest.raises(mileage.MileError):
        result["w1"].predict(rows(5, 1)[["b"]])
    assert known() == before
