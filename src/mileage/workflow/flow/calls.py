"""What a deferred step does when its time comes: call a function or a method, or run SQL over frames."""

from __future__ import annotations

import copy
import inspect
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mileage.errors import EngineError
from mileage.workflow.identity import Identity, identify

_QUOTED = re.compile(r"'((?:[^']|'')+)'")
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
    """A file that a step reads: its content belongs to the step's identity, its path does not."""

    path: str

    def __mileage_key__(self) -> tuple[str, str]:
        """A file is its bytes, or those of all files below a folder."""
        return ("file", content_of(self.path))

    def __fspath__(self) -> str:
        return self.path


_HASHES: dict[tuple[str, int, int, int], str] = {}


def content_of(path: str) -> str:
    """Return the hash of a file's bytes, remembered until its time stamp, size or inode change."""
    from mileage.core.fingerprint import fingerprint
    from mileage.data.hashing import hash_file, stamp_of

    place = Path(path)
    if place.is_dir():
        inside = sorted(p for p in place.rglob("*") if p.is_file())
        return fingerprint([(str(p.relative_to(place)), content_of(str(p))) for p in inside])
    stamp = stamp_of(place)
    if stamp not in _HASHES:
        _HASHES[stamp] = hash_file(place).hex() if stamp[1] else "empty"
    return _HASHES[stamp]


class Call(ABC):
    """How a step's outputs come from the values of its inputs.

    Laws: ``run`` depends on nothing that ``identity`` leaves out, and does not change its inputs.
    """

    @abstractmethod
    def identity(self) -> Identity:
        """Return the key of all that the outputs depend on besides the inputs."""

    @abstractmethod
    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Return the outputs, in order."""


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

    def identity(self) -> Identity:
        """The function's own identity with the values of its arguments."""
        return identify(self.function, _named(self.function, _files(self.args), _files(dict(self.kwargs))))

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

        quoted = (found.replace("''", "'") for found in _QUOTED.findall(self.text))
        files = tuple(File(name) for name in quoted if Path(name).is_file())
        return identify(("sql", self.names, files, duckdb.__version__), {"text": self.text})

    def run(self, inputs: list[Any]) -> tuple[Any, ...]:
        """Run the query; it gives a frame."""
        import duckdb

        with duckdb.connect() as connection:
            for name, value in zip(self.names, inputs, strict=True):
                connection.register(name, value)
            return (connection.execute(self.text).df(),)


def _named(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by the names of the parameters they are given to; by position where these are not known."""
    try:
        names = [p.name for p in inspect.signature(function).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    listed = {names[i] if i < len(names) else f"argument {i + 1}": value for i, value in enumerate(args)}
    return listed | kwargs


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


def _files(template: Any) -> Any:
    """Return arguments with the paths of existing files as :class:`File`: who is given a path will read it."""
    return _mapped(template, lambda x: File(os.fspath(x)) if isinstance(x, str | Path) and _is_file(x) else x)


def _is_file(text: str | Path) -> bool:
    try:
        return len(str(text)) < 4096 and Path(text).is_file()
    except (OSError, ValueError):
        return False


def _mapped(template: Any, change: Any) -> Any:
    """Return nested tuples, lists and dicts with every leaf changed."""
    if type(template) in {tuple, list}:
        return type(template)(_mapped(item, change) for item in template)
    if type(template) is dict:
        return {key: _mapped(value, change) for key, value in template.items()}
    return change(template)
