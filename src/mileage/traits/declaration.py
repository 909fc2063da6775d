"""What is declared of classes of other libraries: data, read from ``classes.toml``.

A declaration is a claim, not a fact: :mod:`mileage.traits.harness` tests each one with the versions that are installed. A class
that is not in the registry is opaque: it is shared only where it is equal in all of its parameters and inputs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mileage.traits.exactness import Exactness
from mileage.traits.subject import N_ROWS, Subject

STAGES = ("scan", "finalize", "continue", "restrict", "predict", "never")


@dataclass(frozen=True)
class Claim:
    """One trait of one class: its law, what the law is about, and how exactly it is said to hold.

    ``argument`` is a parameter or the name of an algebra; ``values`` are values of the parameter to try.
    """

    law: str
    exactness: Exactness
    argument: str = ""
    values: tuple[Any, ...] = ()
    stage: str = ""

    def __str__(self) -> str:
        inside = ", ".join(part for part in (self.argument, self.stage) if part)
        return f"{self.law}({inside})" if inside else self.law


@dataclass(frozen=True)
class Declaration:
    """All that is claimed of one class; ``states`` names fitted attributes by the stage that ends with them.

    ``late`` are parameters that fits can be cut by, each with a value whose fit holds those of all others, or ``largest``.
    """

    subject: Subject
    claims: tuple[Claim, ...]
    states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    late: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bindings(self) -> tuple[Claim, ...]:
        """The claims that say at which stage a parameter is first read."""
        return tuple(claim for claim in self.claims if claim.law == "binds")

    def states_before(self, stage: str) -> tuple[str, ...]:
        """Return the fitted attributes that are there before a stage."""
        earlier = STAGES[: STAGES.index(stage)]
        return tuple(name for one in earlier for name in self.states.get(one, ()))


@cache
def declarations() -> tuple[Declaration, ...]:
    """Return the registry.

    Examples
    --------
    >>> ridge = next(d for d in declarations() if d.subject.short == "Ridge")
    >>> [str(claim) for claim in ridge.claims if claim.law == "group"]
    ['group(ridge)']
    """
    data = tomllib.loads(Path(__file__).with_name("classes.toml").read_text(encoding="utf-8"))
    kinds = data.pop("kinds")
    return tuple(_declaration(name, _with_kind(entry, kinds)) for name, entry in _classes(data))


@cache
def claimed(law: str, name: str, argument: str) -> Exactness:
    """Return how exactly a law on an argument is said to hold for a class, by its short name.

    Raises
    ------
    LookupError
        If the registry has no such claim.

    Examples
    --------
    >>> str(claimed("cuts", "PCA", "n_components")), str(claimed("cuts", "DecisionTreeRegressor", "ccp_alpha"))
    ('fp', 'bitwise')
    """
    for declared in declarations():
        for claim in declared.claims:
            if (declared.subject.short, claim.law, claim.argument) == (name, law, argument):
                return claim.exactness
    message = f"the registry does not claim {law}({argument}) of {name}"
    raise LookupError(message)


def _classes(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for module, classes in data.items():
        for name, entry in classes.items():
            yield f"{module}.{name}", entry


def _with_kind(entry: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return an entry over what its kinds say; tables are joined."""
    made: dict[str, Any] = {}
    for part in (*[kinds[name] for name in entry.get("like", ())], entry):
        made = _joined(made, part)
    return made


def _joined(one: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _joined(one[key], over[key]) for key in one.keys() & over.keys() if isinstance(over[key], dict)}
    return {**one, **over, **both}


def _declaration(name: str, entry: Mapping[str, Any]) -> Declaration:
    params = tuple(entry.get("params", {}).items())
    rows = int(entry.get("rows", N_ROWS))
    subject = Subject(name, entry.get("X", "numbers"), entry.get("y", ""), params, rows)
    states = {stage: tuple(names) for stage, names in entry.get("states", {}).items()}
    return Declaration(subject, tuple(_claims(entry)), states, entry.get("late", {}))


def _claims(entry: Mapping[str, Any]) -> Iterator[Claim]:
    for law, how in entry.get("holds", {}).items():
        if how:
            yield Claim(law, Exactness.of(how))
    for law in ("monoid", "group"):
        for algebra, how in entry.get(law, {}).items():
            yield Claim(law, Exactness.of(how), algebra)
    for law in ("cuts", "gathers", "path", "stacks"):
        for name, (how, *values) in entry.get(law, {}).items():
            yield Claim(law, Exactness.of(how), name, tuple(values))
    for stage in STAGES:
        for name, values in entry.get("binds", {}).get(stage, {}).items():
            yield Claim(
                "binds", Exactness.BITWISE, name, tuple(values) if isinstance(values, list) else (values,), stage
            )
