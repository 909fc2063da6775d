"""What policies know: the tasks there were, what they cost, and which of their results are kept.

Scores are by task, not by file: the outputs of a task can be loaded only all together. Next: :mod:`..policies.policy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SMALL_BYTES = 64 * 1024
SMALL_SHARE = 0.002  # of the quota, for models, predictions and metrics
# A file of the store is mapped, and what was written lately is in memory: its pages cost a copy at most. Writing goes on
# behind the run, at the pace of the disk, as is quick packing. What is packed small takes the processor longer.
READ_FIXED_S, READ_BYTES_S, UNPACK_BYTES_S = 0.0015, 3e9, 1.3e9
WRITE_FIXED_S, WRITE_BYTES_S, PACK_BYTES_S = 0.0015, 1e9, 0.6e9
PACKED_SHARE = 0.25  # of its bytes, until it is written


class Part(StrEnum):
    """Which part of a workflow a step belongs to; what people change next depends on it."""

    PREPROCESSING = "preprocessing"
    LEARNING = "learning"
    POSTPROCESSING = "post-processing"

    @classmethod
    def _missing_(cls, value: object) -> Part | None:
        return cls.POSTPROCESSING if value == "postprocessing" else None  # as catalogs were written once


@dataclass(slots=True)
class Item:
    """A task as a policy sees it.

    Its result takes ``size_bytes`` in memory and ``disk_bytes`` where it is kept, fewer if it is packed there, as ``small``
    as can be or quickly. ``age`` counts the versions since it belonged to the newest one (0: it does); ``reuse`` is how often its result will
    be read again, as far as can be foreseen; ``hits`` how often it was loaded, ``misses`` how often computed again.
    """

    seconds: float = 0.0
    size_bytes: int = 0
    inputs: tuple[str, ...] = ()
    part: Part = Part.PREPROCESSING
    kept: bool = False
    age: int = 0
    reuse: float = 0.7
    hits: int = 0
    misses: int = 0
    last_used: float = 0.0
    disk_bytes: int = 0
    small: bool = False

    @property
    def room_bytes(self) -> int:
        """Bytes it takes on the disk, as far as that is known."""
        return self.disk_bytes or self.size_bytes

    @property
    def load_s(self) -> float:
        """Seconds to read it from the disk."""
        return READ_FIXED_S + self.size_bytes / (UNPACK_BYTES_S if self.small else READ_BYTES_S)

    @property
    def write_s(self) -> float:
        """Seconds to write it to the disk."""
        return WRITE_FIXED_S + self.size_bytes / (PACK_BYTES_S if self.small else WRITE_BYTES_S)


@dataclass(slots=True)
class Known:
    """All tasks that are known, by fingerprint; ``quota_bytes`` is None where the disk is the limit.

    ``undo`` is the chance that the next version goes back to the one before.
    """

    items: dict[str, Item] = field(default_factory=dict)
    quota_bytes: int | None = None
    undo: float = 0.15

    def again_s(self, task: str) -> float:
        """Return the seconds to have a task again if its result were gone, given what else is kept.

        What is not kept upstream is computed too; what is kept is loaded, or computed where that is cheaper.
        """
        total, seen, stack = self.items[task].seconds, {task}, list(self.items[task].inputs)
        while stack:
            name = stack.pop()
            if name in seen or name not in self.items:
                continue
            seen.add(name)
            item = self.items[name]
            if item.kept:
                total += item.load_s
            else:
                total += item.seconds
                stack.extend(item.inputs)
        return total

    def whole_s(self, task: str) -> float:
        """Return the seconds of a task and of all tasks before it, whatever is kept."""
        total, seen, stack = 0.0, set(), [task]
        while stack:
            name = stack.pop()
            if name not in seen and name in self.items:
                seen.add(name)
                total += self.items[name].seconds
                stack.extend(self.items[name].inputs)
        return total

    def is_small(self, task: str) -> bool:
        """Say whether a result is so small that it is kept anyway: metrics, models, predictions."""
        item = self.items[task]
        if item.room_bytes <= SMALL_BYTES:
            return True
        return self.quota_bytes is not None and (
            item.part is not Part.PREPROCESSING and item.room_bytes <= SMALL_SHARE * self.quota_bytes
        )

    @classmethod
    def of(cls, items: Mapping[str, Item], quota_bytes: int | None = None) -> Known:
        """Return what is known of ``items``."""
        return cls(dict(items), quota_bytes)
