"""What another distribution offers and cannot be had is said once, in one sentence, and breaks nothing else."""

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
QUERY = "PREDICT y FROM 'table.csv' VALIDATE BY 2 FOLDS WITH MODEL = gaussian_nb(var_smoothing = 1e-9) BUDGET 1 trials"


@pytest.fixture
def site(tmp_path):
    rows = "\n".join(f"{i % 7},{i % 3},{'yes' if i % 5 < 2 else 'no'}" for i in range(60))
    (tmp_path / "table.csv").write_text(f"a,b,y\n{rows}\n")
    return tmp_path / "site"


def run(site, text=QUERY, *words):
    done = Installed(site.parent, (site,)).mile("--backend", "inline", *words, text)
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    ("points", "modules", "said"),
    [
        (
            {"mileage.operators.squash": "broken.step:STEP"},
            {"step": "import a_library_that_is_not_there"},
            "'broken.step:STEP' cannot be loaded: ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
        ),
        (
            {"mileage.operators.squash": "broken.step:NOTHING"},
            {"step": OPERATOR.format(name="squash")},
            "the operator 'squash' of broken is left out: 'broken.step:NOTHING' cannot be loaded: AttributeError",
        ),
        (
            {"mileage.operators.squash": "broken.step:Step"},
            {"step": OPERATOR.format(name="squash")},
            "'broken.step:Step' is the class; it must be an instance of Operator",
        ),
        (
            {"mileage.operators.squash": "broken.step:STEP"},
            {"step": "STEP = 3"},
            "'broken.step:STEP' is of type int; it must be an instance of Operator",
        ),
        (
            {"mileage.operators.standard": "broken.step:STEP"},
            {"step": OPERATOR.format(name="standard")},
            "the operator 'standard' of broken is left out: the name 'standard' is MILE's own; give it another one",
        ),
        (
            {"mileage.operators.squash": "broken.step:STEP"},
            {"step": OPERATOR.format(name="squash it")},
            "its name 'squash it' is no word of a query",
        ),
        (
            {"mileage.metrics.accuracy": "broken.metric:MINE"},
            {"metric": METRIC.format(name="accuracy")},
            "the metric 'accuracy' of broken is left out: the name 'accuracy' is MILE's own; give it another one",
        ),
        (
            {"mileage.metrics.rmse": "broken.metric:MINE"},
            {"metric": METRIC.format(name="rmse")},
            "the metric 'rmse' of broken is left out: the name 'rmse' is MILE's own",
        ),
        (
            {"mileage.strategies.best": "broken.strategy:BEST"},
            {"strategy": "raise RuntimeError('not today')"},
            "the strategy 'best' of broken is left out: 'broken.strategy:BEST' cannot be loaded: RuntimeError: not today",
        ),
        (
            {"mileage.backends.cloud": "broken.cloud:CLOUD"},
            {"cloud": "def f(:"},
            "the backend 'cloud' of broken is left out: 'broken.cloud:CLOUD' cannot be loaded: SyntaxError",
        ),
        (
            {"mileage.monitors.fails": "broken.monitor:FAILS"},
            {"monitor": MONITOR},
            "the monitor 'fails' failed: KeyError: 'gone'",
        ),
    ],
)
def test_a_broken_member_is_said_once_and_the_query_runs(site, points, modules, said):
    package(site, "broken", points, **modules)
    done = run(site)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(said) == 1, done.stderr
    assert "w1" in done.stdout


def test_asking_for_a_broken_member_says_why_it_is_not_there(site):
    package(
        site,
        "broken",
        {
            "mileage.operators.squash": "broken.bad:A",
            "mileage.metrics.profit": "broken.bad:B",
            "mileage.strategies.best": "broken.bad:C",
            "mileage.backends.cloud": "broken.bad:D",
        },
        bad="import a_library_that_is_not_there",
    )
    texts = {
        "squash": QUERY.replace("WITH ", "WITH SCALE = squash, "),
        "profit": QUERY.replace("VALIDATE", "OPTIMIZE profit VALIDATE"),
        "best": f"{QUERY} HINT (strategy = best)",
        "cloud": f"{QUERY} HINT (backend = cloud)",
    }
    for name, text in texts.items():
        done = run(site, text)
        assert done.returncode == 3, (name, done.stderr)
        assert f"'{name}' of broken is left out" in done.stderr
        assert "a_library_that_is_not_there" in done.stderr


def test_of_two_distributions_with_one_name_the_first_is_taken(site):
    for name in ("b_second", "a_first"):
        package(site, name, {"mileage.operators.squash": f"{name}.step:STEP"}, step=OPERATOR.format(name="squash"))
    done = run(site, QUERY.replace("WITH ", "WITH SCALE = squash, "))
    assert done.returncode == 0, done.stderr
    assert (
        "the operator 'squash' of b_second is left out: another distribution has the operator 'squash' too"
        in done.stderr
    )


def test_a_strategy_that_fails_ends_the_search_and_not_the_run(site):
    package(site, "broken", {"mileage.strategies.fails": "broken.strategy:FAILS"}, strategy=STRATEGY)
    done = run(site, f"{QUERY} HINT (strategy = fails)", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ended"] == "the strategy 'fails' failed: ZeroDivisionError: no point"
    assert len(found["leaderboard"]) == 1
