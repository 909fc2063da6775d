"""The identity of a function: what it executes, and all that it reads, followed to the end.

The walk starts at a function and follows the project's own code: functions, classes with their bases, closures, defaults,
values of globals. Libraries are followed to their name and version only. What is found is numbered in the order of
discovery, so that the same closure has the same identity whatever it is called and wherever it lies.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
import os
import reprlib
import sys
from abc import ABCMeta
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from mileage.core.excerpt import excerpts
from mileage.core.fingerprint import Fingerprint, fingerprint
from mileage.workflow.identity.bytecode import encode_code, first_used
from mileage.workflow.identity.library import is_library, library_state, library_version
from mileage.workflow.identity.outside import ENVIRONMENT, IMPORT, OWN_MODULE, extensions, full_name, kind_of
from mileage.workflow.identity.reads import (
    Read,
    aliases,
    attributes_in,
    attributes_of_classes_in,
    module_name,
    names_seen_in,
    reads_of,
    writes_of,
)
from mileage.workflow.identity.values import IdentityError, encode_value

_CLASS_NOISE = frozenset(
    {
        "__module__", "__doc__", "__qualname__", "__dict__", "__weakref__", "__annotations__", "__dataclass_fields__",
        "__dataclass_params__", "__match_args__", "__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__",
        "__static_attributes__", "__firstlineno__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    }
)  # fmt: skip
_MISSING = object()
_SHOWING = frozenset({"__name__", "__qualname__", "__doc__", "__annotations__"})
_SHORT = reprlib.Repr()
_SHORT.maxstring, _SHORT.maxother = 40, 40


@dataclass(frozen=True, slots=True)
class Part:
    """One thing an identity rests on; ``kind`` is ``function``, ``class``, ``global``, ``argument``, ``environment``, ``library`` or ``module``."""

    kind: str
    name: str
    digest: str
    where: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Identity:
    """The key of a function, the parts it is made of, and what makes it depend on more than that."""

    key: Fingerprint
    parts: tuple[Part, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass
class _Walk:
    """One walk.

    ``numbers`` says in which order functions and classes were found, ``alive`` keeps their ids from being used again,
    ``open`` holds the ids of the values being encoded, for those that contain themselves. ``written`` are the globals that
    functions of a module assign, by the id of its dict; ``shown`` the attributes, such as ``__name__``, that code looks at, with
    whether it looks at those of classes only.
    """

    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    alive: list[object] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    written: dict[int, frozenset[str]] = field(default_factory=dict)
    shown: set[tuple[str, bool]] = field(default_factory=set)

    def encode(self, value: Any) -> object:
        """Return anything as plain data."""
        for look, types in _BY_TYPE:
            if isinstance(value, types):
                return look(self, value)
        if type(value) in _ATOMS:
            return encode_value(value, self.encode)
        wrapped = getattr(value, "__wrapped__", None)
        if callable(wrapped):  # a decorator's object, such as a function with a cache
            return ("wrapper", type(value).__qualname__, self.encode(wrapped))
        if _is_library_callable(value):
            return self._library_object(value)
        if id(value) in self.open:
            return ("inside", self.open.index(id(value)))
        self.open.append(id(value))
        try:
            return encode_value(value, self.encode)
        finally:
            self.open.pop()

    def _number(self, value: object) -> int:
        self.alive.append(value)
        return self.numbers.setdefault(id(value), len(self.numbers))

    # --- functions ------------------------------------------------------------------------------------------------

    def handed(self, f: FunctionType) -> object:
        """A function that is handed on is itself with its name, which a library may show: a column is called after it."""
        made = self.function(f)
        return made if _is_named_in_library(f) else ("named", f.__name__, made)

    def function(self, f: FunctionType) -> object:
        """A function is its code, defaults, closure and what it reads; a library's is its name and version."""
        if id(f) in self.numbers:
            return ("seen", self.numbers[id(f)])
        if _is_named_in_library(f):
            return self._library_object(f)
        self._number(f)
        if _is_generic(f):
            registry: Mapping[type, Any] = f.registry  # type: ignore[attr-defined]
            return ("generic", tuple((self.encode(kind), self.encode(one)) for kind, one in registry.items()))
        by_name = names_seen_in(f)
        code = fingerprint(
            encode_code(f.__code__, self.encode, aliases(f.__code__, self._reach(f)), named=by_name is not None)
        )
        defaults = (self.encode(f.__defaults__), self.encode(f.__kwdefaults__))
        name = f"{f.__module__}.{f.__qualname__}"
        where = f"{Path(f.__code__.co_filename).name}:{f.__code__.co_firstlineno}"
        read = tuple(one.path for one in reads_of(f.__code__))
        self._part(Part("function", name, fingerprint(code, defaults, read), where))
        for written in writes_of(f.__code__):
            self.notes["writes a global", f"{written} in {name}"] = None
        cells = tuple(self._cell(f, f.__code__.co_freevars.index(one)) for one in first_used(f.__code__))
        seen = tuple((key, self._named(f.__module__, key, f.__globals__[key], f.__module__)) for key in by_name or ())
        return ("function", code, defaults, cells, self._reads(f), self._attributes(f, name), seen)

    def _reach(self, f: FunctionType) -> Callable[[tuple[str, ...]], int]:
        """Return how much of a path that a function reads is what it reads: a global, or a member of the user's modules.

        Nothing, if a function assigns it: then its name matters.
        """
        scope, own = f.__globals__, self._written(f.__globals__, f.__module__).union(writes_of(f.__code__))

        def reach(path: tuple[str, ...]) -> int:
            if path[0] in own:
                return 0
            value, n = scope.get(path[0]), 1
            while isinstance(value, ModuleType) and n < len(path) and not is_library(value.__name__):
                if path[n] in self._written(vars(value), value.__name__) or path[n] not in vars(value):
                    return n
                value, n = vars(value)[path[n]], n + 1
            return n

        return reach

    def _written(self, scope: dict[str, Any], module: str) -> frozenset[str]:
        """Return the globals that functions of a module assign."""
        if id(scope) not in self.written:
            own = [value for value in scope.values() if isinstance(value, FunctionType | type)]
            methods = [m for c in own if isinstance(c, type) and c.__module__ == module for m in vars(c).values()]
            here = [one for one in (*own, *methods) if isinstance(one, FunctionType) and one.__globals__ is scope]
            codes = [one.__code__ for one in here]  # a function from elsewhere assigns globals of its own module
            self.written[id(scope)] = frozenset(name for code in codes for name in writes_of(code))
        return self.written[id(scope)]

    def _attributes(self, f: FunctionType, name: str) -> object:
        """Encode what a function carries, and what of the user's own it calls as a method of a library's frame."""
        carried = [(key, value) for key, value in sorted(vars(f).items()) if key != "__wrapped__"]
        looked = attributes_in(f.__code__)
        of_classes = attributes_of_classes_in(f.__code__)
        self.shown.update((key, key in of_classes) for key in _SHOWING.intersection(looked))
        given = tuple((key, self.encode(found)) for key in looked for found in extensions(key))
        return (tuple((key, self._member(name, key, value, f.__module__)) for key, value in carried), given)

    def _cell(self, f: FunctionType, i: int) -> object:
        assert f.__closure__ is not None
        try:
            value = f.__closure__[i].cell_contents
        except ValueError:
            return ("empty",)
        return self._named(f"{f.__qualname__} closure", f.__code__.co_freevars[i], value, f.__module__)

    def _reads(self, f: FunctionType) -> tuple[object, ...]:
        return tuple(self._read(read, f) for read in reads_of(f.__code__))

    def _read(self, read: Read, f: FunctionType) -> object:
        if read.level is not None:
            return self._import(read, f)
        name, *rest = read.path
        value = f.__globals__.get(name, getattr(builtins, name, _MISSING))
        taken = [name]
        while isinstance(value, ModuleType) and rest and not is_library(value.__name__):
            taken.append(rest[0])
            value = getattr(value, rest.pop(0), _MISSING)
        if value is _MISSING:
            return ("missing", ".".join(taken))
        if isinstance(value, ModuleType) and rest:
            return self._of_library(value, rest, read, f)
        outside = self._outside(full_name(value, rest), read, f)
        if outside is not None:
            return outside
        if read.called and not rest and isinstance(value, FunctionType):
            return self.function(value)
        return self._named(f.__module__, ".".join(taken), value, f.__module__)

    def _of_library(self, module: ModuleType, rest: list[str], read: Read, f: FunctionType) -> object:
        """Something of a library's module is its name and version, unless the user put something else there."""
        name = f"{module.__name__}.{'.'.join(rest)}"
        outside = self._outside(name, read, f)
        if outside is not None:
            return outside
        value: Any = module
        for one in rest:
            value = getattr(value, one, None)
            if isinstance(value, FunctionType | type) and not is_library(value.__module__):
                return ("replaced", name, self._named(f.__module__, name, value, value.__module__))
        return ("library", module.__name__, tuple(rest), self._library(module.__name__))

    def _outside(self, path: str, read: Read, f: FunctionType) -> object:
        """Encode what code finds by a text, or note that it depends on more than code and inputs."""
        kind = kind_of(path, read.given)
        if kind is None:
            return None
        if path in ENVIRONMENT and read.given is not None:
            return self.environment(read.given)
        if path in IMPORT and read.given is not None:
            return self._import(Read((read.given, ""), 0), f)
        self.notes[kind, f"{path} in {f.__qualname__}"] = None
        own = sys.modules.get(f.__module__)
        if path in OWN_MODULE and own is not None and vars(own) is f.__globals__:
            return ("own module", self.module(own))
        return None

    def environment(self, name: str) -> object:
        """A variable of the environment is its text, which is not shown: it may be a secret."""
        value = os.environ.get(name)
        self._part(Part("environment", name, fingerprint(value)))
        return ("environment", name, value)

    def _import(self, read: Read, f: FunctionType) -> object:
        module = module_name(read, str(f.__globals__.get("__package__") or ""))
        wanted = read.path[1]
        if is_library(module):
            if kind := kind_of(f"{module}.{wanted}"):
                self.notes[kind, f"{module}.{wanted} in {f.__qualname__}"] = None
            return ("library", module, (wanted,), self._library(module))
        try:
            found = importlib.import_module(module)
        except ImportError:
            return ("missing", module)
        value = getattr(found, wanted, _MISSING) if wanted and wanted != "*" else found
        return ("missing", f"{module}.{wanted}") if value is _MISSING else self._named(module, wanted, value, module)

    def _named(self, scope: str, name: str, value: Any, module: str) -> object:
        """Encode a value that is reached by a name; if it is data, it is a part of its own."""
        made = self.encode(value)
        if not callable(value) and not isinstance(value, ModuleType | property | staticmethod | classmethod):
            file = getattr(sys.modules.get(module), "__file__", None)
            where = Path(file).name if file else module
            self._part(Part("global", f"{scope}.{name}", fingerprint(made), where, _SHORT.repr(value)))
        return made

    def argument(self, name: str, value: Any) -> object:
        """Encode an argument; what it is, or each parameter of an estimator, is a part of its own."""
        found = len(self.numbers)
        made = self.encode(value)
        given = value.get_params(deep=False) if _is_estimator(value) else {"": value}
        for key, item in given.items():
            full = ".".join(word for word in (name, key) if word) or "value"
            plain = item is value and found == len(self.numbers)  # no code of the user's: it is the same once more
            again = made if plain else self.encode(item)
            self._part(Part("argument", full, fingerprint(again), shown=_SHORT.repr(item)))
        return made

    # --- classes, modules, libraries ------------------------------------------------------------------------------

    def cls(self, c: type) -> object:
        """A class is its bases and what its body holds; a library's is its name and version."""
        if c.__module__ == "builtins":
            return ("class", c.__qualname__)
        if is_library(c.__module__) and getattr(sys.modules.get(c.__module__), c.__qualname__.split(".")[0], None):
            return ("class", c.__module__, c.__qualname__, self._library(c.__module__))
        if id(c) in self.numbers:
            return ("seen", self.numbers[id(c)])
        self._number(c)
        bases = tuple(self.encode(base) for base in c.__bases__)
        name = f"{c.__module__}.{c.__qualname__}"
        members = [(key, value) for key, value in sorted(vars(c).items()) if key not in _CLASS_NOISE]
        body = tuple((key, self._member(name, key, value, c.__module__)) for key, value in members)
        self._part(Part("class", name, fingerprint(bases, [n for n, _ in body]), _where(c)))
        typed = c.__annotations__ if _reads_annotations(c) else {}  # a class of a framework may check them
        shown = c.__qualname__ if _shows_name(c) else ""
        return ("class", shown, bases, body, tuple((key, str(kind)) for key, kind in typed.items()))

    def _member(self, scope: str, name: str, value: Any, module: str) -> object:
        try:
            return self._named(scope, name, value, module)
        except IdentityError:  # a framework's descriptor: its kind is all there is to say
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            self.notes["opaque", kind] = None
            return ("opaque", kind)

    def module(self, module: ModuleType) -> object:
        """A module as a whole is its version, or all it holds where it is the project's own; its text if that is not known."""
        if is_library(module.__name__):
            return ("library", module.__name__, self._library(module.__name__))
        if id(module) in self.numbers:
            return ("seen", self.numbers[id(module)])
        self._number(module)
        self.notes["whole module", module.__name__] = None
        held = [(k, v) for k, v in sorted(vars(module).items()) if not k.startswith("__") and not _is_ours(v)]
        made = tuple((k, self._member(module.__name__, k, v, module.__name__)) for k, v in held)
        file = getattr(module, "__file__", None)
        opaque = any(isinstance(one, tuple) and one[:1] == ("opaque",) for _, one in made)
        text = Path(file).read_bytes() if file and opaque else b""
        self._part(Part("module", module.__name__, fingerprint(made, text), Path(file).name if file else ""))
        return ("module", made, text)

    def _library_object(self, value: Any) -> object:
        module = str(getattr(value, "__module__", None) or "builtins")
        name = str(getattr(value, "__qualname__", getattr(value, "__name__", "")))
        return ("library", module, name, self._library(module))

    def _library(self, module: str) -> str:
        """Return the version that stands for a library's code; it is a part, and belongs to the key."""
        state = library_state(module)
        name = library_version(module).rpartition(" ")[0]
        self._part(Part("library", name, fingerprint(state), shown=state))
        return state

    def _part(self, part: Part) -> None:
        self.parts[part.kind, part.name] = part

    # --- what wraps a function ------------------------------------------------------------------------------------

    def method(self, m: MethodType) -> object:
        return ("method", self.encode(m.__func__), self.encode(m.__self__))

    def partial(self, p: functools.partial[Any]) -> object:
        return ("partial", self.encode(p.func), self.encode(p.args), self.encode(p.keywords))

    def builtin(self, b: BuiltinFunctionType) -> object:
        owner = getattr(b, "__self__", None)
        if owner is not None and not isinstance(owner, ModuleType | type):
            return ("method", b.__name__, self.encode(owner))
        return self._library_object(b)

    def descriptor(self, d: Any) -> object:
        inner = (d.fget, d.fset, d.fdel) if isinstance(d, property) else (d.__func__,)
        return (type(d).__name__, *(self.encode(one) for one in inner))

    def names(self) -> object:
        """Return what code that looks at such attributes sees of functions and classes: their names, or docstrings."""
        return tuple(
            (key, str(getattr(one, key, None)))
            for key, of_classes in sorted(self.shown)
            for one in self.alive
            if isinstance(one, type if of_classes else FunctionType | type)
        )

    def code(self, c: CodeType) -> object:
        return encode_code(c, self.encode)


