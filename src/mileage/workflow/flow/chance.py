"""Which random numbers a step draws that nothing seeded: the global ones, and those of generators it makes.

The global ones show in their state. A generator without a seed asks for random bits. One of NumPy's old kind always
does, and is seeded afterwards if a seed was given; so it is looked at again when the next one is made, or at the end.
Chance in libraries that draw outside Python and NumPy is not seen.
"""

from __future__ import annotations

import importlib
import random
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

_STDLIB = sysconfig.get_path("stdlib")
_GLOBAL: Mapping[str, tuple[str, ...]] = {"random": ("seed", "setstate"), "numpy.random": ("seed", "set_state")}


@dataclass
class Draws:
    """What one step drew; ``note`` is told of what nothing seeded, ``seeded`` names the global numbers that were."""

    note: Callable[[str], None]
    before: dict[str, Any] = field(default_factory=lambda: {name: _state(name) for name in _GLOBAL})
    seeded: set[str] = field(default_factory=set)
    old_kind: dict[int, Any] = field(default_factory=dict)

    def seeds(self, module: str, *, fixed: bool) -> None:
        """The global numbers are about to be seeded, or with no ``fixed`` seed to be made arbitrary."""
        self._look(module)
        if not fixed:
            self._drew(module)
        (self.seeded.add if fixed else self.seeded.discard)(module)

    def makes(self, module: str) -> None:
        """A generator is made without a seed."""
        self.note(f"makes a generator of {module} without a seed")

    def makes_old_kind(self, generator: Any) -> None:
        """A generator is made that is seeded next, if a seed was given; the one before it has been by now."""
        thread = threading.get_ident()
        self._look_at(self.old_kind.get(thread))
        self.old_kind[thread] = generator

    def ends(self) -> None:
        """The step is done."""
        for module in _GLOBAL:
            self._look(module)
        for generator in self.old_kind.values():
            self._look_at(generator)

    def _look(self, module: str) -> None:
        if module not in self.seeded and _state(module) != self.before[module]:
            self._drew(module)

    def _look_at(self, generator: Any) -> None:
        if generator is not None and generator.seed_seq is not None:  # what seeded it: a fixed seed leaves none
            self.makes("numpy.random")

    def _drew(self, module: str) -> None:
        self.note(f"draws random numbers of {module} without a seed")


def _state(module: str) -> Any:
    if module == "random":
        return random.getstate()
    name, keys, *rest = importlib.import_module(module).get_state()
    return (name, keys.tobytes(), *rest)


@contextmanager
def listening(hearing: Callable[[], Iterable[Draws]]) -> Iterator[None]:
    """Hear of seeds and of generators in the block; ``hearing`` gives those to tell."""
    bits = importlib.import_module("numpy.random.bit_generator")
    old = importlib.import_module("numpy.random.mtrand")
    made_by = threading.local()
    with ExitStack() as stack:
        for module, setters in _GLOBAL.items():
            for name in setters:
                _replace(stack, importlib.import_module(module), name, _heard_setter(module, hearing))
        _replace(stack, bits, "randbits", lambda before: _heard_bits(before, made_by, hearing))
        _replace(stack, old, "_MT19937", lambda before: _heard_kind(before, made_by, hearing))
        _replace(stack, random.Random, "seed", lambda before: _heard_seed(before, hearing))
        yield


def _replace(stack: ExitStack, owner: Any, name: str, change: Callable[[Any], Any]) -> None:
    stack.enter_context(patch.object(owner, name, change(getattr(owner, name))))


def _heard_setter(module: str, hearing: Callable[[], Iterable[Draws]]) -> Callable[[Any], Any]:
    def around(setter: Callable[..., Any]) -> Callable[..., Any]:
        def seeds(*args: Any, **kwargs: Any) -> Any:
            fixed = any(value is not None for value in (*args, *kwargs.values()))
            for draws in hearing():
                draws.seeds(module, fixed=fixed)
            return setter(*args, **kwargs)

        return seeds

    return around


def _heard_bits(before: Callable[[int], int], made_by: Any, hearing: Callable[[], Iterable[Draws]]) -> Any:
    unpickled = importlib.import_module("numpy.random._pickle").__file__

    def randbits(n: int) -> int:
        restored = sys._getframe(1).f_code.co_filename == unpickled  # what is made gets a state next
        if not restored and not getattr(made_by, "old_kind", False):
            for draws in hearing():
                draws.makes("numpy.random")
        return before(n)

    return randbits


def _heard_kind(kind: Any, made_by: Any, hearing: Callable[[], Iterable[Draws]]) -> Any:
    """Stand in for the generator within ``RandomState``, which makes it, and asks whether another is one."""

    class Kind(type):
        def __call__(cls, *args: Any) -> Any:
            made_by.old_kind = True
            try:
                made = kind(*args)
            finally:
                made_by.old_kind = False
            for draws in hearing():
                draws.makes_old_kind(made)
            return made

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, kind)

    return Kind("MT19937", (), {})


def _heard_seed(before: Callable[..., None], hearing: Callable[[], Iterable[Draws]]) -> Any:
    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None and not _is_for_python():
            for draws in hearing():
                draws.makes("random")
        before(self, a, version)

    return seed


def _is_for_python() -> bool:
    """Say whether a generator is made by a module of Python, such as for the name of a temporary file."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename == random.__file__:
        frame = frame.f_back
    file = frame.f_code.co_filename if frame is not None else ""
    return file.startswith(_STDLIB) and "-packages" not in file
