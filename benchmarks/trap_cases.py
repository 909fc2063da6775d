"""Edits that a tool with memory gets wrong: a small flow of nine steps, and for each trap what is changed in it.

A trap says which steps the change touches; these and the steps behind them may run again, no other. It is a module of
data: :mod:`traps` runs it through MILE and through other tools, ``tests/acceptance/test_traps.py`` through MILE alone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Change = tuple[str, str, str]  # a file, a text in it, and what takes its place ("" of no file: all of it)

PARENTS: Mapping[str, tuple[str, ...]] = {
    "rows": (), "cleaned": ("rows",), "features": ("cleaned",), "target": ("cleaned",), "model": ("features", "target"),
    "scores": ("model", "features"), "totals": ("cleaned",), "figures": ("scores", "target"),
    "report": ("figures", "totals", "features"),
}  # fmt: skip
STEPS = tuple(PARENTS)

JOBS = '''
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from toolbox import tidy

_LIMIT = 90
_WEIGHTS = {"a": 1.0, "b": 2.0}
_NESTED = (1, (2, (3, 4)))


def _dwell():
    time.sleep(0.01)  # so that to load is always cheaper


def _scaler(factor):
    def scale(values):
        return values * factor

    return scale


_SCALE = _scaler(2.0)


def _logged(times):
    def around(function):
        def inner(values):
            return function(values) * times

        return inner

    return around


@_logged(1)
def _lifted(values):
    return values + 1


class _Base:
    width = 10

    def edge(self, values):
        return values // self.width


class _Binner(_Base):
    def bins(self, values):
        return self.edge(values)


def _even(n):
    return True if n == 0 else _odd(n - 1)


def _odd(n):
    return False if n == 0 else _even(n - 1)


def rows(path: str) -> Any:
    _dwell()
    return pd.read_csv(path)


def cleaned(rows: Any) -> Any:
    _dwell()
    return tidy(rows[rows["x"] < _LIMIT])


def features(cleaned: Any, unit: Any, power: int = 1) -> Any:
    """Make the features."""
    _dwell()
    x = cleaned["x"] ** power
    weight = cleaned["k"].map(_WEIGHTS)
    return pd.DataFrame({"x": _SCALE(x) + _NESTED[1][1][0], "bin": _Binner().bins(x), "k": _lifted(weight)}) * unit


def target(cleaned: Any) -> Any:
    _dwell()
    return (cleaned["y"] > 0).astype(int)


def model(features: Any, target: Any) -> Any:
    _dwell()
    return RandomForestClassifier(n_estimators=3, max_depth=3, random_state=0).fit(features, target)


def scores(model: Any, features: Any) -> Any:
    _dwell()
    return model.predict_proba(features)[:, 1]


def totals(cleaned: Any, query: str) -> Any:
    _dwell()
    import duckdb

    with duckdb.connect() as connection:
        connection.register("cleaned", cleaned)
        return connection.execute(query).df()


def figures(scores: Any, target: Any, threshold: float, note: Any) -> dict:
    _dwell()
    return {"rate": float(((scores > threshold) == target).mean()), "spread": float(np.std(scores)), "note": repr(note)}


def report(figures: Any, totals: Any, features: Any) -> str:
    _dwell()
    sums = {name: round(float(features[name].sum()), 6) for name in features}
    return f"{figures} {totals.to_dict('list')} {sums} {_even(4)}"
'''

FILES: Mapping[str, str] = {
    "jobs.py": JOBS,
    "settings.py": (
        'PATH = "data.csv"\nUNIT = 1\nTHRESHOLD = 0.5\nNOTE = 1\n'
        'QUERY = "SELECT k, sum(x) AS total FROM cleaned GROUP BY k ORDER BY k"\n'
    ),
    "toolbox/__init__.py": "from toolbox.near import tidy\n\nSIZES = [1, 2]\n",
    "toolbox/near.py": "from toolbox.deep import drop\n\n\ndef tidy(rows):\n    return drop(rows).reset_index(drop=True)\n",
    "toolbox/deep.py": "LOWEST = 2\n\n\ndef drop(rows):\n    return rows[rows['x'] >= LOWEST]\n",
    "data.csv": "x,k,y\n" + "".join(f"{i},{'ab'[i % 2]},{i * 7 % 5 - 2}\n" for i in range(100)),
    "site-packages/shelf/__init__.py": '__version__ = "1.0"\n\n\ndef lift(values):\n    return values + 10\n',
}

FLOW = """
import mileage as ml
import jobs
import settings