_BY_TYPE: tuple[tuple[Callable[[_Walk, Any], object], tuple[type, ...]], ...] = (
    (_Walk.handed, (FunctionType,)),
    (_Walk.cls, (type,)),
    (_Walk.module, (ModuleType,)),
    (_Walk.method, (MethodType,)),
    (_Walk.partial, (functools.partial,)),
    (_Walk.builtin, (BuiltinFunctionType,)),
    (_Walk.descriptor, (property, staticmethod, classmethod)),
    (_Walk.code, (CodeType,)),
)
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis)})


def _is_named_in_library(f: FunctionType) -> bool:
    """Say whether a function is what a library's module holds under its name: then its version says all."""
    module = sys.modules.get(f.__module__ or "")
    if module is None or not is_library(f.__module__):
        return False
    found: Any = module
    for name in f.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is f or inspect.unwrap(found) is f if callable(found) else False


def _is_generic(f: FunctionType) -> bool:
    """Say whether a function was made by ``functools.singledispatch``."""
    return hasattr(f, "registry") and f.__code__.co_filename == functools.singledispatch.__code__.co_filename


def _is_ours(value: object) -> bool:
    """Say whether a value is of MILE itself, such as a deferred one."""
    return type(value).__module__.partition(".")[0] == "mileage"


