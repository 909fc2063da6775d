"""Identities change with what code does and reads, and with nothing else."""

from __future__ import annotations

import re
import sys
import textwrap
import threading
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mileage.workflow.identity import IdentityError, changes, identify

JOBS = """
import functools
import re
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

LIMIT = 5
NAMES = {"a": 1, "b": 2}
WORD = re.compile("[a-z]+")
MODEL = LogisticRegression(C=1.0)

def helper(x):
    return x + LIMIT

class Base:
    factor = 1

class Cleaner(Base):
    def clean(self, v=3):
        return helper(v) * self.factor

def make(n):
    def inner(x):
        return np.sum(x) + n
    return inner

ADD = make(4)
HALF = functools.partial(helper, 0.5)

@functools.lru_cache
def cached(x):
    return x * 2

def step(df, a=1, *, b=2.0):
    "Clean a table."
    rows = [helper(v) for v in df.x if v < LIMIT]
    try:
        return df.assign(z=rows, w=Cleaner().clean(), n=cached(a))
    except ValueError:
        return pd.concat([df, ADD(df), HALF(), NAMES["a"], WORD.sub("", "x"), MODEL])
"""


def load(text, name="jobs_under_test"):
    module = types.ModuleType(name)
    module.__file__ = f"/nowhere/{name}.py"
    sys.modules[name] = module
    exec(compile(textwrap.dedent(text), module.__file__, "exec"), module.__dict__)
    return module


@pytest.fixture
def before():
    return identify(load(JOBS).step)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("def step", "# a comment\n\n\ndef step"),
        ('    "Clean a table."\n', ""),
        ("    try:", "    # why\n\n    try:"),
        ("[helper(v) for v in df.x if v < LIMIT]", "[helper(value) for value in df.x if value < LIMIT]"),
        ("def step(df, a=1", "def step(df: pd.DataFrame, a: int = 1"),
        ("rows", "kept"),
        ("LIMIT = 5", "LIMIT = 5\nUNUSED = 7"),
        ("[helper(v) for v in df.x if v < LIMIT]", "[\n        helper(v)\n        for v in df.x\n        if v < LIMIT\n    ]"),
    ],
)  # fmt: skip
def test_what_does_not_matter_changes_nothing(before, old, new):
    assert old in JOBS
    text = JOBS.replace(old, new) if old else JOBS
    assert identify(load(text).step).key == before.key


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return x + LIMIT", "return x - LIMIT", "function jobs_under_test.helper edited at jobs_under_test.py:13"),
        ("LIMIT = 5", "LIMIT = 6", "global jobs_under_test.LIMIT changed from 5 to 6"),
        ("LIMIT = 5", "LIMIT = 5.0", "global jobs_under_test.LIMIT changed from 5 to 5.0"),
        ('"a": 1', '"a": 3', "global jobs_under_test.NAMES"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "global jobs_under_test.NAMES"),
        ("[a-z]+", "[a-z]*", "global jobs_under_test.WORD"),
        ("C=1.0", "C=2.0", "global jobs_under_test.MODEL"),
        ("factor = 1", "factor = 2", "global jobs_under_test.Base.factor changed from 1 to 2"),
        ("class Cleaner(Base)", "class Cleaner", "class jobs_under_test.Cleaner"),
        ("v=3", "v=4", "Cleaner.clean edited"),
        ("make(4)", "make(5)", "closure.n changed from 4 to 5"),
        ("np.sum", "np.mean", "make.<locals>.inner edited"),
        ("helper, 0.5", "helper, 0.25", "global jobs_under_test.HALF"),
        ("return x * 2", "return x * 3", "jobs_under_test.cached edited"),
        ("a=1", "a=2", "jobs_under_test.step edited"),
        ("b=2.0", "b=3.0", "jobs_under_test.step edited"),
        ("v < LIMIT", "v <= LIMIT", "jobs_under_test.step edited"),
        ("except ValueError", "except TypeError", ""),
        ("return x + LIMIT", "return x + UNKNOWN", "helper edited"),
    ],
)
def test_what_matters_changes_the_key_and_is_named(before, old, new, said):
    assert old in JOBS
    after = identify(load(JOBS.replace(old, new)).step)
    assert after.key != before.key
    if said and "HALF" not in said:
        assert any(said in sentence for sentence in changes(before, after)), changes(before, after)


def test_names_are_no_part_of_a_key():
    one = load("def step(x):\n    return x + 1", "jobs_one").step
    two = load("def other(x):\n    return x + 1", "jobs_two").other
    assert identify(one).key == identify(two).key


def test_equal_names_in_two_modules_do_not_collide():
    one = load("def step(x):\n    return x + 1", "jobs_one").step
    two = load("def step(x):\n    return x + 2", "jobs_two").step
    assert identify(one).key != identify(two).key


def test_settings_of_scikit_learn_that_change_results_are_part_of_it():
    import sklearn
    from sklearn.preprocessing import StandardScaler

    def scaled(X):
        return StandardScaler().fit_transform(X)

    plain = identify(scaled)
    with sklearn.config_context(display="text"):
        assert identify(scaled).key == plain.key
    with sklearn.config_context(transform_output="pandas"):
        other = identify(scaled)
    assert "transform_output = 'pandas'" in str(changes(plain, other))


