"""The contract of a policy, and how any policy makes room. A policy is one file of this folder."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from mileage.optimizer.policies.known import Known

NEVER = float("inf")


@dataclass(frozen=True)
class Policy(ABC):
    """Decides what is kept within a quota.

    Laws: pure (the same knowledge gives the same answers); while others leave, no score falls.

    Attributes
    ----------
    name : str
        Name in the registry: ``mile iterate --policy NAME``.
    """

    name: ClassVar[str]

    @abstractmethod
    def wants(self, known: Known, task: str) -> bool:
        """Say whether a result that was computed just now is worth writing, if there is room."""

    @abstractmethod
    def score(self, known: Known, task: str) -> float:
        """Return what keeping a result is worth; the lowest leaves first, :data:`NEVER` does not leave."""


def make_room(
    policy: Policy, known: Known, need_bytes: int, *, incoming: str | None = None, stays: Collection[str] = ()
) -> list[str] | None:
    """Return the tasks whose results leave for ``need_bytes``; None if that is not possible, or not worth it.

    What leaves is worth less than what comes. Scores rise as others leave (there is less to start from), so they are
    taken from a heap and looked at again before a task really leaves. Nothing is changed.
    """
    kept = [name for name, item in known.items.items() if item.kept and name not in stays and name != incoming]
    limit = NEVER if incoming is None else policy.score(known, incoming)
    heap = [(policy.score(known, name), name) for name in kept]
    heapq.heapify(heap)
    gone: list[str] = []
    freed = 0
    try:
        while freed < need_bytes and heap:
            score, name = heapq.heappop(heap)
            now = policy.score(known, name)
            if now > score and heap and now > heap[0][0]:
                heapq.heappush(heap, (now, name))
                continue
            if now >= limit:
                break
            known.items[name].kept = False
            gone.append(name)
            freed += known.items[name].room_bytes
    finally:
        for name in gone:
            known.items[name].kept = True
    return gone if freed >= need_bytes else None
