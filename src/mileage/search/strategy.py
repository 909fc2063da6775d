"""The contract of a search strategy: ask and tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from mileage.core.reasons import Reason
from mileage.operators import StepSpec
from mileage.space import Configuration, SearchSpace


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration to try, and why this one now.

    ``share`` is the part of a budget of time that it is worth; one that takes more waits until others were tried.
    """

    configuration: Configuration
    reason: Reason
    share: float = 0.2


@dataclass(frozen=True, slots=True)
class Known:
    """Steps by slot that did well elsewhere, and where; ``weight`` is what they had in a blend that may be made again."""

    wish: Mapping[str, StepSpec]
    reason: Reason
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What a strategy may know: the space, the seed, the size of the data, and what did well on tables like it."""

    space: SearchSpace
    seed: int = 0
    n_rows: int = 1000
    n_columns: int = 10
    n_classes: int = 2
    n_levels: int = 0  # distinct values of all categorical columns together
    known: tuple[Known, ...] = ()


class Strategy(ABC):
    """Proposes configurations and learns from their scores; no clock, no data, no loop.

    Laws (checked by :func:`mileage.testing.check_strategy`): every proposal is a point of the space without conflict;
    none is proposed twice; the same context and the same asks and tells in the same order give the same proposals,
    whatever else happens in the process; ``ask`` may be called several times before a ``tell``, and returns None once
    and for all when nothing is left, which it does on a finite space; ``tell`` takes a failed trial (None) and a
    configuration that another one proposed. A registered instance is a template that no search changes: ``begin``
    returns the one to use, or raises a :class:`mileage.errors.MileError` where the space does not suit the strategy.
    """

    name: ClassVar[str]

    @abstractmethod
    def begin(self, context: SearchContext) -> Self:
        """Return a fresh strategy for one search."""

    @abstractmethod
    def ask(self) -> Proposal | None:
        """Return the next proposal, or None when there is nothing left to try."""

    @abstractmethod
    def tell(self, configuration: Configuration, loss: float | None) -> None:
        """Learn the loss (smaller is better) of a configuration; None for one that failed."""
