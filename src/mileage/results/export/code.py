"""An estimator as the Python expression that builds it: public names, and only parameters that differ from defaults."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

from mileage.errors import OperatorError
from mileage.results.export.helpers import helper_code
from mileage.results.export.names import public_module

WIDTH = 88  # as ruff and black have it
_INDENT = "    "
_EXPERIMENTAL = {"IterativeImputer": "enable_iterative_imputer"}  # what scikit-learn wants imported first


@dataclass(frozen=True, slots=True)
class Code:
    """An expression, the import lines it needs, and definitions that stand before it."""

    expr: str
    imports: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()


def estimator_code(estimator: Any) -> Code:
    """Return the code that builds an unfitted estimator, nested ones, functions and parameters included.

    Functions and classes of mileage are copied as helpers, so that the code runs without it.

    Raises
    ------
    OperatorError
        If a parameter has no form as code.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> code = estimator_code(make_pipeline(StandardScaler(), Ridge(alpha=0.5)))
    >>> print(code.expr)
    Pipeline([("standardscaler", StandardScaler()), ("ridge", Ridge(alpha=0.5))])
    >>> code.imports[0]
    'from sklearn.linear_model import Ridge'
    """
    writer = Writer()
    expr = writer.value(estimator)
    return Code(expr, tuple(sorted(writer.imports)), tuple(writer.helpers))


class Writer:
    """Writes values as expressions and remembers the imports and helpers they need."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.helpers: dict[str, None] = {}

    def value(self, value: Any) -> str:
        """Return the expression of a value."""
        if value is None or (isinstance(value, bool | int | str) and type(value) in {bool, int, str, type(None)}):
            return _text(value) if isinstance(value, str) else repr(value)
        if isinstance(value, float) and type(value) is float:
            return self._float(value)
        if isinstance(value, tuple | list | set | frozenset | dict):
            return self._collection(value)
        if isinstance(value, type) or inspect.isroutine(value) or type(value).__name__ == "ufunc":
            return self.named(value)
        if type(value).__module__ == "numpy":
            return self._numpy(value)
        if type(value).__name__ == "partial":
            self.imports.add("from functools import partial")
            keywords = [f"{k}={self.value(v)}" for k, v in value.keywords.items()]
            return call("partial", [self.value(value.func), *map(self.value, value.args), *keywords])
        if hasattr(value, "get_params"):
            return self._estimator(value)
        return self._by_signature(value)

    def named(self, thing: Any) -> str:
        """Return the name of a class or function; it is imported from the shortest public place, or copied."""
        module, name = getattr(thing, "__module__", None) or "", getattr(thing, "__qualname__", None) or thing.__name__
        if module == "builtins":
            return str(name)
        if module.split(".")[0] in {"numpy", ""} or type(thing).__name__ == "ufunc":
            self.imports.add("import numpy as np")
            return f"np.{name}"
        if module.split(".")[0] == "mileage" or module in {"__main__", "__mp_main__"}:
            found = helper_code(thing)
            self.imports |= set(found.imports)
            self.helpers |= dict.fromkeys(found.definitions)
            return str(name)
        if "<" in name or "." in name:
            message = f"{module}.{name} has no name that a script could import"
            raise OperatorError(message, code="O540", hint="define it at the top of a module")
        if name in _EXPERIMENTAL:
            self.imports.add(f"from sklearn.experimental import {_EXPERIMENTAL[name]}  # noqa: F401")
        self.imports.add(f"from {public_module(thing)} import {name}")
        return str(name)

    def _float(self, value: float) -> str:
        if math.isfinite(value):
            return repr(value)
        self.imports.add("import numpy as np")
        return "np.nan" if math.isnan(value) else ("np.inf" if value > 0 else "-np.inf")

    def _collection(self, value: Any) -> str:
        if isinstance(value, dict):
            return bracket("{", [f"{self.value(k)}: {self.value(v)}" for k, v in value.items()], "}")
        if isinstance(value, set | frozenset):
            items = [self.value(v) for v in sorted(value, key=repr)]
            made = bracket("{", items, "}") if items else "set()"
            return f"frozenset({made})" if isinstance(value, frozenset) else made
        items = [self.value(v) for v in value]
        if isinstance(value, list):
            return bracket("[", items, "]")
        return f"({items[0]},)" if len(items) == 1 else bracket("(", items, ")")

    def _numpy(self, value: Any) -> str:
        import numpy as np

        if isinstance(value, np.generic):
            return self.value(value.item())
        self.imports.add("import numpy as np")
        if isinstance(value, np.dtype):
            return f'np.dtype("{value.str}")'
        if isinstance(value, np.ndarray):
            return call("np.array", [self.value(value.tolist()), f'dtype="{value.dtype}"'])
        return self._by_signature(value)

    def _estimator(self, estimator: Any) -> str:
        given, defaults = estimator.get_params(deep=False), defaults_of(type(estimator))
        name = self.named(type(estimator))
        first = next(iter(defaults), None)
        arguments = []
        for key, value in given.items():
            if key in defaults and same(value, defaults[key]):
                continue
            leads = key == first and key in {"steps", "transformers", "transformer_list", "estimators", "func"}
            arguments.append(self.value(value) if leads else f"{key}={self.value(value)}")
        return call(name, arguments)

    def _by_signature(self, value: Any) -> str:
        """Write an object that keeps its constructor's arguments under their names."""
        names = [
            n
            for n, p in inspect.signature(type(value)).parameters.items()
            if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
        ]
        if not all(hasattr(value, n) for n in names):
            message = f"a {type(value).__name__} cannot be written as code"
            raise OperatorError(message, code="O540", hint="use plain values, functions and estimators as parameters")
        defaults = defaults_of(type(value))
        changed = [n for n in names if n not in defaults or not same(getattr(value, n), defaults[n])]
        return call(self.named(type(value)), [f"{n}={self.value(getattr(value, n))}" for n in changed])


def defaults_of(cls: type) -> dict[str, Any]:
    """Return the parameters of a class's constructor with their defaults; one without a default has an empty mark."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}


def same(one: Any, other: Any) -> bool:
    """Say whether two parameter values are equal, types included; NaN equals itself."""
    if one is other:
        return True
    if type(one) is not type(other) or hasattr(one, "get_params") or hasattr(one, "__array__"):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def call(name: str, arguments: list[str], *, width: int = WIDTH) -> str:
    """Return a call, on several lines if one would be too long."""
    return bracket(f"{name}(", arguments, ")", width=width)


def bracket(left: str, items: list[str], right: str, width: int = WIDTH) -> str:
    """Return items between brackets, one per line if they do not fit one.

    Examples
    --------
    >>> print(bracket("[", ["1", "2"], "]"))
    [1, 2]
    """
    line = left + ", ".join(items) + right
    if not items or (len(line) <= width and "\n" not in line):
        return line
    body = "".join(_INDENT + item.replace("\n", "\n" + _INDENT) + ",\n" for item in items)
    return f"{left}\n{body}{right}"


def _text(value: str) -> str:
    """Return a string literal as ruff would write it."""
    if '"' in value and "'" not in value:
        return repr(value)
    body = repr("'" + value)[2:-1]  # with a ' inside, repr quotes with " unless both are there
    return '"' + body + '"' if '"' not in value else repr(value)
