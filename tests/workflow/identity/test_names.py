"""Names of variables leave no trace, except where a text finds variables by their names."""

from __future__ import annotations

import sys
from types import ModuleType
from unittest.mock import patch

import pytest

from mileage.workflow.identity import identify
from mileage.workflow.identity.reads import attributes_of_classes_in

IMPORTS = "import duckdb\nimport pandas as pd\nLIMIT = 3\nFRAME = pd.DataFrame({'a': [1]})\n"


def key(text):
    scope = {"__name__": "birds_of_names"}
    exec(IMPORTS + text, scope)
    return identify(scope["step"]).key


CAPTURED = "def step(rows):\n    low, high = min(rows), max(rows)\n    return [low + r * high for r in rows], lambda r: high - low * r\n"
MADE = (
    "def make(one, two):\n    def inner(rows):\n        return rows * one - two\n    return inner\nstep = make(1, 2)\n"
)
SAME = {
    "captured variables": (CAPTURED, ("low", "z"), ("high", "a")),
    "one of them": (CAPTURED, ("high", "a")),
    "what a closure holds": (MADE, ("one", "zone"), ("two", "a")),
}


@pytest.mark.parametrize("name", SAME)
def test_the_name_of_a_variable_that_functions_share_is_no_matter(name):
    text, *renamed = SAME[name]
    after = text
    for old, new in renamed:
        after = after.replace(old, new)
    assert after != text
    assert key(after) == key(text)


