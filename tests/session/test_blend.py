"""The best workflows of a search are blended to one more."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mileage
from mileage.core.events import EventBus
from mileage.engine import Executor, Limits
from mileage.operators import StepSpec
from mileage.results import Leaderboard, Trial
from mileage.session import Result
from mileage.session import blend as blending
from mileage.session.data_tasks import SessionData, data_tasks
from mileage.session.engines import open_executor, refit
from mileage.workflow import blend_slots, blended, instantiate, members_of, unblended

QUERY = (
    "PREDICT y FROM '{csv}' VALIDATE BY 3 FOLDS{confirm} BUDGET {n} trials "
    "WITHOUT lightgbm, hist_gbm, random_forest, extra_trees, mlp, spline{more}"
)


def table(folder: Path, task: str = "binary") -> Path:
    """Write a table that several models are good at, and that splines alone would be best at."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(160, 4))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + rng.normal(0, 0.8, 160)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["y"] = y if task == "regression" else np.where(y > 0, "yes", "no")
    frame.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def run(folder: Path, csv: Path, *, n: int = 9, confirm: str = "", more: str = "") -> Result:
    """Run the query in a project that stays open."""
    session = mileage.connect(folder / "project", backend="inline")
    answer = session.run(QUERY.format(csv=csv, n=n, confirm=confirm, more=more))
    assert isinstance(answer, Result)
    return answer


def blend_of(board: Leaderboard) -> Trial | None:
    """Return the blend of a list."""
    return next((t for t in board.order if members_of(t.configuration)), None)


