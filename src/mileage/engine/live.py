"""Values that are alive in a run, held to budgets: what is too much for this process goes to disk, and what is too much there goes away."""

from __future__ import annotations

from collections import OrderedDict

from mileage.engine.backend import Located, Place
from mileage.engine.scratch import Scratch
from mileage.engine.units import Table
from mileage.engine.values import unpack
from mileage.workflow.task import Port

_HERE = frozenset({Place.OBJECT, Place.PACKED})


class Live:
    """The values that tasks have made for others; ``table`` says where each is, and is changed on a move.

    Of those in this process the oldest go to disk, unless they are kept. Of those on disk the ones that were read longest ago go away;
    whoever asks for them later has them computed again. What a unit will read, or a plan was asked for, stays, whatever it takes.

    Parameters
    ----------
    table : Table
    scratch : Scratch
    memory_bytes : int
        The most that values in this process take.
    disk_bytes : int, optional
        The most that values on disk take; half of what is free there when the first one comes, unless given.

    Attributes
    ----------
    peak_bytes : int
        The most that was held at once, here and on disk.
    """

    def __init__(self, table: Table, scratch: Scratch, memory_bytes: int, disk_bytes: int | None = None) -> None:
        self._table, self._scratch = table, scratch
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._here, self._on_disk = _Held(), _Held()
        self.peak_bytes = 0

    def add(self, port: Port) -> None:
        """Count a value where the table says that it is, and let others leave while there is too much."""
        self._count(port)
        while self._here.bytes > self._memory_bytes and len(self._here.sizes) > 1:
            self._spill(next(iter(self._here.sizes)))
        if self._on_disk.bytes:
            self._drop()
        self.peak_bytes = max(self.peak_bytes, self._here.bytes + self._on_disk.bytes)

    def touch(self, port: Port) -> None:
        """Note that a value is read now."""
        if port in self._on_disk.sizes:
            self._on_disk.sizes.move_to_end(port)

    def _count(self, port: Port) -> None:
        located = self._table.located[port]
        self._here.remove(port)
        self._on_disk.remove(port)
        if located.place in _HERE:
            self._here.add(port, located.size)
        elif located.place is Place.SCRATCH:
            self._on_disk.add(port, located.size)

    def _spill(self, port: Port) -> None:
        """Move a value of this process to disk."""
        located, store = self._table.located[port], self._table.store
        if store is not None and store.has(port.key):
            self._table.located[port] = Located(port.key, Place.STORE, None, located.size)
        else:
            value = unpack(located.value) if located.place is Place.PACKED else located.value
            size = self._scratch.put(port.key, value)
            self._table.located[port] = Located(port.key, Place.SCRATCH, None, size)
        self._count(port)

    def _drop(self) -> None:
        """Remove values from disk that nobody waits for while there are too many."""
        if self._disk_bytes is None:
            self._disk_bytes = self._scratch.room_bytes()
        if self._on_disk.bytes <= self._disk_bytes:
            return
        for port in [port for port in self._on_disk.sizes if not self._table.readers[port]]:
            self._scratch.delete(port.key)
            self._on_disk.remove(port)
            del self._table.located[port]
            if self._on_disk.bytes <= self._disk_bytes:
                return


class _Held:
    """Sizes of values in the order in which they came or were read, and their sum."""

    def __init__(self) -> None:
        self.sizes: OrderedDict[Port, int] = OrderedDict()
        self.bytes = 0

    def add(self, port: Port, size: int) -> None:
        self.sizes[port] = size
        self.bytes += size

    def remove(self, port: Port) -> None:
        self.bytes -= self.sizes.pop(port, 0)
