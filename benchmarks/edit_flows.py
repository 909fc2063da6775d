"""Small programs that can be edited at random: constants, classes, helpers and steps in three modules, files, and a flow.

A thing is a template with values and references to other things. What a step means is known without looking at its text:
:meth:`Program.meaning` is equal for two steps that do the same, whatever things are called and wherever they lie.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

MODULES = ("edited_a", "edited_b", "edited_c")
IMPORTS = "import dataclasses, enum, functools, random, time\nimport numpy as np\nimport pandas as pd\n"

# In a template, {n} is the thing's own name, {v0} a value, {op} an operator, {l} a local variable, {note} a docstring and a
# comment, {an} an annotation; a letter with a digit is another thing: a Constant, List, Dict, Registry, class (K), function (G).
CONSTANTS = {"C": "{n} = {v0}\n", "L": "{n} = [{v0}, {v1}, (1, {v2})]\n", "D": "{n} = {{'a': {v0}, {v1!r}: {v2}}}\n"}
REGISTRIES = {"R": "{n} = {{'one': {G0}, 'two': [{G1}]}}\n"}
CLASSES = {
    "base": "class {n}:\n    {note}\n    width = {v0}\n\n    def grown(self, x):\n        return x * self.width {op} {C0}\n",
    "sub": "class {n}({K0}):\n    {note}\n    def grown(self, x):\n        return super().grown(x) {op} {v0}\n",
    "property": "class {n}:\n    {note}\n    @property\n    def width(self):\n        return {v0} {op} {C0}\n\n"
    "    def grown(self, x):\n        return x + self.width\n",
    "static": "class {n}:\n    {note}\n    @staticmethod\n    def _inner(x):\n        return x {op} {C0}\n\n"
    "    @classmethod\n    def grown(cls, x):\n        return cls._inner(x) + {v0}\n",
    "dataclass": "@dataclasses.dataclass\nclass {n}:\n    {note}\n    width: int = {v0}\n\n"
    "    def grown(self, x):\n        return x {op} self.width\n",
}
HELPERS = {
    "plain": "def {n}(x{an}, by={v0}):\n    {note}\n    {l} = x {op} {C0}\n    return {l} + by\n",
    "keyword": "def {n}(x{an}, *, by={v0}):\n    {note}\n    return x {op} by\n",
    "calls": "def {n}(x{an}):\n    {note}\n    {l} = {G0}(x)\n    return {l} {op} {C0} + {G1}({l})\n",
    "lambda": "{n} = lambda x: x {op} {C0} + {v0}\n",
    "partial": "{n} = functools.partial({P0}, by={v0})\n",
    "closure": "def _make_{n}(c):\n    def inner(x):\n        return x {op} c\n\n    return inner\n\n\n{n} = _make_{n}({C0})\n",
    "method": "{n} = {K0}().grown\n",
    "object": "def {n}(x{an}):\n    {note}\n    {l} = {K0}()\n    return {l}.grown(x) {op} {v0}\n",
    "nested": "def {n}(x{an}):\n    {note}\n    {l} = x {op} {v0}\n    a_{l}, z = {l} + {v1}, {C0}\n\n    def inner(y):\n"
    "        return y {op} {l} - z + a_{l}\n\n    return inner({v2}) + sum([y * {l} for y in (1, z)])\n",
    "by name": "def {n}(x{an}):\n    {note}\n    {l}, other = x {op} {v0}, {v1}\n"
    "    return int(pd.DataFrame({{'v': [x]}}).eval('v * @{C0} + @{l} + @other', engine='python')[0]) + {l}\n",
    "list": "def {n}(x{an}):\n    {note}\n    return sum(i * {l} for i, {l} in enumerate({L0}[:2])) {op} x + {L0}[2][1]\n",
    "dict": "def {n}(x{an}):\n    {note}\n    for {l} in {D0}.values():\n        x = x * 2 + {l}\n    return x\n",
    "text": "def {n}(x{an}):\n    {note}\n    return x {op} sum(map(ord, repr({C0}))) + len(f'{{{L0}}}')\n",
    "handed": "def {n}(x{an}):\n    {note}\n    return sum(map({G0}, [x, {v0}]))\n",
    "registry": "def {n}(x{an}):\n    {note}\n    return {R0}['one'](x) {op} {R0}['two'][0](x)\n",
    "loop": "def {n}(x{an}):\n    {note}\n    for {l} in range(3):\n        if {l} == 1:\n            continue\n"
    "        try:\n            x = x {op} {C0}\n        finally:\n            x += {v0}\n    return x\n",
    "cached": "@functools.lru_cache\ndef {n}(x{an}):\n    {note}\n    return {G0}(x) {op} {v0}\n",
    "decorated": "def _around_{n}(f):\n    def inner(x):\n        return f(x) {op} {C0}\n\n    return inner\n\n\n"
    "@_around_{n}\ndef {n}(x{an}):\n    {note}\n    return x + {v0}\n",
    "names": "def {n}(x{an}):\n    {note}\n    return x + len({G0}.__class__.__name__) + {v0}\n",
    "match": "def {n}(x{an}):\n    {note}\n    match {C0}:\n        case {v0}:\n            return x\n        case {l}:\n"
    "            return x {op} {l}\n",
}
STEPS = {
    "map": "def {n}(a):\n    {note}\n    return [{G0}(x) % 9973 for x in a]\n",
    "given": "def {n}(a, p={v0}):\n    {note}\n    return [({G0}(x) {op} p) % 9973 for x in a]\n",
    "both": "def {n}(a, b, p={v0}):\n    {note}\n    {l} = list(zip(a, b))\n    return [(x - 2 * y {op} {C0} + p) % 9973 for x, y in {l}]\n",
    "changes": "def {n}(a):\n    {note}\n    a.append({C0})\n    a.sort()\n    return a[:4]\n",
    "numpy": "def {n}(a):\n    {note}\n    {l} = np.asarray(a, float) {op} {C0}\n    return (np.round({l}) % 9973).tolist()\n",
    "seeded": "def {n}(a):\n    {note}\n    {l} = np.random.RandomState(abs(int({v0})))\n    return [x + {l}.randint(9) for x in a]\n",
    "sorted": "def {n}(a):\n    {note}\n    return sorted(a, key={G0})\n",
    "drawn": "def {n}(a):\n    {note}\n    random.random()\n    return [x + {v0} for x in a]\n",
    "clock": "def {n}(a):\n    {note}\n    return [x + {v0} + 0 * int(time.time()) for x in a]\n",
    "undeclared": "def {n}(a):\n    {note}\n    with open(PLACES[0]) as file:\n        {l} = file.read()\n    return [x + int({l}[0]) for x in a]\n",
}
ROOT = "def {n}(path):\n    {note}\n    with open(path) as file:\n        return [int({l}) + {v0} for {l} in file.read().split()]\n"

TEMPLATES: Mapping[str, str] = {
    **CONSTANTS, **REGISTRIES, **{f"class {k}": v for k, v in CLASSES.items()}, **{f"def {k}": v for k, v in HELPERS.items()},
    **{f"step {k}": v for k, v in STEPS.items()}, "step root": ROOT,
}  # fmt: skip
UNSTABLE = frozenset({"step drawn", "step clock", "step undeclared"})
_EAGER = frozenset({"R", "class sub", "def partial", "def closure", "def method", "def cached", "def decorated"})
_NAMED = frozenset({"class dataclass", "def decorated", "def cached"})  # what it is called may be shown
_HANDS_ON = frozenset({"def partial", "def by name", "R", "def handed", "step sorted"})
_REFERENCE = re.compile(r"\{([A-Z]\d)\}")
VALUES = ("0", "1", "2", "3", "7", "-1", "-2", "1.0", "2.5", "0.0", "-0.0", "True")
OPERATORS = ("+", "-", "*")
_LOCALS = ("value", "item", "row", "it")


def wanted(template: str) -> list[str]:
    """Return the references of a template, each once, in order."""
    return list(dict.fromkeys(_REFERENCE.findall(TEMPLATES[template])))


@dataclass(frozen=True)
class Thing:
    """A definition; from ``name`` on it is how it is written, which is no matter."""

    template: str
    values: tuple[str, ...] = ("1", "2", "3")
    op: str = "+"
    refs: tuple[int, ...] = ()
    dotted: bool = False
    name: str = ""
    module: int = 0
    local: str = "value"
    note: str = ""
    annotation: str = ""
    gap: int = 2


@dataclass(frozen=True)
class Place:
    """A step in the flow: the thing it calls, its parents by position, the file or the parameter it is given."""

    thing: int
    parents: tuple[int, ...] = ()
    given: str | None = None
    file: int = 0
    by_keyword: bool = False


@dataclass(frozen=True)
class Program:
    """All there is; ``order`` is that of definitions in the text."""

    things: tuple[Thing, ...]
    flow: tuple[Place, ...]
    files: tuple[str, str] = ("1 2 3", "4 5 6")
    order: tuple[int, ...] = ()
    _meanings: dict[int, object] = field(default_factory=dict, compare=False, repr=False)

    def meaning(self, i: int) -> object:
        """Return what a thing is, without its name and place."""
        if i not in self._meanings:
            one = self.things[i]
            refs = tuple(self.meaning(ref) for ref in one.refs)
            names = tuple(self.things[ref].name for ref in one.refs) if one.template in _HANDS_ON else ()
            names += (one.name,) if one.template in _NAMED else ()
            dots = tuple(self._is_dotted(ref, one) for ref in one.refs)
            same = tuple(one.refs.index(ref) for ref in one.refs)
            text = TEMPLATES[one.template]
            values = tuple(value for k, value in enumerate(one.values) if f"{{v{k}" in text)
            op = one.op if "{op}" in text else ""
            names += (one.local,) if one.template == "def by name" else ()
            self._meanings[i] = hash((one.template, values, op, refs, names, dots, same))
        return self._meanings[i]

    def reach(self, i: int) -> list[int]:
        """Return a thing and all that it uses, in the order of discovery."""
        found: dict[int, None] = {}
        stack = [i]
        while stack:
            one = stack.pop()
            if one not in found:
                found[one] = None
                stack += reversed(self.things[one].refs)
        return list(found)

    @cached_property
    def keys(self) -> tuple[object, ...]:
        """What each place of the flow gives, as one who knows all would key it; None if no two runs need agree."""
        found: list[object] = []
        for place in self.flow:
            above = tuple(found[p] for p in place.parents)
            reach = self.reach(place.thing)
            shows = any(self.things[i].template == "def names" for i in reach)
            names = tuple(self.things[i].name for i in reach) if shows else ()
            shared = tuple(reach.index(ref) for i in reach for ref in self.things[i].refs)
            unstable = self.things[place.thing].template in UNSTABLE or None in above
            takes = "p={v0}" in TEMPLATES[self.things[place.thing].template]
            given = (place.given if place.given is not None else self.things[place.thing].values[0]) if takes else None
            data = self.files[place.file] if not place.parents else ""
            key = hash((self.meaning(place.thing), names, shared, above, given, data, place.file if data else 0))
            found.append(None if unstable else key)
        return tuple(found)

    def sources(self) -> dict[str, str]:
        """Return the text of each module."""
        texts = {name: [IMPORTS] for name in MODULES}
        for i in self.order:
            one = self.things[i]
            texts[MODULES[one.module]].append(self._written(one))
        imported = {name: self._imports(k) for k, name in enumerate(MODULES)}
        return {name: texts[name][0] + imported[name] + "".join(texts[name][1:]) for name in MODULES}

    def _imports(self, module: int) -> str:
        lines = []
        for one in self.things:
            for ref in one.refs if one.module == module else ():
                other = self.things[ref]
                if other.module != module:
                    name = MODULES[other.module]
                    lines.append(f"import {name}" if self._is_dotted(ref, one) else f"from {name} import {other.name}")
        return "".join(f"{line}\n" for line in dict.fromkeys(lines))

    def _written(self, one: Thing) -> str:
        names = dict(zip(wanted(one.template), (self._called(ref, one) for ref in one.refs), strict=True))
        values = {f"v{i}": value for i, value in enumerate(one.values)}
        note = f'"""{one.note}"""  # {one.note}' if one.note else "# as it is"
        text = TEMPLATES[one.template].format(
            n=one.name, op=one.op, l=one.local, note=note, an=one.annotation, **names, **values
        )
        return "\n" * one.gap + text

    def _called(self, ref: int, by: Thing) -> str:
        other = self.things[ref]
        return f"{MODULES[other.module]}.{other.name}" if self._is_dotted(ref, by) else other.name

    def _is_dotted(self, ref: int, by: Thing) -> bool:
        """Say whether a thing is written as an attribute of its module; not in a text, which is as good as all of it."""
        other = self.things[ref]
        return other.dotted and other.module != by.module and by.template != "def by name"


# --- making and editing -----------------------------------------------------------------------------------------------


def program(rng: random.Random) -> Program:
    """Return a program of about twenty things and six steps."""
    things: list[Thing] = []
    kinds = ["C", "C", "C", "L", "D", "class base", "def plain", "R"]
    kinds += [f"class {rng.choice(list(CLASSES))}" for _ in range(2)]
    kinds += [f"def {rng.choice(list(HELPERS))}" for _ in range(3)] + ["R"]
    kinds += [f"def {rng.choice(list(HELPERS))}" for _ in range(3)] + ["step root"]
    kinds += [f"step {rng.choice(list(STEPS))}" for _ in range(4)]
    for kind in kinds:
        things.append(_thing(kind, things, rng))
    roots = [i for i, one in enumerate(things) if one.template == "step root"]
    flow = [Place(roots[0], file=0), Place(roots[0], file=1)]
    for i in (i for i, one in enumerate(things) if one.template in {f"step {k}" for k in STEPS}):
        n = 2 if things[i].template == "step both" else 1
        given = rng.choice(VALUES) if things[i].template in {"step both", "step given"} and rng.random() < 0.5 else None
        flow.append(Place(i, tuple(rng.randrange(len(flow)) for _ in range(n)), given))
    return Program(tuple(things), tuple(flow), order=tuple(range(len(things))))


def _thing(kind: str, things: list[Thing], rng: random.Random) -> Thing:
    refs = tuple(_reference(word[0], things, rng) for word in wanted(kind))
    module = rng.randrange(max([things[ref].module for ref in refs], default=0), len(MODULES))
    values = tuple(rng.choice(VALUES) for _ in range(3))
    dotted = rng.random() < 0.2
    return Thing(kind, values, rng.choice(OPERATORS), refs, dotted, f"t{len(things)}", module, rng.choice(_LOCALS))


def _reference(letter: str, things: list[Thing], rng: random.Random) -> int:
    wanted_kinds = {"G": "def ", "K": "class ", "P": "def plain"}.get(letter, letter)
    return rng.choice([i for i, one in enumerate(things) if one.template.startswith(wanted_kinds)])


def edited(before: Program, history: list[Program], rng: random.Random) -> tuple[str, Program]:
    """Return what was done, and the program after it."""
    name = rng.choice(list(EDITS))
    if name == "undo":
        return name, rng.choice(history)
    i = rng.randrange(len(before.things))
    return f"{name} {before.things[i].name}", EDITS[name](before, i, rng)


def _changed(before: Program, i: int, **what: object) -> Program:
    things = list(before.things)
    things[i] = replace(things[i], **what)  # type: ignore[arg-type]
    return _made(before, things=tuple(things))


def _made(before: Program, **what: object) -> Program:
    return replace(before, _meanings={}, **what)  # type: ignore[arg-type]


def _value(before: Program, i: int, rng: random.Random) -> Program:
    values = list(before.things[i].values)
    values[rng.randrange(3)] = rng.choice(VALUES)
    return _changed(before, i, values=tuple(values))


def _values_swapped(before: Program, i: int, rng: random.Random) -> Program:
    del rng
    return _changed(before, i, values=before.things[i].values[::-1])


def _operator(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, op=rng.choice(OPERATORS))


def _rerouted(before: Program, i: int, rng: random.Random) -> Program:
    """Use another thing of the same kind, of those that come before and lie no higher."""
    one, refs = before.things[i], list(before.things[i].refs)
    if not refs:
        return before
    at = rng.randrange(len(refs))
    like = [
        k
        for k in range(i)
        if _fits(before.things[k], wanted(one.template)[at][0]) and before.things[k].module <= one.module
    ]
    refs[at] = rng.choice(like)
    return _ordered(_changed(before, i, refs=tuple(refs)), rng)


def _fits(one: Thing, letter: str) -> bool:
    return one.template.startswith({"G": "def ", "K": "class ", "P": "def plain"}.get(letter, letter))


def _template(before: Program, i: int, rng: random.Random) -> Program:
    """Put another body that needs no other things in the place of a helper's."""
    one = before.things[i]
    same = [t for t in TEMPLATES if t.startswith("def ") and wanted(t) == wanted(one.template) and t != "def plain"]
    if one.template not in same:
        return before
    return _ordered(_changed(before, i, template=rng.choice(same)), rng)


