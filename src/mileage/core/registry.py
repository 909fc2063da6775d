"""Named things of one family: ours from a package's files, outsiders' from entry points.

A family is open: adding a member is one file in the family's folder, or one entry point of the family's group in
another distribution.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cached_property
from importlib.metadata import entry_points
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
    """

    def __init__(self, what: str, *, package: str, base: type[T], group: str) -> None:
        self.what = what
        self.package = package
        self.base = base
        self.group = group
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
        """Return the member, or None."""
        return self._added.get(name) or self._found.get(name)

    def added(self) -> tuple[T, ...]:
        """Return the members that were added by hand: what another process does not find by itself."""
        return tuple(self._added.values())

    def get(self, name: str) -> T:
        """Return the member; an unknown name is an error with near matches."""
        member = self.find(name)
        if member is None:
            near = near_matches(name, self.names())
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(self.names())}"
            message = f"no {self.what} named '{name}'"
            raise OperatorError(message, hint=hint)
        return member

    def __iter__(self) -> Iterator[T]:
        return iter([self.get(name) for name in self.names()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def __len__(self) -> int:
        return len(self.names())

    @cached_property
    def _found(self) -> dict[str, T]:
        found: dict[str, T] = {}
        package = importlib.import_module(self.package)
        for info in pkgutil.walk_packages(package.__path__, f"{self.package}."):
            if info.name.rpartition(".")[2].startswith("_"):  # holds what members use, and may import more
                continue
            module = importlib.import_module(info.name)
            members = [v for v in vars(module).values() if isinstance(v, self.base)]
            found |= {self._name(member): member for member in members}
        for point in entry_points(group=self.group):
            member = point.load()
            if not isinstance(member, self.base):
                message = f"entry point '{point.name}' of group {self.group} is no {self.base.__name__}"
                raise OperatorError(message, hint="let it load to an instance of that class")
            found[self._name(member)] = member
        return found

    @staticmethod
    def _name(member: T) -> str:
        return member.name