step = ml.step
rows = step(jobs.rows)(settings.PATH)
cleaned = step(jobs.cleaned)(rows)
features = step(jobs.features)(cleaned, settings.UNIT)
target = step(jobs.target)(cleaned)
model = step(jobs.model)(features, target)
scores = step(jobs.scores)(model, features)
totals = ml.sql(settings.QUERY, cleaned=cleaned)
figures = step(jobs.figures)(scores, target, settings.THRESHOLD, settings.NOTE)
ml.show(report=step(jobs.report)(figures, totals, features))
"""


@dataclass(frozen=True)
class Trap:
    """One trap: texts put in before the first run, the change before the second, and the steps that it touches.

    ``act`` changes what is no text. ``env`` holds the environment of both runs. A trap is ``unseeded`` if two runs of its
    touched steps never agree: then these must run again. ``own_process`` says that it is about processes, ``killed`` that
    the first run is killed while it writes. ``needs`` names a library, without which the trap is left out.
    """

    name: str
    touches: tuple[str, ...] = ()
    change: tuple[Change, ...] = ()
    setup: tuple[Change, ...] = ()
    act: Callable[[Path], None] | None = None
    env: tuple[Mapping[str, str], Mapping[str, str]] = field(default=({}, {}))
    unseeded: bool = False
    own_process: bool = False
    killed: bool = False
    needs: str = ""

    def prepare(self, folder: Path) -> None:
        """Write the flow as it is before the first run."""
        for name, text in {**FILES, "flow.py": FLOW}.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        _change(folder, self.setup)

    def edit(self, folder: Path) -> None:
        """Make the change."""
        _change(folder, self.change)
        if self.act is not None:
            self.act(folder)

    @property
    def may_run(self) -> frozenset[str]:
        """The steps that may run a second time: those touched, and those behind them."""
        found = set(self.touches)
        for step in STEPS:  # parents come first
            if found.intersection(PARENTS[step]):
                found.add(step)
        return frozenset(STEPS if self.killed else found)


def _change(folder: Path, changes: tuple[Change, ...]) -> None:
    for name, old, new in changes:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = place.read_text(encoding="utf-8") if place.exists() else ""
        if old not in text:
            message = f"a trap would change {old!r}, which is not in {name}"
            raise ValueError(message)
        place.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")


def _jobs(old: str, new: str) -> tuple[Change, ...]:
    return (("jobs.py", old, new),)


def _argument(name: str, touched: str, before: str, after: str, *, first: str = "") -> Trap:
    """Return a trap in which the argument NOTE changes from one expression to another; nothing runs if none is touched."""
    setup = (("settings.py", "PATH", f"{first}\nPATH"), ("settings.py", "NOTE = 1", f"NOTE = {before}"))
    change = (("settings.py", f"NOTE = {before}", f"NOTE = {after}"),)
    return Trap(name, (touched,) if touched else (), change, setup)


def _outside(name: str, reads: str, *, first: str = "", change: tuple[Change, ...] = (), **more: Any) -> Trap:
    """Return a trap in which the target depends on what an expression reads, which the change, if any, edits."""
    imports = _jobs("import time", f"{first}\nimport time") if first else ()
    setup = (("level.csv", "", "v\n0\n"), *imports, *_jobs('cleaned["y"] > 0', f'cleaned["y"] > float({reads})'))
    return Trap(name, ("target",), change, setup, unseeded=not change, **more)


def _touch(folder: Path) -> None:
    os.utime(folder / "data.csv", (1, 1))


def _same_size_same_time(folder: Path) -> None:
    place = folder / "data.csv"
    before = place.stat()
    text = place.read_text(encoding="utf-8")
    with place.open("r+", encoding="utf-8") as file:  # in place: the inode stays
        file.write(text.replace("10,a", "11,a", 1))
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


_FOLDER_READER = (
    "    from pathlib import Path\n    return pd.concat([pd.read_csv(p) for p in sorted(Path(path).glob('*.csv'))])"
)
_FOLDER = (
    ("jobs.py", "    return pd.read_csv(path)", _FOLDER_READER),
    ("settings.py", '"data.csv"', '"parts"'),
    ("parts/a.csv", "", "x,k,y\n5,a,1\n6,b,-1\n7,a,2\n"),
    ("parts/b.csv", "", "x,k,y\n8,a,1\n9,b,-1\n"),
)
_RENAMED = (("settings.py", '"data.csv"', '"again.csv"'), ("again.csv", "", FILES["data.csv"]))
_CLASS_ARGUMENT = (
    "import dataclasses, enum\n@dataclasses.dataclass\nclass Plan:\n    depth: int = 2\n    wide: bool = True\n"
)
_ENUM = "import enum\nclass Mode(enum.Enum):\n    FAST = 1\n    SLOW = 2\n    def __repr__(self): return f'{self.name}={self.value}'\n"
_FRAME = "import pandas as pd\n"
_ESTIMATOR = "\n\nclass _Forest(RandomForestClassifier):\n    def predict_proba(self, X):\n        return super().predict_proba(X) * 1.0\n"
_CALLS = "return RandomForestClassifier(n"

# The ten of the study, then those it names, then our own.
STUDY = (
    Trap("nothing changed"),
    Trap("helper edited", ("cleaned",), (("toolbox/near.py", "drop=True)", "drop=True)[3:]"),)),
    Trap("global edited", ("cleaned",), _jobs("_LIMIT = 90", "_LIMIT = 60")),
    Trap("closure value edited", ("features",), _jobs("_scaler(2.0)", "_scaler(3.0)")),
    Trap("content of a file changed", ("rows",), (("data.csv", "10,a", "17,b"),)),
    Trap("only the fitted model differs", ("model",), _jobs("fit(features, target)", "fit(features, 1 - target)")),
    Trap("a step's own body edited", ("features",), _jobs('"bin": ', '"box": ')),
    Trap(
        "a step changes its input in place",
        setup=_jobs("    x = cleaned", '    cleaned["x"] += 1000\n    x = cleaned'),
    ),
    Trap("comment added", change=_jobs("    x = cleaned", "    # the feature\n    x = cleaned")),
    Trap("blank lines above", change=_jobs("def features", "\n\n\n\ndef features")),
)

NAMED = (
    Trap(
        "library upgraded",
        ("target",),
        (
            ("site-packages/shelf/__init__.py", '"1.0"', '"1.1"'),
            ("site-packages/shelf/__init__.py", "values + 10", "values + 9"),
        ),
        (
            ("jobs.py", "from toolbox", "import shelf\nfrom toolbox"),
            ("jobs.py", '(cleaned["y"] > 0)', '(shelf.lift(cleaned["y"]) > 9)'),
        ),
        own_process=True,
    ),
    Trap(
        "subclass of an estimator edited",
        ("model",),
        _jobs("* 1.0", "* 0.5"),
        (("jobs.py", "def _even", _ESTIMATOR + "\n\ndef _even"), ("jobs.py", _CALLS, "return _Forest(n")),
    ),
    Trap(
        "environment variable changed",
        ("target",),
        setup=(
            ("jobs.py", "import numpy", "import os\n\nimport numpy"),
            ("jobs.py", '(cleaned["y"] > 0)', '(cleaned["y"] > float(os.environ["TRAP_LEVEL"]))'),
        ),
        env=({"TRAP_LEVEL": "0"}, {"TRAP_LEVEL": "1"}),
    ),
    Trap(
        "another environment variable changed",
        setup=(
            ("jobs.py", "import numpy", "import os\n\nimport numpy"),
            ("jobs.py", '(cleaned["y"] > 0)', '(cleaned["y"] > float(os.getenv("TRAP_LEVEL", "0")))'),
        ),
        env=({"TRAP_OTHER": "0"}, {"TRAP_OTHER": "1"}),
    ),
    Trap(
        "random numbers without a seed",
        ("features",),
        setup=_jobs("weight = cleaned", "x = x + np.random.normal(size=len(x))\n    weight = cleaned"),
        unseeded=True,
    ),
    Trap(
        "a generator without a seed",
        ("features",),
        setup=_jobs("weight = cleaned", "x = x + np.random.default_rng().normal(size=len(x))\n    weight = cleaned"),
        unseeded=True,
    ),
    Trap(
        "random numbers with a seed inside",
        setup=_jobs(
            "weight = cleaned", "np.random.seed(3)\n    x = x + np.random.normal(size=len(x))\n    weight = cleaned"
        ),
    ),
    Trap(
        "a forest without a seed", ("model",), setup=_jobs("max_depth=3, random_state=0", "max_depth=3"), unseeded=True
    ),
    Trap("order of a dict global", ("features",), _jobs('"a": 1.0, "b": 2.0', '"b": 2.0, "a": 1.0')),
    _argument("order of a dict argument", "figures", "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    _argument("0.0 and -0.0", "figures", "0.0", "-0.0"),
    _argument("NaN and 0.0", "figures", "float('nan')", "0.0"),
    _argument("NaN again", "", "float('nan')", "float('NaN')"),
    Trap(
        "same name in two modules",
        ("cleaned",),
        _jobs("from toolbox import tidy", "from other import tidy"),
        (("other.py", "", "def tidy(rows):\n    return rows[rows['x'] > 50]\n"),),
    ),
    Trap("writer killed", own_process=True, killed=True),
    Trap(
        "order of a set between processes",
        setup=_jobs("_NESTED = (1", '_LETTERS = frozenset({"north", "south", "east", "west"})\n_NESTED = (_LETTERS'),
        env=({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}),
        own_process=True,
    ),
)

OWN_CODE = (
    Trap("default argument edited", ("features",), _jobs("power: int = 1", "power: int = 2")),
    Trap("base class edited", ("features",), _jobs("width = 10", "width = 20")),
    Trap("method of a base class edited", ("features",), _jobs("values // self.width", "values // self.width + 1")),
    Trap("decorator edited", ("features",), _jobs("function(values) * times", "function(values) + times")),
    Trap("argument of a decorator edited", ("features",), _jobs("@_logged(1)", "@_logged(2)")),
    Trap("constant in a nested tuple", ("features",), _jobs("(3, 4)", "(5, 4)")),
    Trap(
        "function reached through functools.partial",
        ("features",),
        _jobs("values * factor", "values * factor + 1"),
        _jobs(
            "_SCALE = _scaler(2.0)",
            "import functools\n\n\ndef _grow(values, factor):\n    return values * factor\n\n\n"
            "_SCALE = functools.partial(_grow, factor=2.0)",
        )
        + _jobs("    def scale(values):\n        return values * factor", "    def scale(values):\n        return values"),
    ),
    Trap(
        "method of an instance",
        ("features",),
        _jobs("_Wider(2)", "_Wider(3)"),
        _jobs(
            "_SCALE = _scaler(2.0)",
            "class _Wider:\n    def __init__(self, by):\n        self.by = by\n\n    def scale(self, values):\n"
            "        return values * self.by\n\n\n_SCALE = _Wider(2).scale",
        ),
    ),
    Trap(
        "attribute of a function",
        ("features",),
        _jobs("_lifted.by = 1", "_lifted.by = 2"),
        _jobs("class _Base", "_lifted.by = 1\n\n\nclass _Base") + _jobs("_lifted(weight)", "_lifted(weight) * _lifted.by"),
    ),
    Trap(
        "lambda edited",
        ("features",),
        _jobs("lambda v: v * 2", "lambda v: v * 4"),
        _jobs("_scaler(2.0)", "lambda v: v * 2"),
    ),
    Trap(
        "nested function edited",
        ("target",),
        _jobs("level + 0", "level + 1"),
        _jobs('return (cleaned["y"] > 0)', 'def above(level):\n        return level + 0\n\n    return (cleaned["y"] > above(0))'),
    ),
    Trap("one of a recursive pair edited", ("report",), _jobs("False if n == 0", "None if n == 0 else not True if n == 4")),
    Trap(
        "helper in another module, two levels away", ("cleaned",), (("toolbox/deep.py", "rows['x'] >=", "rows['x'] >"),)
    ),
    Trap("global in another module, two levels away", ("cleaned",), (("toolbox/deep.py", "LOWEST = 2", "LOWEST = 4"),)),
    Trap(
        "star import",
        ("cleaned",),
        (("stars.py", "FLOOR = 3", "FLOOR = 6"),),
        (("stars.py", "", "FLOOR = 3\n"), ("jobs.py", "from toolbox import tidy", "from stars import *\nfrom toolbox import tidy"),
         ("jobs.py", 'rows["x"] < _LIMIT', '(rows["x"] < _LIMIT) & (rows["x"] > FLOOR)')),
    ),
    Trap(
        "global reassigned at import",
        ("cleaned",),
        _jobs("_LIMIT += 1", "_LIMIT += 5"),
        _jobs("_WEIGHTS = {", "_LIMIT += 1\n_WEIGHTS = {"),
    ),
    Trap(
        "function of a module replaced",
        ("cleaned",),
        _jobs("rows.iloc[1:]", "rows.iloc[9:]"),
        _jobs("def rows(", "def _shorter(rows):\n    return rows.iloc[1:]\n\n\ntoolbox.near.drop = _shorter\n\n\ndef rows(")
        + _jobs("from toolbox import tidy", "import toolbox.near\nfrom toolbox import tidy"),
    ),
    Trap(
        "function of a library replaced",
        ("target",),
        _jobs("min(values)", "max(values) - 2"),
        _jobs("def rows(", "def _level(values):\n    return min(values)\n\n\nstatistics.median = _level\n\n\ndef rows(")
        + _jobs("import numpy", "import statistics\n\nimport numpy")
        + _jobs('cleaned["y"] > 0', 'cleaned["y"] > statistics.median(cleaned["y"].tolist()) + 1'),
        own_process=True,
    ),
    Trap(
        "method given to a library's frame",
        ("target",),
        _jobs("frame['y'] + 0", "frame['y'] - 1"),
        _jobs("def rows(", "def _level(frame):\n    return frame['y'] + 0\n\n\npd.DataFrame.level_of_y = _level\n\n\ndef rows(")
        + _jobs('(cleaned["y"] > 0)', "(cleaned.level_of_y() > 0)"),
        own_process=True,
    ),
    Trap(
        "accessor of a library's frame",
        ("target",),
        _jobs("self.frame['y'] + 0", "self.frame['y'] - 1"),
        _jobs(
            "def rows(",
            "@pd.api.extensions.register_dataframe_accessor('jobs_y')\n"
            "class _Level:\n    def __init__(self, frame):\n        self.frame = frame\n\n    def level(self):\n"
            "        return self.frame['y'] + 0\n\n\ndef rows(",
        )
        + _jobs('(cleaned["y"] > 0)', "(cleaned.jobs_y.level() > 0)"),
        own_process=True,
    ),
    Trap(
        "function found by its name",
        ("features",),
        (("tools.py", "v * 2", "v * 3"),),
        (
            ("tools.py", "", "from deeper import less\n\n\ndef grow(v):\n    return less(v * 2)\n"),
            ("deeper.py", "", "def less(v):\n    return v - 1\n"),
            *_jobs("import numpy", "import tools\n\nimport numpy"),
            *_jobs("_SCALE(x)", 'getattr(tools, "gr" + "ow")(x)'),
        ),
    ),
    Trap(
        "what a function found by its name calls",
        ("features",),
        (("deeper.py", "v - 1", "v - 2"),),
        (
            ("tools.py", "", "from deeper import less\n\n\ndef grow(v):\n    return less(v * 2)\n"),
            ("deeper.py", "", "def less(v):\n    return v - 1\n"),
            *_jobs("import numpy", "import tools\n\nimport numpy"),
            *_jobs("_SCALE(x)", 'getattr(tools, "gr" + "ow")(x)'),
        ),
    ),
    Trap(
        "global read by name",
        ("features",),
        _jobs("_BOOST = 2", "_BOOST = 3"),
        _jobs("_WEIGHTS = {", "_BOOST = 2\n_WEIGHTS = {") + _jobs("_SCALE(x)", 'globals()["_BO" + "OST"] * _SCALE(x)'),
    ),
    Trap(
        "entry of a registry edited",
        ("features",),
        _jobs("values * 5", "values * 6"),
        _jobs(
            "def rows(",
            "_REGISTRY = {}\n\n\ndef _register(function):\n    _REGISTRY[function.__name__] = function\n    return function\n\n\n"
            "@_register\ndef _five(values):\n    return values * 5\n\n\ndef rows(",
        )
        + _jobs("_SCALE(x)", '_REGISTRY["_five"](x)'),
    ),
    Trap(
        "one of the functions of a generic edited",
        ("features",),
        _jobs("values * 7", "values * 8"),
        _jobs(
            "def rows(",
            "@functools.singledispatch\ndef _grown(values):\n    return values\n\n\n@_grown.register(pd.Series)\n"
            "def _(values):\n    return values * 7\n\n\ndef rows(",
        )
        + _jobs("import numpy", "import functools\n\nimport numpy")
        + _jobs("_SCALE(x)", "_grown(x)"),
    ),
    Trap(
        "property of a class edited",
        ("features",),
        _jobs("return 10 + 0", "return 10 + 5"),
        _jobs("    width = 10", "    @property\n    def width(self):\n        return 10 + 0"),
    ),
    Trap(
        "cached helper edited",
        ("features",),
        _jobs("times * 3", "times * 4"),
        _jobs("def rows(", "@functools.lru_cache\ndef _tripled(times):\n    return times * 3\n\n\ndef rows(")
        + _jobs("import numpy", "import functools\n\nimport numpy")
        + _jobs("_SCALE(x)", "_SCALE(x) * _tripled(2)"),
    ),
    Trap(
        "import inside a step",
        ("features",),
        (("late.py", "BY = 2", "BY = 3"),),
        (("late.py", "", "BY = 2\n"), *_jobs("_SCALE(x)", "_SCALE(x) * __import__('late').BY")),
    ),
    Trap(
        "undeclared file",
        ("target",),
        (("level.txt", "0", "1"),),
        (("level.txt", "", "0"), *_jobs('cleaned["y"] > 0', 'cleaned["y"] > float(open("level.txt").read())')),
        unseeded=True,
    ),
)  # fmt: skip

BY_NAME = (
    Trap("global that a condition names", ("cleaned",), _jobs("_LEAST = 3", "_LEAST = 7"),
         _jobs("_WEIGHTS = {", "_LEAST = 3\n_WEIGHTS = {") + _jobs('rows[rows["x"] < _LIMIT]', 'rows.query("x >= @_LEAST")')),
    Trap("global that a query in a step names", ("target",), _jobs("[0]})", "[1]})"),
         _jobs("_WEIGHTS = {", '_LEVELS = pd.DataFrame({"v": [0]})\n_WEIGHTS = {') + _jobs("import numpy", "import duckdb\nimport numpy")
         + _jobs('cleaned["y"] > 0', 'cleaned["y"] > duckdb.sql("SELECT v FROM _LEVELS").fetchall()[0][0]')),
    Trap("variables that a condition names trade values", ("cleaned",), _jobs("low, high = 3, 9", "high, low = 3, 9"),
         _jobs('return tidy(rows[rows["x"] < _LIMIT])', 'low, high = 3, 9\n    return tidy(rows.query("x >= @low")).assign(h=high * 0 + low * 0)')),
    Trap("variable captured by a function renamed", (), _jobs("(lambda v: v + size)", "(lambda v: v + a_size)") + _jobs("size = len(x)", "a_size = len(x)"),
         _jobs("weight = cleaned", "size = len(x)\n    x = x.map((lambda v: v + size))\n    weight = cleaned")),
)  # fmt: skip

OWN_DATA = (
    Trap("file of the same size and time", ("rows",), act=_same_size_same_time),
    Trap("a file in a folder edited", ("rows",), (("parts/b.csv", "9,b,-1", "9,b,4"),), _FOLDER),
    Trap("a file in a folder added", ("rows",), (("parts/c.csv", "", "x,k,y\n3,a,2\n"),), _FOLDER),
    Trap("column of the file moved", ("rows",), act=lambda folder: _reorder(folder / "data.csv")),
    _argument("1 and 1.0", "figures", "1", "1.0"),
    _argument("1 and True", "figures", "1", "True"),
    _argument("1 and '1'", "figures", "1", "'1'"),
    _argument("list and tuple", "figures", "[1, 2]", "(1, 2)"),
    _argument("shapes (2, 3) and (3, 2)", "figures", "np.zeros((2, 3))", "np.zeros((3, 2))", first="import numpy as np"),
    _argument("integer and float zeros", "figures", "np.zeros(2)", "np.zeros(2, int)", first="import numpy as np"),
    _argument("-1 and -2", "figures", "-1", "-2"),
    _argument("columns of a frame argument", "figures", "pd.DataFrame({'a': [1], 'b': [1]})",
              "pd.DataFrame({'b': [1], 'a': [1]})", first=_FRAME),
    _argument("name of a column", "figures", "pd.DataFrame({'a': [1]})", "pd.DataFrame({'b': [1]})", first=_FRAME),
    _argument("equal frame made anew", "", "pd.DataFrame({'a': [1, 2]})",
              "pd.DataFrame({'z': [0, 0], 'a': [2, 1]})[['a']][::-1].reset_index(drop=True)", first=_FRAME),
    _argument("equal list made anew", "", "[1, 2]", "[n + 1 for n in range(2)]"),
    _argument("member of an enum", "figures", "Mode.FAST", "Mode.SLOW", first=_ENUM),
    _argument("field of a dataclass", "figures", "Plan(wide=True)", "Plan(wide=False)", first=_CLASS_ARGUMENT),
    Trap("value of an enum member", ("figures",), (("settings.py", "FAST = 1", "FAST = 3"),),
         (("settings.py", "PATH", _ENUM + "PATH"), ("settings.py", "NOTE = 1", "NOTE = Mode.FAST"))),
    Trap("default of a dataclass field", ("figures",), (("settings.py", "depth: int = 2", "depth: int = 4"),),
         (("settings.py", "PATH", _CLASS_ARGUMENT + "PATH"), ("settings.py", "NOTE = 1", "NOTE = Plan()"))),
    Trap("name of a dataclass", ("figures",),
         (("settings.py", "class Plan", "class Scheme"), ("settings.py", "NOTE = Plan()", "NOTE = Scheme()")),
         (("settings.py", "PATH", _CLASS_ARGUMENT + "PATH"), ("settings.py", "NOTE = 1", "NOTE = Plan()"))),
    Trap("name of a function that names a column", ("report",), _jobs("def _range(v)", "def _width(v)") + _jobs("agg([_range])", "agg([_width])"),
         _jobs("def rows(", "def _range(v):\n    return v.max() - v.min()\n\n\ndef rows(")
         + _jobs("    sums = {", "    figures = features[['x']].agg([_range]).to_string()\n    sums = {")),
    Trap("text of a query edited", ("totals",), (("settings.py", "sum(x)", "max(x)"),)),
    Trap("text inside quotes of a query", ("totals",), (("settings.py", "'a  b'", "'a b'"),),
         (("settings.py", "AS total", "AS total, 'a  b' AS label"),)),
)  # fmt: skip

_LEVEL = (("level.csv", "0", "1"),)
_DATABASE = """import sqlite3
with sqlite3.connect("levels.db") as made:
    made.execute("CREATE TABLE IF NOT EXISTS levels AS SELECT 0 AS v")
