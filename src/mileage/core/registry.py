"""Named things of one family: ours from a package's files, outsiders' from entry points.

A family is open: adding a member is one file in the family's folder, or one entry point of the family's group in
another distribution. A member of another distribution that cannot be had is left out and said; it breaks nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mileage.core.near import near_matches
from mileage.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Named(Protocol):
    """What has a name to be found by."""

    @property
    def name(self) -> str:
        """The name, unique in its family."""


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A member of another distribution that cannot be had, and why."""

    what: str
    name: str
    distribution: str
    why: str

    def __str__(self) -> str:
        return f"the {self.what} '{self.name}' of {self.distribution} is left out: {self.why}"


class Registry(Generic[T]):
    """The members of one family by name.

    Parameters
    ----------
    what : str
        The family in a message, such as ``"operator"``.
    package : str
        Package whose modules are searched, folders in it included.
    base : type
        A module-level instance of this class is a member; its ``name`` attribute is the key.
    group : str
        Entry-point group for members of other distributions; each entry point loads to an instance.
    taken : callable, optional
        Returns names that mean something already, besides our own members'; only asked where there are outsiders.
    """

    def __init__(
        self,
        what: str,
        *,
        package: str,
        base: type[T],
        group: str,
        taken: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.what = what
        self.package = package
        self.base = base
        self.group = group
        self._taken = taken
        self._added: dict[str, T] = {}

    def add(self, member: T) -> T:
        """Add a member by hand, for a test or a notebook; it wins over one of the same name."""
        self._added[self._name(member)] = member
        return member

    def remove(self, name: str) -> None:
        """Take out a member that was added by hand."""
        self._added.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted."""
        return tuple(sorted({*self._found, *self._added}))

    def find(self, name: str) -> T | None:
        """Return the member, or None; other distributions are looked through only if it is none of ours."""
        known = self._added.get(name)
        if known is None and "_ours" not in vars(self):
            known = self._own_file(name)  # once all of ours are read, none is looked for in its file
        if known is None:
            known = self._ours.get(name)
        return known if known is not None else self._found.get(name)

    def added(self) -> tuple[T, ...]:
        """Return the members that were added by hand: what another process does not find by itself."""
        return tuple(self._added.values())

    def is_ours(self, name: str) -> bool:
        """Say whether the member of this name is one of our own package."""
        return self.find(name) is self._ours.get(name) is not None

    def get(self, name: str) -> T:
        """Return the member; an unknown name is an error with near matches."""
        member = self.find(name)
        if member is None:
            near = near_matches(name, self.names())
            known = f"did you mean {near[0]}?" if near else f"known: {', '.join(self.names())}"
            message = f"no {self.what} named '{name}'"
            raise OperatorError(message, hint=self.why_not(name) or known)
        return member

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return the members of other distributions that cannot be had."""
        return self._outside[1]

    def why_not(self, name: str) -> str | None:
        """Return why a member of this name was left out, or None."""
        return next((str(out) for out in self.left_out() if out.name == name), None)

    def __iter__(self) -> Iterator[T]:
        return iter([self.get(name) for name in self.names()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def __len__(self) -> int:
        return len(self.names())

    @cached_property
    def _found(self) -> dict[str, T]:
        return self._outside[0] | self._ours

    def _own_file(self, name: str) -> T | None:
        """Return the member of the file that is named after it, without importing the other files."""
        if "_ours" in vars(self) or not name.isidentifier() or name.startswith("_"):
            return None
        if importlib.util.find_spec(f"{self.package}.{name}") is None:
            return None
        module = importlib.import_module(f"{self.package}.{name}")
        members = [v for v in vars(module).values() if isinstance(v, self.base)]
        return next((member for member in members if self._name(member) == name), None)

    @cached_property
    def _ours(self) -> dict[str, T]:
        found: dict[str, T] = {}
        package = importlib.import_module(self.package)
        for info in pkgutil.walk_packages(package.__path__, f"{self.package}."):
            if info.name.rpartition(".")[2].startswith("_"):  # holds what members use, and may import more
                continue
            module = importlib.import_module(info.name)
            members = [v for v in vars(module).values() if isinstance(v, self.base)]
            found |= {self._name(member): member for member in members}
        return found

    @cached_property
    def _outside(self) -> tuple[dict[str, T], tuple[LeftOut, ...]]:
        """Members of other distributions, in the order of the distributions' names, and what had to be left out."""
        found: dict[str, T] = {}
        out: list[LeftOut] = []
        points = sorted(entry_points(group=self.group), key=lambda point: (_distribution(point), point.name))
        for point in dict.fromkeys(points):
            member, why = self._loaded(point)
            name = self._name(member) if member is not None else point.name
            if member is not None:
                why = self._misfit(member, found)
            if why or member is None:
                out.append(LeftOut(self.what, name, _distribution(point), why))
            else:
                found[name] = member
        return found, tuple(out)

    def _loaded(self, point: EntryPoint) -> tuple[T | None, str]:
        """Return what an entry point loads to, or why it is no member."""
        try:
            member = point.load()
        except Exception as error:  # noqa: BLE001  (an import may raise anything)
            return None, f"'{point.value}' cannot be loaded: {type(error).__name__}: {error}"
        if not isinstance(member, self.base):
            is_class = isinstance(member, type) and issubclass(member, self.base)
            shown = "the class" if is_class else f"of type {type(member).__name__}"
            return None, f"'{point.value}' is {shown}; it must be an instance of {self.base.__name__}"
        return member, ""

    def _misfit(self, member: T, others: Collection[str]) -> str:
        """Say why a member cannot be taken in; empty if it can."""
        name = getattr(member, "name", None)
        if not isinstance(name, str) or not name.isidentifier():
            return f"its name {name!r} is no word of a query"
        if name in self._ours or name in self._taken():
            return f"the name '{name}' is MILE's own; give it another one"
        return f"another distribution has the {self.what} '{name}' too" if name in others else ""

    @staticmethod
    def _name(member: T) -> str:
        return member.name


def _distribution(point: EntryPoint) -> str:
    return str(point.dist.name) if point.dist is not None else "an unknown distribution"