CHANGED = {
    "captured variables trade places": (CAPTURED, "high - low * r", "low - high * r"),
    "one captured variable for another": (CAPTURED, "low + r * high", "high + r * high"),
    "what a closure holds trades places": (MADE, "rows * one - two", "rows * two - one"),
    "both trade places and values": (MADE, "make(1, 2)", "make(2, 1)"),
    "local variables that a query names": (
        "def step(rows):\n    few, many = rows[:1], rows\n    return duckdb.sql('SELECT * FROM few').df()\n",
        "few, many", "many, few",
    ),
    "local variables that a condition names": (
        "def step(rows):\n    low, high = 1, 5\n    return rows.query('size > @low')\n", "low, high", "high, low",
    ),
    "a global that a condition names": ("def step(rows):\n    return rows.query('size > @LIMIT')\nLIMIT = 4\n", "LIMIT = 4", "LIMIT = 5"),
    "a global that a query names": (
        "def step(rows):\n    return duckdb.sql('SELECT * FROM FRAME').df()\nFRAME = FRAME * 2\n", "* 2", "* 3",
    ),
    "a global that a query in a global names": (
        "QUERY = 'SELECT * FROM FRAME'\ndef step(rows):\n    return duckdb.sql(QUERY).df()\nFRAME = FRAME * 2\n", "* 2", "* 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_what_a_name_stands_for_matters(name):
    text, old, new = CHANGED[name]
    assert old in text
    assert key(text.replace(old, new)) != key(text)


def test_a_global_that_no_text_names_is_no_matter():
    text = "def step(rows):\n    return rows.query('size > 3')\nOTHER = 1\n"
    assert key(text.replace("OTHER = 1", "OTHER = 2")) == key(text)


def member_key(members, body, name="birds_of_members"):
    """Return the key of a step that reads members of a module of its own, which it imports."""
    module = ModuleType(name)
    module.__file__ = "/nowhere/birds_of_members.py"
    exec(members, vars(module))
    scope = {"__name__": "birds_of_names"}
    with patch.dict(sys.modules, {name: module}):
        exec(f"import {name} as birds\ndef step(x):\n    return {body}\n", scope)
        return identify(scope["step"]).key


MEMBERS = "low = 1\nhigh = 2\ndef grown(x):\n    return x + low\n"
WRITTEN = f"{MEMBERS}def reset():\n    global low\n    low = 0\n"


def test_the_name_of_a_member_of_ones_own_module_is_no_matter():
    renamed = "small = 1\nlarge = 2\n"
    read = "birds.low * birds.high - birds.low"
    assert member_key(MEMBERS, read) == member_key(renamed, "birds.small * birds.large - birds.small")


def test_the_name_of_a_function_that_is_called_through_its_module_is_no_matter():
    renamed = MEMBERS.replace("grown", "larger")
    for body in ("birds.{}(x)", "[birds.{}(one) + 1 for one in x]"):
        assert member_key(MEMBERS, body.format("grown")) == member_key(renamed, body.format("larger"))
    changed = MEMBERS.replace("x + low", "x - low")
    assert member_key(MEMBERS, "birds.grown(x)") != member_key(changed, "birds.grown(x)")


def test_whether_a_global_is_imported_or_made_here_is_no_matter():
    table, step = "TABLE = {'a': 1}\n", "def step(x):\n    return [x + v for v in TABLE.values()], TABLE.items\n"
    other = ModuleType("birds_of_tables")
    exec(table, vars(other))
    with patch.dict(sys.modules, {"birds_of_tables": other}):
        assert key(f"from birds_of_tables import TABLE\n{step}") == key(table + step)
        assert key(f"from birds_of_tables import TABLE\n{step.replace('items', 'items()')}") != key(table + step)


@pytest.mark.parametrize("body", ["map(birds.{}, x)", "birds.{}.__name__", "birds.{}.by(x)"])
def test_the_name_of_a_function_that_is_handed_on_through_its_module_matters(body):
    own = f"{MEMBERS}grown.by = len\n"
    renamed = own.replace("grown", "larger")
    assert member_key(own, body.format("grown")) != member_key(renamed, body.format("larger"))


@pytest.mark.parametrize(
    ("members", "one", "other"),
    [
        (MEMBERS, "birds.low * 2 + birds.high + birds.low", "birds.low * 2 + birds.high + birds.high"),
        (MEMBERS, "birds.low - birds.high", "birds.high - birds.low"),
        (MEMBERS, "birds.low", "birds.high"),
        (MEMBERS, "birds.low", "birds.grown(x)"),
        ("low = high = 1\n", "birds.low.real", "birds.low.imag"),
        ("low = high = 1\n", "getattr(birds, 'low')", "getattr(birds, 'high')"),
    ],
)
def test_which_member_is_read_matters(members, one, other):
    assert member_key(members, one) != member_key(members, other)


def test_the_name_of_a_member_that_its_module_assigns_matters():
    assert member_key(WRITTEN, "birds.low") != member_key(WRITTEN.replace("low", "little"), "birds.little")


BOX = "import dataclasses\n@dataclasses.dataclass\nclass Box:\n    width: int = 2\n    def grown(self, x):\n        return x + self.width\n"


def test_the_name_of_a_step_is_no_matter_where_code_shows_names_of_classes_only():
    text = f"{BOX}grown = Box().grown\ndef step(x):\n    return sorted(x, key=grown)\n"
    renamed = f"{text.replace('def step', 'def other')}step = other\n"
    with patch.dict(sys.modules, {"birds_of_names": ModuleType("birds_of_names")}):  # dataclasses look there
        assert key(renamed) == key(text)
        assert key(text.replace("Box", "Case")) != key(text)


def test_the_name_of_a_step_matters_where_code_shows_names_of_functions():
    text = "def step(x):\n    return [x.__class__.__name__, step.__name__]\n"
    renamed = f"{text.replace('step', 'other')}step = other\n"
    assert key(renamed) != key(text)


@pytest.mark.parametrize(
    "looked", ["f if x else x.__class__", "x.__class__ if x else f", "f or x.__class__", "x.__class__ and f"]
)
def test_what_may_be_looked_up_of_a_function_is_not_of_classes_only(looked):
    code = eval(f"lambda x, f: ({looked}).__name__").__code__
    assert "__name__" not in attributes_of_classes_in(code)