made.close()
"""


def _raise_level(folder: Path) -> None:
    with sqlite3.connect(folder / "levels.db") as connection:
        connection.execute("UPDATE levels SET v = 1")
    connection.close()


# What a step reads that nothing declares; without a change, what no two runs agree on, or could not be asked for.
OUTSIDE = (
    _outside("clock", "time.time() * 0"),
    _outside("clock of pandas", 'pd.Timestamp("now").year * 0'),
    _outside("clock in a query", 'duckdb.sql("SELECT 0 * year(current_date)").fetchall()[0][0]', first="import duckdb"),
    _outside("another machine", 'socket.socket().connect_ex(("127.0.0.1", 9)) * 0', first="import socket"),
    _outside("another program", 'subprocess.run(["cat", "level.csv"], capture_output=True, text=True).stdout.split()[1]',
             first="import subprocess", change=_LEVEL),
    _outside("file opened in a thread", "ThreadPoolExecutor().submit(lambda: open('level.csv').read()).result().split()[1]",
             first="from concurrent.futures import ThreadPoolExecutor", change=_LEVEL),
    _outside("names of the files in a folder", "len(os.listdir('kept'))", first="import os\nos.makedirs('kept', exist_ok=True)",
             change=(("kept/one.txt", "", "1"),)),
    _outside("undeclared file of pandas", "pd.read_csv('level.csv')['v'][0]", change=_LEVEL),
    _outside("undeclared file of polars", "pl.read_csv('level.csv')['v'][0]", first="import polars as pl", change=_LEVEL, needs="polars"),
    _outside("undeclared file of arrow", "csv.read_csv('level.csv')['v'][0].as_py()", first="from pyarrow import csv", change=_LEVEL),
    _outside("undeclared file of duckdb", 'duckdb.sql("SELECT v FROM \'level.csv\'").fetchall()[0][0]', first="import duckdb", change=_LEVEL),
    _outside("function of duckdb imported by name", 'sql("FROM \'level.csv\'").fetchall()[0][0]', first="from duckdb import sql", change=_LEVEL),
    _outside("database of sqlite", 'sqlite3.connect("levels.db").execute("SELECT v FROM levels").fetchone()[0]', first=_DATABASE,
             act=_raise_level, change=(("level.csv", "0", "0"),)),
    _outside("a generator of the old kind without a seed", "np.random.RandomState().rand() * 0"),
    _outside("a generator of Python without a seed", "random.Random().random() * 0", first="import random"),
    Trap("file that a query names as a table", ("totals",), (("extra.csv", "1", "2"),),
         (("extra.csv", "", "w\n1\n"), ("settings.py", "sum(x) AS total FROM cleaned", 'sum(x) * max(w) AS total FROM cleaned, \\"extra.csv\\"'))),
)  # fmt: skip

SEEDED = (
    Trap("a generator of the old kind with a seed", setup=_jobs("_SCALE(x)", "_SCALE(x) + np.random.RandomState(0).rand(len(x))")),
    Trap("rows dealt with a seed", setup=_jobs("import numpy", "from sklearn.model_selection import train_test_split\nimport numpy")
         + _jobs("return (cleaned", "train_test_split(cleaned, random_state=0)\n    return (cleaned")),
    Trap("a declared file read through duckdb", ("rows",), (("data.csv", "10,a", "17,b"),),
         _jobs("import numpy", "import duckdb\nimport numpy") + _jobs("pd.read_csv(path)", "duckdb.read_csv(path).df()")),
    Trap("a declared file read through duckdb again", setup=_jobs("import numpy", "import duckdb\nimport numpy")
         + _jobs("pd.read_csv(path)", "duckdb.read_csv(path).df()")),
)  # fmt: skip

NOISE = (
    Trap("file touched without change", act=_touch),
    Trap("equal file under another name", change=_RENAMED, setup=(("flow.py", "step(jobs.rows)(settings.PATH)", "ml.read(settings.PATH)"),)),
    Trap("equal file under another name, which the step is told", ("rows",), _RENAMED),
    Trap("docstring edited", change=_jobs("Make the features.", "Return the features of each row.")),
    Trap("annotation edited", change=_jobs("threshold: float", 'threshold: "float | int"')),
    Trap("formatter run", change=_jobs('x = cleaned["x"] ** power', "x = (\n        cleaned[\n            'x'\n        ]\n        ** power\n    )")),
    Trap("local variable renamed", change=_jobs("    x = cleaned", "    size = cleaned") + _jobs("_SCALE(x)", "_SCALE(size)")
         + _jobs(".bins(x)", ".bins(size)")),
    Trap("import alias renamed", change=(("toolbox/near.py", "import drop", "import drop as lessen"), ("toolbox/near.py", "drop(rows)", "lessen(rows)"))),
    Trap("alias of a library renamed", change=_jobs("import numpy as np", "import numpy as numeric") + _jobs("np.std", "numeric.std")),
    Trap("helper renamed", change=_jobs("def _odd", "def _uneven") + _jobs("_odd(n - 1)", "_uneven(n - 1)")),
    Trap("class renamed", change=_jobs("class _Binner", "class _Bins") + _jobs("_Binner().bins", "_Bins().bins")),
    Trap("global renamed", change=_jobs("_LIMIT = 90", "_HIGHEST = 90") + _jobs("< _LIMIT", "< _HIGHEST")),
    Trap("helper moved to another module", change=(
        ("toolbox/near.py", "from toolbox.deep import drop", "from toolbox.deeper import drop"),
        ("toolbox/deeper.py", "", "from toolbox.deep import LOWEST\n\n\ndef drop(rows):\n    return rows[rows['x'] >= LOWEST]\n"))),
    Trap("order of functions changed", change=_jobs("def _odd(n):\n    return False if n == 0 else _even(n - 1)\n", "")
         + _jobs("class _Base", "def _odd(n):\n    return False if n == 0 else _even(n - 1)\n\n\nclass _Base")),
    Trap("a function that nothing reads edited", change=(("toolbox/deep.py", "", "\n\ndef unused():\n    return 1\n"),)),
    Trap("a global that nothing reads edited", change=(("toolbox/__init__.py", "[1, 2]", "[1, 2, 3]"),)),
    Trap("docstring of a class", change=_jobs("    width = 10", '    """Bins of one width."""\n\n    width = 10')),
    Trap("comment in a module read as a whole", (), (("tools.py", "def grow", "# grows\n\n\ndef grow"),),
         (("tools.py", "", "def grow(v):\n    return v * 2\n"), *_jobs("import numpy", "import tools\n\nimport numpy"),
          *_jobs("_SCALE(x)", 'getattr(tools, "gr" + "ow")(x)'))),
    Trap("query formatted anew", change=(("settings.py", "SELECT k, sum(x) AS total FROM cleaned", "select k,  sum(x) as total /* all */ from cleaned"),)),
    Trap("keyword written out", change=(("flow.py", "(cleaned, settings.UNIT)", "(cleaned, unit=settings.UNIT)"),)),
    Trap("default written out", change=(("flow.py", "(cleaned, settings.UNIT)", "(cleaned, settings.UNIT, power=1)"),)),
    Trap("steps of the flow in another order", change=(("flow.py", "target = step(jobs.target)(cleaned)\n", ""),
         ("flow.py", "features = step", "target = step(jobs.target)(cleaned)\nfeatures = step"))),
)  # fmt: skip


def _reorder(place: Path) -> None:
    rows = [line.split(",") for line in place.read_text(encoding="utf-8").splitlines()]
    place.write_text("".join(f"{x},{y},{k}\n" for x, k, y in rows), encoding="utf-8")


TRAPS: tuple[Trap, ...] = (*STUDY, *NAMED, *OWN_CODE, *BY_NAME, *OWN_DATA, *OUTSIDE, *SEEDED, *NOISE)
