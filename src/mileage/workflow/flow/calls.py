"""What a deferred step does when its time comes: call a function or a method, or run SQL over frames."""

from __future__ import annotations

import copy
import glob
import inspect
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mileage.core.fingerprint import fingerprint
from mileage.errors import EngineError
from mileage.workflow.flow.contents import content_of
from mileage.workflow.flow.query import normal_sql, unstable_in
from mileage.workflow.identity import Identity, identify
from mileage.workflow.identity.library import is_library

_QUOTED = re.compile(r"""'((?:[^']|'')+)'|"((?:[^"]|"")+)\"""")  # a table's name may be that of a file
_SHOWN_TEXT = 2_000  # characters of a query that reports know
_CHANGES_ITS_OBJECT = frozenset({"fit", "fit_transform", "fit_predict", "partial_fit"})


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of an input among the arguments."""

    position: int

    def __mileage_key__(self) -> tuple[str, int]:
        """A place is its number."""
        return ("slot", self.position)


@dataclass(frozen=True, slots=True)
class File:
    """A file or a folder that a step reads: its content belongs to the step's identity.

    Its path does so only if code of the user is given it, for that may look at it.
    """

    path: str
    by_path: bool = False

    def __mileage_key__(self) -> tuple[str, str, str]:
        """A file is its bytes, or those of all files below a folder."""
        return ("file", content_of(self.path), self.path if self.by_path else "")

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:  # what reports say of it is cut in the middle: the name comes last
        return f"File({self.path!r})"


class Call(ABC):
    """How a step's outputs come from the values of its inputs.

    Laws: ``run`` depends on nothing that ``identity`` leaves out, and does not change its inputs. Where user code breaks the
    first, :mod:`mileage.workflow.flow.audit` notices, unless the call is said to be ``pure``.
    """

    pure: bool = False

    @abstractmethod
    def identity(self) -> Identity:
        """Return the key of all that the outputs depend on besides the inputs."""

    @abstractmethod
    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the outputs, in order."""

    def files(self) -> tuple[str, ...]:
        """Return the paths of the files and folders that belong to the identity."""
        return ()


@dataclass(frozen=True)
class ValueCall(Call):
    """A value that was there when the flow was written, such as an estimator to be fitted."""

    value: Any

    def identity(self) -> Identity:
        """What the value is."""
        return identify("value", {"": self.value})

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the value."""
        del inputs
        return (self.value,)


@dataclass(frozen=True)
class FunctionCall(Call):
    """A function with its arguments, in which a :class:`Slot` stands for each input."""

    function: Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    n_outputs: int = 1
    pure: bool = False
    env: tuple[str, ...] = ()

    def identity(self) -> Identity:
        """The function's own identity with the values of its arguments."""
        by_path = not is_library(str(getattr(self.function, "__module__", None) or "builtins"))
        args, kwargs = _files(self.args, by_path=by_path), _files(dict(self.kwargs), by_path=by_path)
        made = identify(self.function, _named(self.function, args, kwargs), env=self.env)
        return replace(made, key=fingerprint("pure", made.key)) if self.pure else made

    def files(self) -> tuple[str, ...]:
        """The paths among the arguments."""
        return _paths(_files((self.args, dict(self.kwargs))))

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Call the function."""
        values = [isolated(value) for value in inputs]
        made = self.function(*_filled(self.args, values), **_filled(dict(self.kwargs), values))
        return _outputs(made, self.n_outputs, getattr(self.function, "__name__", "the step"))


@dataclass(frozen=True)
class MethodCall(Call):
    """A method of the first input; one that fits its object works on a copy, which is an output of its own."""

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    n_outputs: int = 1

    def files(self) -> tuple[str, ...]:
        """The paths among the arguments."""
        return _paths(_files((self.args, dict(self.kwargs))))

    @property
    def changes(self) -> bool:
        """Whether the object is another one afterwards."""
        return self.method in _CHANGES_ITS_OBJECT

    def identity(self) -> Identity:
        """The name of the method with the values of its arguments; the object is an input."""
        given = {str(i): value for i, value in enumerate(_files(self.args), 1)} | _files(dict(self.kwargs))
        return identify(("method", self.method), given)

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Call the method."""
        owner, values = inputs[0], [isolated(value) for value in inputs]
        owner = _unfitted(owner, again=self.method == "partial_fit") if self.changes else values[0]
        made = getattr(owner, self.method)(*_filled(self.args, values), **_filled(dict(self.kwargs), values))
        if self.changes:
            return (owner, owner if made is owner else made)
        return _outputs(made, self.n_outputs, self.method)