def _parents(before: Program, i: int, rng: random.Random) -> Program:
    del i
    flow = list(before.flow)
    at = rng.randrange(2, len(flow))
    flow[at] = replace(flow[at], parents=tuple(rng.randrange(at) for _ in flow[at].parents))
    return _made(before, flow=tuple(flow))


def _parameter(before: Program, i: int, rng: random.Random) -> Program:
    del i
    places = [k for k, p in enumerate(before.flow) if before.things[p.thing].template in {"step both", "step given"}]
    if not places:
        return before
    flow, at = list(before.flow), rng.choice(places)
    default = before.things[flow[at].thing].values[0]
    flow[at] = replace(flow[at], given=rng.choice([*VALUES, None, default]), by_keyword=rng.random() < 0.5)
    return _made(before, flow=tuple(flow))


def _file(before: Program, i: int, rng: random.Random) -> Program:
    files = list(before.files)
    words = files[i % 2].split()
    words[rng.randrange(3)] = str(rng.randrange(1, 10))
    files[i % 2] = " ".join(words)
    return _made(before, files=tuple(files))


def _renamed(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, name=f"t{i}_{rng.randrange(9)}")


def _local(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, local=rng.choice(_LOCALS))


def _noted(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, note=rng.choice(["", "Grow.", "Grow it all."]))


