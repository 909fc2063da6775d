"""Functions and classes of ours as source that stands alone: what they use is copied or imported with them."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import types
from dataclasses import dataclass
from typing import Any

from mileage.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Helpers:
    """Definitions in an order that can run, and import lines."""

    definitions: tuple[str, ...]
    imports: tuple[str, ...]


def helper_code(thing: Any) -> Helpers:
    """Return the source of a function or class of ours, and of all it uses of ours.

    Raises
    ------
    OperatorError
        If it has no source, or uses a value that cannot be written down.
    """
    collector = _Collector()
    collector.add(thing)
    return Helpers(tuple(collector.definitions.values()), tuple(sorted(collector.imports)))


class _Collector:
    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.imports: set[str] = set()
        self.begun: set[str] = set()

    def add(self, thing: Any) -> None:
        name = thing.__qualname__
        if name in self.begun:
            return
        if "<" in name or "." in name or getattr(thing, "__closure__", None):
            message = f"{name} cannot be copied into a script"
            raise OperatorError(message, code="O540", hint="define it at the top of a module")
        self.begun.add(name)
        try:
            source = _without_marks(textwrap.dedent(inspect.getsource(thing)).rstrip())
        except (OSError, TypeError) as error:
            message = f"the source of {name} is not there to be copied into a script"
            raise OperatorError(message, code="O540", hint="define it in a module") from error
        module = sys.modules[thing.__module__]
        for used in _names(source):
            if used != name and hasattr(module, used):
                self._use(used, getattr(module, used))
        self.definitions[name] = source

    def _use(self, name: str, value: Any) -> None:
        library = _library(value)
        if library is not None:
            alias = f" as {name}" if name != library else ""
            self.imports.add(f"import {library}{alias}")
            return
        module = getattr(value, "__module__", None)
        if isinstance(value, type) or inspect.isroutine(value):
            if str(module).split(".")[0] == "mileage":
                self.add(value)
            elif module != "builtins":
                self._import(name, value)
        elif name not in self.begun:
            self.begun.add(name)
            self.definitions[name] = f"{name} = {_constant(name, value)}"

    def _import(self, name: str, value: Any) -> None:
        from mileage.results.export.names import public_module

        alias = f" as {name}" if name != value.__name__ else ""
        self.imports.add(f"from {public_module(value)} import {value.__name__}{alias}")


def _without_marks(source: str) -> str:
    """Drop remarks to our own tools (``# noqa``, ``# type: ...``): a reader of the script has no use for them."""
    return re.sub(r"[ \t]*#\s*(?:noqa|type:).*", "", source)


def _library(value: Any) -> str | None:
    """Return the name of a module, or of one that a module of ours imports when it is first used."""
    if isinstance(value, types.ModuleType):
        return value.__name__
    late = type(value).__module__.startswith("mileage.") and type(value).__name__ == "_Late"
    return str(vars(value)["_name"]) if late else None


def _names(source: str) -> list[str]:
    """Return the names a source reads, annotations left out (the script defers them), each once, in order."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    loads = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return list(dict.fromkeys(loads))


def _constant(name: str, value: Any) -> str:
    written = repr(value)
    try:
        if ast.literal_eval(written) == value:
            return written
    except (ValueError, SyntaxError):
        pass
    message = f"the constant {name} cannot be written into a script"
    raise OperatorError(message, code="O540", hint="use plain values")
