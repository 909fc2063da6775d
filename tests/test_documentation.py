"""What is registered or exported has a docstring, an example and a place on a page."""

import importlib
import inspect
import pkgutil
import re
import runpy
from pathlib import Path

import pytest

import mileage
from mileage.data import Database
from mileage.engine.backends import backends
from mileage.errors import BindError
from mileage.language import parse_query
from mileage.monitors import monitors
from mileage.operators import Operator, operators
from mileage.operators.metrics import metrics
from mileage.operators.versions import versions
from mileage.planner import bind
from mileage.planner.facts import facts
from mileage.search import strategies

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "examples" / "data"
REFERENCE = ROOT / "docs" / "reference"
OUTSIDE = re.compile(r"catalog\.migrations")  # run by Alembic, not imported
MODULES = sorted(
    info.name for info in pkgutil.walk_packages(mileage.__path__, "mileage.") if not OUTSIDE.search(info.name)
)
PACKAGES = [name for name in ("mileage", *MODULES) if hasattr(importlib.import_module(name), "__all__")]
PAGES = {
    "operators.md": list(operators),
    "metrics.md": list(metrics),
    "families.md": [*strategies, *backends, *monitors],
}
REGISTERED = [(page, member) for page, members in PAGES.items() for member in members]
TARGETS = {"multiclass": "species", "binary": "sex", "regression": "body_mass_g"}


def missing(operator: Operator) -> bool:
    """Say whether the library of an operator is an extra that is not installed."""
    return operator.extra is not None and any(version.endswith(" missing") for version in versions(operator))


def name_of(value: object) -> str:
    return str(getattr(value, "name", value))


@pytest.mark.parametrize(("page", "member"), REGISTERED, ids=name_of)
def test_what_is_registered_has_a_docstring_of_its_own(page: str, member: object) -> None:
    text = vars(type(member)).get("__doc__") or ""
    assert re.match(r"[A-Z`].*[.;:]", text.strip(), re.DOTALL), f"{name_of(member)}: {text!r}"


@pytest.mark.parametrize(("page", "member"), REGISTERED, ids=name_of)
def test_what_is_registered_has_its_place_on_a_page(page: str, member: object) -> None:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    assert f"### {name_of(member)}\n" in text or f"| `{name_of(member)}` |" in text


@pytest.mark.parametrize("word", facts)
def test_a_fact_has_its_place_on_a_page(word: str) -> None:
    assert f"| `{word.upper()}` |" in (REFERENCE / "families.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("operator", list(operators), ids=name_of)
def test_the_example_of_an_operator_is_a_query_that_can_be_planned(operator: Operator) -> None:
    example = runpy.run_path(str(ROOT / "tools" / "reference.py"))["operator_example"](operator)
    assert f"```text\n{example}\n```" in (REFERENCE / "operators.md").read_text(encoding="utf-8")
    target = next(column for task, column in TARGETS.items() if task in operator.tasks)
    text = f"PREDICT {target} FROM 'penguins.csv' {example}"
    if missing(operator):
        with pytest.raises(BindError) as caught:
            bind(parse_query(text), Database(TABLES), source=text)
        assert [d.code for d in caught.value.diagnostics] == ["E218"]
    else:
        assert operator.name in str(bind(parse_query(text), Database(TABLES), source=text).space)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert (importlib.import_module(module).__doc__ or "").strip()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_there_and_documented(package: str) -> None:
    face = importlib.import_module(package)
    things = {name: getattr(face, name) for name in face.__all__}
    ours = {name: thing for name, thing in things.items() if inspect.isclass(thing) or inspect.isroutine(thing)}
    assert not [name for name, thing in ours.items() if not vars(thing).get("__doc__") and not thing.__doc__]
    assert not [name for name, thing in ours.items() if inspect.isclass(thing) and not vars(thing).get("__doc__")]


@pytest.mark.parametrize("name", [name for name in mileage.__all__ if not name.startswith("__")])
def test_every_public_name_has_its_section_and_stays_what_it_is(name: str) -> None:
    assert f"\n## {name}\n" in (REFERENCE / "python.md").read_text(encoding="utf-8")
    thing = getattr(mileage, name)
    assert not inspect.ismodule(thing), f"a module hides mileage.{name}"
    assert thing is getattr(mileage, name)


def test_public_functions_show_an_example() -> None:
    functions = [n for n in mileage.__all__ if inspect.isfunction(getattr(mileage, n))]
    assert functions
    assert not [name for name in functions if ">>>" not in (getattr(mileage, name).__doc__ or "")]
