"""What a law measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mileage.traits.declaration import Claim, Declaration
from mileage.traits.exactness import Exactness, compare


@dataclass(frozen=True, slots=True)
class Evidence:
    """How exactly a law held, the largest difference seen as a share of the largest value, and what broke it."""

    exactness: Exactness
    difference: float = 0.0
    why: str = ""


Law: TypeAlias = Callable[[Declaration, Claim], Evidence]


def weakest(found: Iterable[Evidence]) -> Evidence:
    """Return the worst of some evidence."""
    return max(found, key=lambda one: (one.exactness, one.difference))


def measured(got: np.ndarray, wanted: np.ndarray, why: str) -> Evidence:
    """Return how exactly two results agree; ``why`` says what is broken if they do not."""
    exactness, difference = compare(got, wanted)
    return Evidence(exactness, difference, why if exactness is Exactness.BROKEN else "")