def test_a_library_stands_for_its_version(monkeypatch):
    step = load("import numpy as np\ndef step(x):\n    return np.sum(x)").step
    before = identify(step)
    from mileage.workflow.identity import library

    library.library_version.cache_clear()
    monkeypatch.setattr(np, "__version__", "99.0")
    after = identify(step)
    library.library_version.cache_clear()
    assert after.key != before.key
    assert any("became numpy 99.0" in sentence for sentence in changes(before, after))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import time\ndef step(x):\n    return time.time()", "clock"),
        ("from datetime import datetime\ndef step(x):\n    return datetime.now()", "clock"),
        ("import datetime as d\ndef step(x):\n    return d.date.today()", "clock"),
        ("import pandas as pd\ndef step(x):\n    return pd.Timestamp('now')", "clock"),
        ("from time import time as now\ndef step(x):\n    return now()", "clock"),
        ("import uuid\ndef step(x):\n    return uuid.uuid4()", "randomness"),
        ("import os\ndef step(x):\n    return os.environ[x]", "environment"),
        ("from os import environ\ndef step(x):\n    return dict(environ)", "environment"),
        ("import importlib\ndef step(x):\n    return importlib.import_module(x)", "dynamic import"),
        ("def step(x):\n    return eval(x)", "dynamic code"),
        ("N = 0\ndef step(x):\n    global N\n    N = x", "writes a global"),
    ],
)
def test_code_that_depends_on_more_is_reported(text, kind):
    assert {note[0] for note in identify(load(text).step).notes} - {"whole module"} == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "import time\ndef step(x):\n    time.sleep(0)",
        "import time\ndef step(x):\n    return time.perf_counter()",
        "import os\ndef step(x):\n    return os.environ['A'], os.getenv('B', '')",
        "import datetime as d\ndef step(x):\n    return d.date(2020, 1, 2)",
    ],
)
def test_code_that_depends_on_nothing_else_is_not(text):
    assert identify(load(text).step).notes == ()


@pytest.mark.parametrize("how", ["os.environ['MILE_A']", "os.environ.get('MILE_A')", "os.getenv('MILE_A', 'x')"])
def test_a_variable_of_the_environment_that_code_names_is_part_of_it(how, monkeypatch):
    step = load(f"import os\ndef step(x):\n    return {how}").step
    monkeypatch.setenv("MILE_A", "hidden")
    one = identify(step)
    monkeypatch.setenv("MILE_B", "1")
    assert identify(step).key == one.key
    monkeypatch.setenv("MILE_A", "2")
    assert changes(one, identify(step)) == ("environment variable MILE_A changed",)
    assert "hidden" not in str(one)


def test_variables_of_the_environment_can_be_declared(monkeypatch):
    step = load("def step(x):\n    return x").step
    monkeypatch.setenv("MILE_A", "1")
    one = identify(step, env=("MILE_A",))
    monkeypatch.setenv("MILE_A", "2")
    assert identify(step, env=("MILE_A",)).key != one.key


def test_seeded_randomness_is_fine():
    step = load("import numpy as np\ndef step(x):\n    return np.random.default_rng(0).normal()").step
    assert identify(step).notes == ()


def test_recursion_and_mutual_recursion_end():
    module = load("def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)")
    assert identify(module.even).key != identify(module.odd).key


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, True), (1, 1.0), (1, "1"), (0.0, -0.0), ([1, 2], (1, 2)), ({1: 2}, {1: 3}), ((1, 2), (2, 1)),
        (np.zeros(6).reshape(2, 3), np.zeros(6).reshape(3, 2)), (np.zeros(2), np.zeros(2, dtype=int)),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})), (pd.Series([1, None]), pd.Series([1, 0.0])),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[1, 2])),
        (pd.Series(["x", None]), pd.Series(["x", "None"])), (re.compile("a"), re.compile("a", re.IGNORECASE)),
    ],
)  # fmt: skip
def test_values_that_differ_have_different_keys(one, two):
    assert identify(one).key != identify(two).key


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({3, 1, 2}, {1, 2, 3}), (float("nan"), float("nan")), (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["x"]})),
        (np.arange(4)[::2], np.array([0, 2])),
    ],
)  # fmt: skip
def test_values_that_are_equal_have_one_key(one, two):
    assert identify(one).key == identify(two).key


def test_forests_fitted_on_different_targets_differ():
    from sklearn.ensemble import RandomForestClassifier

    X = np.arange(20.0).reshape(-1, 1)
    one, two = (RandomForestClassifier(n_estimators=2, random_state=0).fit(X, X[:, 0] > limit) for limit in (5, 12))
    assert identify(one).key != identify(two).key


def test_a_value_without_identity_is_refused_with_a_way_out():
    with Path(__file__).open() as file, pytest.raises(IdentityError, match="has no identity") as raised:
        identify(file)
    assert "__mileage_key__" in raised.value.hint


def test_a_class_may_say_its_key():
    class Handle:
        def __init__(self, n):
            self.n, self.lock = n, threading.Lock()

        def __mileage_key__(self):
            return self.n

    assert identify(Handle(1)).key != identify(Handle(2)).key
    assert identify(Handle(1)).key == identify(Handle(1)).key


def test_a_value_that_contains_itself_has_a_key():
    one = [1]
    one.append(one)
    assert identify(one).key
