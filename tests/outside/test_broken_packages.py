"""What another distribution offers and cannot be had is said once, in one sentence, and breaks nothing else.

All of them are installed at once, and all queries run in one process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from installing import Installed, package

OPERATOR = """
from mileage.operators import Family, Operator

class Step(Operator):
    "A step."
    name = {name!r}
    family = Family.SCALE

    def build(self, params, context):
        from sklearn.preprocessing import StandardScaler
        return StandardScaler()

STEP = Step()
"""
METRIC = """
from mileage.operators.metrics import Metric

class Mine(Metric):
    "A metric."
    name = {name!r}

    def measure(self, y, predictions, classes):
        return 1.0

MINE = Mine()
"""
STRATEGY = """
from mileage.search import Strategy

class Fails(Strategy):
    "A strategy that fails."
    name = "fails"
    asked = 0

    def begin(self, context):
        return type(self)()

    def ask(self):
        raise ZeroDivisionError("no point")

    def tell(self, configuration, loss):
        pass

FAILS = Fails()
"""
MONITOR = """
from mileage.monitors import Monitor

class Fails(Monitor):
    "A monitor that fails."
    name = "fails"

    def watch(self, context):
        raise KeyError("gone")

FAILS = Fails()
"""
LACKS = {"bad": "import a_library_that_is_not_there"}
# name of the distribution: its entry points, its modules, and what is said of it
BROKEN = {
    "lacking": (
        {"mileage.operators.squash": "lacking.bad:STEP"},
        LACKS,
        "'lacking.bad:STEP' cannot be loaded: ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
    ),
    "empty": (
        {"mileage.operators.squeeze": "empty.step:NOTHING"},
        {"step": OPERATOR.format(name="squeeze")},
        "the operator 'squeeze' of empty is left out: 'empty.step:NOTHING' cannot be loaded: AttributeError",
    ),
    "classy": (
        {"mileage.operators.press": "classy.step:Step"},
        {"step": OPERATOR.format(name="press")},
        "'classy.step:Step' is the class; it must be an instance of Operator",
    ),
    "numeric": (
        {"mileage.operators.stamp": "numeric.step:STEP"},
        {"step": "STEP = 3"},
        "'numeric.step:STEP' is of type int; it must be an instance of Operator",
    ),
    "taken": (
        {"mileage.operators.standard": "taken.step:STEP"},
        {"step": OPERATOR.format(name="standard")},
        "the operator 'standard' of taken is left out: the name 'standard' is MILE's own; give it another one",
    ),
    "wordy": (
        {"mileage.operators.squash_it": "wordy.step:STEP"},
        {"step": OPERATOR.format(name="squash it")},
        "its name 'squash it' is no word of a query",
    ),
    "accurate": (
        {"mileage.metrics.accuracy": "accurate.metric:MINE"},
        {"metric": METRIC.format(name="accuracy")},
        "the metric 'accuracy' of accurate is left out: the name 'accuracy' is MILE's own; give it another one",
    ),
    "rooted": (
        {"mileage.metrics.rmse": "rooted.metric:MINE"},
        {"metric": METRIC.format(name="rmse")},
        "the metric 'rmse' of rooted is left out: the name 'rmse' is MILE's own",
    ),
    "poor": (
        {"mileage.metrics.profit": "poor.bad:MINE"},
        LACKS,
        "the metric 'profit' of poor is left out: 'poor.bad:MINE' cannot be loaded: ModuleNotFoundError",
    ),
    "lazy": (
        {"mileage.strategies.best": "lazy.strategy:BEST"},
        {"strategy": "raise RuntimeError('not today')"},
        "the strategy 'best' of lazy is left out: 'lazy.strategy:BEST' cannot be loaded: RuntimeError: not today",
    ),
    "misspelled": (
        {"mileage.backends.cloud": "misspelled.cloud:CLOUD"},
        {"cloud": "def f(:"},
        "the backend 'cloud' of misspelled is left out: 'misspelled.cloud:CLOUD' cannot be loaded: SyntaxError",
    ),
    "blind": (
        {"mileage.monitors.fails": "blind.monitor:FAILS"},
        {"monitor": MONITOR},
        "the monitor 'fails' failed: KeyError: 'gone'",
    ),
    "a_first": (
        {"mileage.operators.flatten": "a_first.step:STEP"},
        {"step": OPERATOR.format(name="flatten")},
        "",
    ),
    "b_second": (
        {"mileage.operators.flatten": "b_second.step:STEP"},
        {"step": OPERATOR.format(name="flatten")},
        "the operator 'flatten' of b_second is left out: another distribution has the operator 'flatten' too",
    ),
    "helpless": ({"mileage.strategies.fails": "helpless.strategy:FAILS"}, {"strategy": STRATEGY}, ""),
}
QUERY = "PREDICT y FROM 'table.csv' VALIDATE BY 2 FOLDS WITH MODEL = gaussian_nb(var_smoothing = 1e-9) BUDGET 1 trials"
COMMANDS = {
    "none": (QUERY,),
    "squash": (QUERY.replace("WITH ", "WITH SCALE = squash, "),),
    "profit": (QUERY.replace("VALIDATE", "OPTIMIZE profit VALIDATE"),),
    "best": (f"{QUERY} HINT (strategy = best)",),
    "cloud": (f"{QUERY} HINT (backend = cloud)",),
    "flatten": (QUERY.replace("WITH ", "WITH SCALE = flatten, "),),
    "fails": ("--json", f"{QUERY} HINT (strategy = fails)"),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What came of each command."""
    folder = tmp_path_factory.mktemp("broken")
    rows = "\n".join(f"{i % 7},{i % 3},{'yes' if i % 5 < 2 else 'no'}" for i in range(60))
    (folder / "table.csv").write_text(f"a,b,y\n{rows}\n")
    for name, (points, modules, _) in BROKEN.items():
        package(folder / "site", name, points, **modules)
    commands = [("--backend", "inline", *words) for words in COMMANDS.values()]
    ended = Installed(folder, (folder / "site",)).in_turn(*commands)
    assert not [one for one in ended if "Traceback" in one.stdout + one.stderr]
    return dict(zip(COMMANDS, ended, strict=True))


@pytest.mark.parametrize("said", [said for _, _, said in BROKEN.values() if said])
def test_a_broken_member_is_said_once_and_the_query_runs(done, said):
    first = done["none"]
    assert first.returncode == 0, first.stderr
    assert first.stderr.count(said) == 1, first.stderr
    assert "w1" in first.stdout


@pytest.mark.parametrize(
    ("name", "of", "why"),
    [
        ("squash", "lacking", "a_library_that_is_not_there"),
        ("profit", "poor", "a_library_that_is_not_there"),
        ("best", "lazy", "not today"),
        ("cloud", "misspelled", "SyntaxError"),
    ],
)
def test_asking_for_a_broken_member_says_why_it_is_not_there(done, name, of, why):
    asked = done[name]
    assert asked.returncode == 3, asked.stderr
    assert f"'{name}' of {of} is left out" in asked.stderr
    assert why in asked.stderr


def test_of_two_distributions_with_one_name_the_first_is_taken(done):
    assert done["flatten"].returncode == 0, done["flatten"].stderr


def test_a_strategy_that_fails_ends_the_search_and_not_the_run(done):
    assert done["fails"].returncode == 0, done["fails"].stderr
    found = json.loads(done["fails"].stdout)
    assert found["ended"] == "the strategy 'fails' failed: ZeroDivisionError: no point"
    assert len(found["leaderboard"]) == 1
