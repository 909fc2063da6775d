"""What no policy can beat under a quota: the least computing there can be for one who knows every edit that will come.

Reading and writing are free, as for the oracle, and everything takes as few bytes as the store can pack it into. What is kept
after each version, and what is computed in it, is an integer program, solved exactly; where time runs out, what is proven
so far is told, which is still no more than the optimum.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from mileage.catalog.container import Packing
from mileage.catalog.formats import encode
from mileage.catalog.packing import packed

_LIMIT_S = 60.0


@dataclass(frozen=True)
class Made:
    """A result: seconds to compute it, from what, and the bytes it takes when it is kept."""

    seconds: float
    inputs: tuple[str, ...]
    size_bytes: int


def least_seconds(tasks: Mapping[str, Made], versions: Sequence[Sequence[str]], quota_bytes: int) -> float:
    """Return the least seconds of computing for all versions in order.

    Parameters
    ----------
    tasks : mapping of key to Made
    versions : sequence of sequences of keys
        The tasks of each version, inputs first; the last one is what is wanted.
    quota_bytes : int
        At most so many bytes are kept from one version to the next.

    Examples
    --------
    >>> tasks = {"a": Made(2.0, (), 10), "b": Made(1.0, ("a",), 1), "c": Made(1.0, ("a",), 1)}
    >>> [least_seconds(tasks, [["a", "b"], ["a", "c"], ["a", "b"]], quota) for quota in (0, 1, 11)]
    [9.0, 6.0, 4.0]
    """
    program = _Program(tasks, versions, quota_bytes)
    bounds = Bounds(0, np.ones(len(program.costs)))
    rows = LinearConstraint(program.matrix(), -np.inf, program.limits)
    options = {"time_limit": _LIMIT_S, "mip_rel_gap": 1e-4}
    found = milp(
        program.costs, integrality=np.ones(len(program.costs)), bounds=bounds, constraints=rows, options=options
    )
    if found.mip_dual_bound is None:
        message = f"no bound was found: {found.message}"
        raise RuntimeError(message)
    return float(round(found.mip_dual_bound, 6))


class _Program:
    """Variables ``("kept", task, version)`` and ``("made", task, version)`` of 0 or 1; rows of ``coefficients <= limit``."""

    def __init__(self, tasks: Mapping[str, Made], versions: Sequence[Sequence[str]], quota_bytes: int) -> None:
        self.place: dict[tuple[str, str, int], int] = {}
        self.costs: list[float] = []
        self.rows: list[dict[int, float]] = []
        self.limits: list[float] = []
        unit = max(1, quota_bytes)
        for v, version in enumerate(versions):
            for task in version:
                self._variable("made", task, v, tasks[task].seconds)
            needed_later = {task for later in versions[v + 1 :] for task in later}
            for task in sorted(needed_later & {task for before in versions[: v + 1] for task in before}):
                self._variable("kept", task, v, 0.0)
                self._row({("kept", task, v): 1, ("kept", task, v - 1): -1, ("made", task, v): -1}, 0)
            for task in version:
                for before in tasks[task].inputs:  # what is computed needs its inputs computed or kept
                    self._row({("made", task, v): 1, ("made", before, v): -1, ("kept", before, v - 1): -1}, 0)
            self._row({("made", version[-1], v): -1, ("kept", version[-1], v - 1): -1}, -1)
            kept = {("kept", task, at): tasks[task].size_bytes / unit for _, task, at in self._kept_after(v)}
            self._row(kept, quota_bytes / unit)

    def _kept_after(self, version: int) -> list[tuple[str, str, int]]:
        return [name for name in self.place if name[0] == "kept" and name[2] == version]

    def _variable(self, kind: str, task: str, version: int, cost: float) -> None:
        self.place[kind, task, version] = len(self.costs)
        self.costs.append(cost)

    def _row(self, coefficients: Mapping[tuple[str, str, int], float], limit: float) -> None:
        """Add a row; a variable that does not exist is 0."""
        self.rows.append({self.place[name]: c for name, c in coefficients.items() if name in self.place})
        self.limits.append(limit)

    def matrix(self) -> csr_array:
        """Return the coefficients, a row for each constraint."""
        entries = [(i, j, c) for i, row in enumerate(self.rows) for j, c in row.items()]
        at, columns, values = zip(*entries, strict=True)
        return csr_array((values, (at, columns)), shape=(len(self.rows), len(self.costs)))


def tasks_of(known: Path, runs: Sequence[Mapping[str, Any]]) -> dict[str, Made]:
    """Return the tasks of the oracle's iterations, each as small as the store can keep it."""
    made = pickle.loads(known.read_bytes())
    sizes = {key: packed(encode(value), Packing.SMALL, hard=True).size_bytes for key, value in made.items()}
    listed = [task for run in runs for task in run["tasks"]]
    return {task["key"]: Made(task["seconds"], tuple(task["inputs"]), sizes[task["key"]]) for task in listed}