def _shows_name(c: type) -> bool:
    """Say whether the text of an object shows what its class is called, as a dataclass or a member of an enum does."""
    plain: Any = object
    return c.__repr__ is not plain.__repr__ or c.__str__ is not plain.__str__ or type(c) not in {type, ABCMeta}


def _reads_annotations(c: type) -> bool:
    return is_library(type(c).__module__) and type(c).__module__.partition(".")[0] not in sys.stdlib_module_names


def _is_library_callable(value: Any) -> bool:
    """Say whether a value is a library's own function that is no Python function, such as ``numpy.add``."""
    name, module = getattr(value, "__name__", None), getattr(value, "__module__", None)
    if not callable(value) or not isinstance(name, str):
        return False
    return not isinstance(module, str) or is_library(module)


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and hasattr(value, "fit") and not isinstance(value, type)


def _where(c: type) -> str:
    try:
        return f"{Path(inspect.getfile(c)).name}:{inspect.getsourcelines(c)[1]}"
    except (OSError, TypeError):
        return ""


def identify(function: Any, arguments: Mapping[str, Any] | None = None, *, env: tuple[str, ...] = ()) -> Identity:
    """Return the identity of a function, a class or a value; with ``arguments``, of a function called with these.

    ``env`` names variables of the environment that it reads, besides those that its code names.

    Raises
    ------
    IdentityError
        If it reads a value that has no identity.

    Examples
    --------
    >>> limit = 5
    >>> one, two = (lambda rows: [r for r in rows if r < limit]), (lambda rows: [x for x in rows if x < limit])
    >>> identify(one).key == identify(two).key
    True
    """
    walk = _Walk()
    made = walk.function(function) if isinstance(function, FunctionType) else walk.encode(function)
    read = tuple(walk.environment(name) for name in env)
    if arguments is not None:
        made = ("called", made, tuple((name, walk.argument(name, value)) for name, value in arguments.items()))
    made = (made, read, walk.names())
    return Identity(fingerprint("identity", made), tuple(walk.parts.values()), tuple(walk.notes))