def _annotated(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, annotation=rng.choice(["", ": int", ": 'float'"]))


def _spaced(before: Program, i: int, rng: random.Random) -> Program:
    return _changed(before, i, gap=rng.randrange(6))


def _reordered(before: Program, i: int, rng: random.Random) -> Program:
    del i
    return _ordered(before, rng)


def _ordered(before: Program, rng: random.Random) -> Program:
    """Put definitions in a random order in which what is needed at once comes first."""
    left = list(range(len(before.things)))
    rng.shuffle(left)
    order: list[int] = []

    def put(i: int) -> None:
        if i not in order:
            if before.things[i].template in _EAGER:
                for ref in before.things[i].refs:
                    put(ref)
            order.append(i)

    for i in left:
        put(i)
    return _made(before, order=tuple(order))


def _moved(before: Program, i: int, rng: random.Random) -> Program:
    """Move a definition to another module, no higher than what it uses, no lower than what uses it."""
    one = before.things[i]
    users = [t.module for t in before.things if i in t.refs]
    low, high = max([before.things[r].module for r in one.refs], default=0), min(users, default=len(MODULES) - 1)
    if low > high or one.dotted or one.template == "step undeclared" or any(before.things[r].dotted for r in one.refs):
        return before
    return _ordered(_changed(before, i, module=rng.randint(low, high)), rng)


def _unused(before: Program, i: int, rng: random.Random) -> Program:
    """Add a helper that nothing uses."""
    del i
    kind = f"def {rng.choice(list(HELPERS))}"
    things = list(before.things)
    things.append(_thing(kind, things, rng))
    return _made(before, things=tuple(things), order=(*before.order, len(things) - 1))


EDITS = {
    "value": _value, "values swapped": _values_swapped, "operator": _operator, "rerouted": _rerouted, "template": _template,
    "parents": _parents, "parameter": _parameter, "file": _file, "renamed": _renamed, "local": _local, "noted": _noted,
    "annotated": _annotated, "spaced": _spaced, "reordered": _reordered, "moved": _moved, "unused": _unused, "undo": _moved,
}  # fmt: skip
