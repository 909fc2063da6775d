"""Plans drawn by chance do not leak, the check of plans finds every leak that is planted, and what is held out changes nothing that is fitted."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mileage.core.fingerprint import Fingerprint
from mileage.data.splits import SplitSpec, deal_rows
from mileage.engine.tasks import Resources, run_task
from mileage.errors import DataError, InternalError
from mileage.optimizer import optimize
from mileage.optimizer.provenance import Traced, check_leaks
from mileage.testing.leaks import Table, leaks_of
from mileage.testing.random_plans import FEATURES, Drawn, draw_tasks, plant
from mileage.workflow import Action, PhysicalPlan, PlannedTask, Port, Task, TaskKind


def is_refused(plan: PhysicalPlan) -> bool:
    try:
        check_leaks(plan)
    except InternalError as error:
        return "the plan leaks (I" in str(error)
    return False


def hunt(seeds: range) -> tuple[int, Counter[str]]:
    """Return how many plans were checked, and how often each kind of planted mistake was a leak, all of which were found."""
    n, planted = 0, Counter[str]()
    for seed in seeds:
        drawn = draw_tasks(seed)
        plan = drawn.plan()  # checked
        try:
            assert leaks_of(plan, drawn.tables) == [], f"plan {seed}"
        except DataError:  # rows that cannot be dealt, as in a run
            continue
        n += 1
        for name, broken in plant(plan, seed):
            if leaks_of(broken, drawn.tables):
                planted[name] += 1
                assert is_refused(broken), f"{name} in plan {seed} is not found"
    return n, planted


def test_no_plan_leaks_and_every_planted_leak_is_found() -> None:
    n, planted = hunt(range(60))
    assert n > 50
    assert len(planted) >= 10, planted
    assert sum(planted.values()) > 150, planted


@pytest.mark.slow
def test_thousands_of_plans_do_not_leak() -> None:
    n, planted = hunt(range(1_000_000, 1_004_000))
    assert n > 3_800
    assert len(planted) == 12
    assert min(planted.values()) > 50, planted


# --- each law, by hand ------------------------------------------------------------------------------------------------

SOURCE = Task(TaskKind.SOURCE, params=(("data", "x"),), outputs=("X", "y", "aux"))
APART = Task(TaskKind.SOURCE, params=(("data", "z"),), outputs=("X", "y", "aux"))
DEAL = Task(
    TaskKind.DEAL,
    params=(("method", "folds"), ("n", 3), ("order_by", None)),
    inputs=(SOURCE.port("y"), SOURCE.port("aux")),
    outputs=("splits",),
)


def take(part: str, split: int = 0, source: Task = SOURCE, kind: TaskKind = TaskKind.TAKE) -> Task:
    output = "y" if kind is TaskKind.TARGET else "X"
    inputs = (source.port(output),) if part == "all" else (source.port(output), DEAL.port("splits"))
    return Task(kind, params=(("split", split), ("part", part)), inputs=inputs, label=f"{part} {split}")


def fit(*inputs: Task, model: bool = False) -> Task:
    outputs = ("state",) if model else ("state", "out")
    return Task(TaskKind.FIT, "x", inputs=tuple(t.port() for t in inputs), outputs=outputs, is_model=model, label="fit")


def use(kind: TaskKind, state: Task, rows: Task) -> Task:
    return Task(kind, inputs=(state.port("state"), rows.port()), label=str(kind))


def score(answer: Task, *, whole: Task | None = None) -> Task:
    truth = (SOURCE.port("y"), DEAL.port("splits")) if whole is None else (whole.port("y"),)
    return Task(TaskKind.SCORE, "m", (("whole", whole is not None),), inputs=(answer.port(), *truth), label="score")


def law_of(*tasks: Task) -> str:
    try:
        check_leaks(PhysicalPlan(tuple(map(PlannedTask, (SOURCE, APART, DEAL, *tasks))), (), ()))
    except InternalError as error:
        return str(error).partition("(")[2][:2]
    return ""


def test_each_law_refuses_what_breaks_it() -> None:
    train, test, y = take("train"), take("test"), take("train", kind=TaskKind.TARGET)
    scaler, model = fit(train), fit(train, y, model=True)
    answer = use(TaskKind.PREDICT, model, test)
    assert law_of(train, test, y, scaler, model, answer, score(answer)) == ""

    elsewhere = fit(take("train", 1))
    shaped = use(TaskKind.APPLY, fit(test), train)  # train rows that what has seen other rows shaped
    late = fit(shaped, y, model=True)
    assert law_of(test, train, y, fit(test), shaped, late) == "I1"
    assert (
        law_of(train, take("train", 1, kind=TaskKind.TARGET), fit(train, take("train", 1, kind=TaskKind.TARGET)))
        == "I1"
    )

    assert law_of(take("train", 1), elsewhere, test, use(TaskKind.APPLY, elsewhere, test)) == "I2"
    other = take("test", 1)
    wrong = use(TaskKind.PREDICT, model, other)
    assert law_of(train, y, model, other, wrong) == "I2"

    everything, target = take("all", source=APART), take("all", source=APART, kind=TaskKind.TARGET)
    on_all = fit(everything, target, model=True)
    peeked = use(TaskKind.PREDICT, on_all, everything)
    assert law_of(everything, target, on_all, peeked) == "I4"
    kept = use(TaskKind.PREDICT, model, everything)
    assert law_of(train, y, model, everything, kept, score(kept, whole=APART)) == ""
    assert law_of(train, y, model, test, answer, score(answer, whole=APART)) == "I3"

    whole = fit(take("all"))
    assert law_of(take("all"), whole, test, use(TaskKind.APPLY, whole, test)) == "I4"


# --- what is held out changes nothing ---------------------------------------------------------------------------------


def data_of(table: Table, rng: np.random.Generator) -> dict[str, Any]:
    n = len(table.y)
    frame = pd.DataFrame({name: rng.normal(size=n) + 0.3 * table.y for name in FEATURES.numeric})
    frame.loc[rng.random(n) < 0.1, "a"] = np.nan
    frame["k"] = rng.choice(list("uvwx"), n)
    return {"X": frame, "y": table.y, "aux": table.aux}


def run(
    plan: PhysicalPlan, sources: dict[Fingerprint, dict[str, Any]], dealt: dict[Fingerprint, Any]
) -> dict[Port, Any]:
    """Return all outputs of a plan; deals are those that are given, as their rows would change with the target."""
    values: dict[Port, Any] = {}
    for task in (planned.task for planned in plan if planned.action is Action.COMPUTE):
        if task.kind is TaskKind.SOURCE:
            made = sources[task.fingerprint]
        elif task.kind is TaskKind.DEAL:
            made = {"splits": dealt[task.fingerprint]}
        else:
            made = run_task(task, [values[port] for port in task.inputs], resources=Resources())
        values |= {task.port(name): value for name, value in made.items()}
    return values


def changed(data: dict[str, Any], rows: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """Return the data with other features and targets in some rows."""
    frame, y = data["X"].copy(), data["y"].copy()
    for name in FEATURES.numeric:
        frame.loc[rows, name] = rng.normal(5.0, 3.0, len(rows))
    frame.loc[rows, "k"] = "x"
    y[rows] = 1 - y[rows] if y.dtype.kind == "i" else rng.normal(50.0, 10.0, len(rows))
    return {**data, "X": frame, "y": y}


def check_held_out(seed: int) -> int:
    """Change rows that a split keeps apart: what it answers for its other rows is as before. Return how many splits were tried."""
    drawn, rng = draw_tasks(seed), np.random.default_rng(seed)
    wanted = tuple(port for ports in drawn.predictions for port in ports)
    plan, _ = optimize(drawn.tasks, wanted, replace(drawn.context, kept=lambda _: False))
    sources = {name: data_of(table, rng) for name, table in drawn.tables.items()}
    [deal] = [p.task for p in plan if p.task.kind is TaskKind.DEAL]
    own = len(sources) > 1
    train = sources[deal.inputs[0].task]
    try:
        dealt = {deal.fingerprint: deal_rows(SplitSpec(**dict(deal.params)), train["y"], train["aux"])}
    except DataError:
        return 0
    before = run(plan, sources, dealt)
    tried = 0
    for ports in drawn.predictions:
        i = int(rng.integers(len(ports)))
        name, rows = _rows_of(drawn, ports[i], before, own=own)
        apart = rng.permutation(len(rows))[: max(1, len(rows) // 2)]
        others = np.setdiff1d(np.arange(len(rows)), apart)
        after = run(plan, {**sources, name: changed(sources[name], rows[apart], rng)}, dealt)
        old, new = before[ports[i]], after[ports[i]]
        assert np.allclose(old.values[others], new.values[others], rtol=1e-6, atol=1e-7), f"plan {seed}"
        tried += 1
    return tried


def _rows_of(drawn: Drawn, port: Port, values: dict[Port, Any], *, own: bool) -> tuple[Fingerprint, np.ndarray]:
    """Return the source and the numbers of the rows that a prediction is of."""
    if own:
        name = list(drawn.tables)[1]
        return name, np.arange(len(drawn.tables[name].y))
    scored = next(t for t in drawn.tasks if t.kind is TaskKind.SCORE and port in t.inputs)
    *answers, _, splits = scored.inputs
    pair = values[splits].pairs[answers.index(port)]
    return next(iter(drawn.tables)), pair.test.indices()


def test_what_is_held_out_changes_no_answer_for_other_rows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sum(map(check_held_out, range(24))) > 40


def test_the_check_of_held_out_rows_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    from mileage.engine import tasks

    rows = tasks._rows
    monkeypatch.setattr(
        tasks, "_rows", lambda params, inputs: None if params["part"] == "train" else rows(params, inputs)
    )
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(12):
            try:
                check_held_out(seed)
            except AssertionError:
                found.append(seed)
    assert len(found) > 6


def test_a_leak_behind_tasks_that_were_checked_before_is_found() -> None:
    train, test, y = take("train"), take("test"), take("train", kind=TaskKind.TARGET)
    scaler, others = fit(train), fit(test)
    scaled = use(TaskKind.APPLY, scaler, test)
    tasks = (SOURCE, APART, DEAL, train, test, y, scaler)
    traced = Traced()
    for _ in range(2):
        check_leaks(PhysicalPlan(tuple(map(PlannedTask, (*tasks, scaled))), (), ()), traced)
    told = replace(
        others, same_as=scaler.fingerprint
    )  # another task in the place of the scaler, which knows the test rows
    broken = PhysicalPlan(tuple(map(PlannedTask, (*tasks[:-1], told, scaled))), (), ())
    with pytest.raises(InternalError, match="I2"):
        check_leaks(broken, traced)