@pytest.fixture(scope="module", params=["binary", "regression"])
def answer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return the answer for both kinds of targets."""
    folder = tmp_path_factory.mktemp(request.param)
    return run(folder, table(folder, request.param))


def test_the_blend_is_the_mean_of_its_members(answer: Result) -> None:
    board = answer.leaderboard
    blend = board.order[0]
    members = members_of(blend.configuration)
    assert len(members) >= 2
    assert sum(weight for _, weight in members) == pytest.approx(1)
    assert blend.number == max(t.number for t in board.trials)
    metric, greater = board.objectives[0]
    best = board.order[1].mean(metric)
    assert blend.mean(metric) >= best if greater else blend.mean(metric) <= best
    csv = Path(answer.plan.dataset.describe.strip("'"))
    new = pd.read_csv(csv).drop(columns="y").head(20)
    alone = {t.number: t for t in board.trials}
    from mileage.session.apply import apply_workflow

    parts = [apply_workflow(answer, alone[number], new).predicted.values for number, _ in members]
    wanted = np.average(np.stack(parts), axis=0, weights=[weight for _, weight in members])
    assert np.allclose(apply_workflow(answer, blend, new).predicted.values, wanted, atol=1e-12, rtol=0)


def test_it_is_found_again_by_another_session(answer: Result) -> None:
    new = pd.read_csv(answer.plan.dataset.describe.strip("'")).drop(columns="y").head(5)
    again = mileage.connect(Path(answer.plan.dataset.describe.strip("'")).parent / "project", backend="inline")[
        f"q{answer.query_id}.w1"
    ]
    assert again.trial.workflow == answer.best.trial.workflow
    assert again.predict(new).tolist() == answer.best.predict(new).tolist()


def test_it_is_taken_away(answer: Result, tmp_path: Path) -> None:
    new = pd.read_csv(answer.plan.dataset.describe.strip("'")).drop(columns="y").head(20)
    vote = answer.best.to_sklearn()
    assert type(vote).__name__ == ("VotingRegressor" if answer.plan.task == "regression" else "VotingClassifier")
    ours, theirs = answer.best.predict(new), vote.predict(new)
    assert np.allclose(ours, theirs) if answer.plan.task == "regression" else ours.tolist() == theirs.tolist()
    path = tmp_path / "blend.py"
    answer.session.run(f"EXPORT @q{answer.query_id}.w1 TO '{path}' AS sklearn")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    metric = answer.leaderboard.objectives[0][0]
    said = json.loads(done.stdout.splitlines()[-1])["scores"]
    assert said == pytest.approx(answer.leaderboard.order[0].scores[metric], abs=1e-9)


def test_it_shows_its_members(answer: Result) -> None:
    shown = answer.session.run(f"SHOW WORKFLOWS OF @q{answer.query_id}.w1").text()
    assert "1/model" in shown
    assert "2/model" in shown
    assert "mean, by the weights" in shown
    _, first = unblended(answer.leaderboard.order[0].workflow)[0]
    assert [step.name for step in first.steps][-1] == "model"


def test_it_is_compared_as_a_whole(answer: Result) -> None:
    shown = answer.session.run(f"COMPARE @q{answer.query_id}.w1, @q{answer.query_id}.w2").to_json()
    assert [row["what"] for row in shown["differences"]][:1] == ["workflow"]


def test_one_model_is_there_on_request(answer: Result, tmp_path: Path) -> None:
    board = answer.leaderboard
    single = answer.single.trial
    assert members_of(board.order[0].configuration)
    assert single == next(t for t in board.order if not members_of(t.configuration))
    assert f"@single is the best that is one model: {board.ref_of(single)}" in answer.text()
    new = pd.read_csv(answer.plan.dataset.describe.strip("'")).drop(columns="y").head(20)
    ours, theirs = answer.single.predict(new), answer.single.to_sklearn().predict(new)
    assert ours.tolist() == theirs.tolist()
    assert type(answer.single.to_sklearn()).__name__ == "Pipeline"
    shown = answer.session.run(f"SHOW WORKFLOWS OF @q{answer.query_id}.single").text()
    assert "1/model" not in shown
    path = tmp_path / "single.py"
    answer.session.run(f"EXPORT @q{answer.query_id}.single TO '{path}' AS sklearn")
    assert "Voting" not in path.read_text()


def test_one_model_is_there_where_only_the_blend_is_listed(answer: Result) -> None:
    board = replace(answer.leaderboard, n=1)
    assert board.single == answer.single.trial
    assert board.ref_of(answer.single.trial) is None
    assert f"one model: {answer.single.trial.describe}" in board.text(width=400)


def test_refining_pins_a_slot_of_the_best_single_workflow(answer: Result) -> None:
    single = next(t for t in answer.leaderboard.order if not members_of(t.configuration))
    again = answer.refine("PIN MODEL SET BUDGET 2 trials")
    assert {t.model for t in again.leaderboard.order if t.number > 0} == {single.model}
    assert blend_of(again.leaderboard) is None


def test_scoring_a_blend_fits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: dict[str, list[str]] = {}
    submit = Executor.submit

    def watched(self: Executor, plan, *args, label: str = "", **options):  # type: ignore[no-untyped-def]
        labels[label] = [str(p.task.kind) for p in plan if p.action == "compute"]
        return submit(self, plan, *args, label=label, **options)

    monkeypatch.setattr(Executor, "submit", watched)
    run(tmp_path, table(tmp_path))
    assert {"blend", "score"} <= set(labels["a blend"])
    assert not {"fit", "predict"} & set(labels["a blend"])
    assert "weigh" in labels["weights of a blend"]
    assert "fit" not in labels["weights of a blend"]


@pytest.mark.parametrize(
    ("n", "more"),
    [(3, ""), (9, ", blend"), (9, " WITH MODEL = logistic | gaussian_nb | knn")],
)
def test_there_is_none_of_few_or_where_it_is_left_out(tmp_path: Path, n: int, more: str) -> None:
    answer = run(tmp_path, table(tmp_path), n=n, more=more)
    assert blend_of(answer.leaderboard) is None
    said = answer.leaderboard.text()
    assert ("cut: blend: WITHOUT blend" in said) == ("blend" in more)


def test_of_what_was_scored_again_it_is_the_plain_mean(tmp_path: Path) -> None:
    answer = run(tmp_path, table(tmp_path), n=18, confirm=" CONFIRM 2")
    blend = blend_of(answer.leaderboard)
    assert blend is not None
    assert blend.is_confirmed
    members = members_of(blend.configuration)
    assert {weight for _, weight in members} == {1 / len(members)}
    again = {t.number for t in answer.leaderboard.confirmed}
    assert {number for number, _ in members} | {blend.number} <= again
    assert len(blend.scores["roc_auc"]) == 6
    assert len(blend.searched["roc_auc"]) == 3


def test_fitted_members_are_kept_though_they_are_cut_from_one_fit(tmp_path: Path) -> None:
    answer = run(tmp_path, table(tmp_path), n=1)
    plan, session = answer.plan, answer.session
    forests = [
        instantiate((("model", (StepSpec.of("random_forest", n_estimators=n),)),), plan.features, plan.setting)[0]
        for n in (5, 9)
    ]
    both = blended([(0.5, forest) for forest in forests], blend_slots((1, 2), (0.5, 0.5)))
    executor, _ = open_executor(session, SessionData.of(plan), EventBus(), plan=plan)
    with executor:
        states, why = refit(session, executor, data_tasks(plan).source, both, Limits())
    assert states is not None, why
    assert all(session.store.has(port.key) for port in states.values())


def test_why_there_is_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no weights today")

    monkeypatch.setattr("mileage.operators.blending.blend_weights", broken)
    answer = run(tmp_path, table(tmp_path))
    assert blend_of(answer.leaderboard) is None
    assert [note for note in answer.notes if "not blended" in note and "no weights today" in note]


def test_a_blend_that_cannot_be_told_from_the_best_stands_first() -> None:
    from mileage.results.ranking import ranked
    from mileage.workflow import blend_slots

    best = Trial(1, scores={"auc": (0.80, 0.86, 0.82)})
    other = Trial(2, scores={"auc": (0.70, 0.71, 0.70)})
    near = Trial(3, blend_slots((1, 2), (0.5, 0.5)), scores={"auc": (0.81, 0.84, 0.82)})
    far = Trial(3, blend_slots((1, 2), (0.5, 0.5)), scores={"auc": (0.72, 0.78, 0.74)})
    assert [t.number for t in ranked([best, other, near], (("auc", True),))] == [3, 1, 2]
    assert [t.number for t in ranked([best, other, far], (("auc", True),))] == [1, 3, 2]


def test_weights_choose_among_more_than_can_be_fitted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weighed: list[int] = []
    weigh = blending._weighed

    def counted(loop: object, members: list[Trial]) -> Trial | None:
        weighed.append(len(members))
        return weigh(loop, members)  # type: ignore[arg-type]

    monkeypatch.setattr(blending, "_fits", lambda _loop, _fit_s, n, **_: n <= 2)
    monkeypatch.setattr(blending, "_weighed", counted)
    blend = blend_of(run(tmp_path, table(tmp_path), n=12).leaderboard)
    assert weighed[0] > 4
    assert blend is None or len(members_of(blend.configuration)) <= 2
    assert weighed[1:] == ([2] if len(weighed) > 1 else [])


def test_weak_models_of_other_families_are_candidates_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    weigh = blending._weighed
    monkeypatch.setattr(
        blending, "_weighed", lambda loop, members: (seen.append({t.model for t in members}), weigh(loop, members))[1]
    )
    board = run(tmp_path, table(tmp_path), n=40).leaderboard
    scored = {t.model for t in board.order if t.number > 0 and not members_of(t.configuration)}
    with_mean = scored - {"svm", "svm_linear", "ridge"}
    assert len(with_mean) > 4
    assert seen[0] >= with_mean