@dataclass(frozen=True)
class SqlCall(Call):
    """A SELECT of DuckDB over the inputs, by the names it calls them."""

    text: str
    names: tuple[str, ...] = ()

    def identity(self) -> Identity:
        """The text, the names, the version of DuckDB and the content of the files it names."""
        import duckdb

        files = tuple(File(path) for path in self.files())
        unstable = tuple(("randomness", f"{name} in SQL") for name in unstable_in(self.text))
        words = normal_sql(self.text)
        made = identify(("sql", self.names, files, duckdb.__version__), {"text": words})
        shown = " ".join(words)[:_SHOWN_TEXT]
        parts = tuple(replace(part, shown=shown) if part.kind == "argument" else part for part in made.parts)
        return replace(made, parts=parts, notes=made.notes + unstable)

    def files(self) -> tuple[str, ...]:
        """The files that the text names, patterns written out."""
        return files_named(self.text)

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Run the query; it gives a frame."""
        import duckdb

        with duckdb.connect() as connection:
            for name, value in zip(self.names, inputs, strict=True):
                connection.register(name, value)
            return (connection.execute(self.text).df(),)


def files_named(text: str) -> tuple[str, ...]:
    """Return the files that a query names between quotes, patterns written out."""
    quoted = [one.replace("''", "'") or other.replace('""', '"') for one, other in _QUOTED.findall(text)]
    return tuple(dict.fromkeys(path for name in quoted for path in files_matching(name)))


def files_matching(name: str) -> list[str]:
    """Return the file or folder of this name, or the files that it stands for, such as ``parts/*.parquet``."""
    return [name] if _is_file(name) else _matching(name)


def _named(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by the names of the parameters they are given to, defaults too; by position where not known."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):  # no signature, or a wrong call, which fails when it runs
        return {f"argument {i}": value for i, value in enumerate(args, 1)} | kwargs
    bound.apply_defaults()
    return dict(bound.arguments)


def isolated(value: Any) -> Any:
    """Return a value that can be changed without a trace: what one step does to it, no other sees.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1, 2]})
    >>> mine = isolated(frame)
    >>> mine["a"] = 0
    >>> frame["a"].tolist()
    [1, 2]
    """
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and hasattr(value, "copy"):
        return value.copy(deep=False)  # pandas copies on write
    if isinstance(value, dict | list | set | bytearray):
        return copy.deepcopy(value)
    return value


def _unfitted(owner: Any, *, again: bool) -> Any:
    if not again and hasattr(owner, "get_params") and hasattr(owner, "fit"):
        from sklearn.base import clone

        return clone(owner)
    return copy.deepcopy(owner)


def _outputs(made: Any, n: int, name: str) -> tuple[Any, ...]:
    if n == 1:
        return (made,)
    try:
        outputs = tuple(made)
    except TypeError:
        outputs = (made,)
    if len(outputs) != n:
        got = f"{len(outputs)} of them" if isinstance(made, tuple | list) else f"one {type(made).__name__}"
        raise EngineError(
            f"{name} was to return {n} values and returned {got}", code="X611", hint="say step(outputs=…)"
        )
    return outputs


def _filled(template: Any, values: list[Any]) -> Any:
    """Return arguments with values in place of slots, and paths in place of files."""
    return _mapped(template, lambda x: values[x.position] if isinstance(x, Slot) else x.path if type(x) is File else x)


def _files(template: Any, *, by_path: bool = False) -> Any:
    """Return arguments with the paths of existing files as :class:`File`: who is given a path will read it."""

    def place(x: Any) -> Any:
        if type(x) is File:
            return x
        return File(os.fspath(x), by_path) if isinstance(x, str | Path) and _is_file(x) else x

    return _mapped(template, place)


def _paths(template: Any) -> tuple[str, ...]:
    found: list[str] = []
    _mapped(template, lambda x: found.append(x.path) if type(x) is File else None)
    return tuple(found)


def _is_file(text: str | Path) -> bool:
    """Say whether a text is the path of a file, or of a folder that does not hold the working folder."""
    try:
        place = Path(text)
        if not str(text) or len(str(text)) >= 4096 or not place.exists():
            return False
        return place.is_file() or (place.is_dir() and place.resolve() not in [Path.cwd(), *Path.cwd().parents])
    except (OSError, ValueError):
        return False


def _matching(pattern: str) -> list[str]:
    """Return the files that a pattern such as ``parts/*.parquet`` stands for."""
    if not set(pattern) & set("*?[") or ("/" not in pattern and "." not in pattern):
        return []
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207  (an absolute pattern is one, too)
    return [path for path in sorted(found) if Path(path).is_file()]


def _mapped(template: Any, change: Any) -> Any:
    """Return nested tuples, lists and dicts with every leaf changed."""
    if type(template) in {tuple, list}:
        return type(template)(_mapped(item, change) for item in template)
    if type(template) is dict:
        return {key: _mapped(value, change) for key, value in template.items()}
    return change(template)