def changes(old: Identity, new: Identity) -> tuple[str, ...]:
    """Return what differs between two identities, as sentences.

    Examples
    --------
    >>> before = Identity(Fingerprint("a"), (Part("global", "jobs.LIMIT", "1", "jobs.py", "5"),))
    >>> after = Identity(Fingerprint("b"), (Part("global", "jobs.LIMIT", "2", "jobs.py", "7"),))
    >>> changes(before, after)
    ('global jobs.LIMIT changed from 5 to 7 in jobs.py',)
    """
    was, now = ({(p.kind, p.name): p for p in identity.parts} for identity in (old, new))
    said = [_said(was.get(key), now.get(key)) for key in dict.fromkeys([*was, *now])]
    return tuple(sentence for sentence in said if sentence)


def _said(was: Part | None, now: Part | None) -> str:
    if was is None and now is not None:
        return f"{now.kind} {now.name} is new" + (f" at {now.where}" if now.where else "")
    if now is None and was is not None:
        return f"{was.kind} {was.name} is no longer {'given' if was.kind == 'argument' else 'read'}"
    assert was is not None
    assert now is not None
    if was.digest == now.digest:
        return ""
    if now.kind == "library":
        return f"library {was.shown} became {now.shown}"
    if now.kind == "argument":
        old, new = excerpts(was.shown, now.shown)
        return f"{now.name} changed from {old} to {new}"
    if now.kind == "environment":
        return f"environment variable {now.name} changed"
    if now.kind == "global":
        return f"global {now.name} changed from {was.shown} to {now.shown} in {now.where}"
    return f"{now.kind} {now.name} edited at {now.where}"
