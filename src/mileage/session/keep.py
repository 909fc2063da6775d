"""What to keep of a run: what is dear to compute for its bytes, given what is kept already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mileage.core.fingerprint import Fingerprint
from mileage.workflow import Action, PhysicalPlan, Task

SMALL_BYTES = 64 * 1024
_WRITE_FIXED_S, _WRITE_BYTES_S = 0.0015, 500e6
_REUSE = 0.7  # how likely an output is asked for again in the next iterations


@dataclass
class DensityKeeper:
    """Keeps an output if computing it again would take longer than writing it now and loading it then.

    Computing it again costs what it took itself, and what its inputs that are not kept would cost: the marginal recompute
    cost (reuse study, LIMA's Cost&Size, HELIX without counting what is stored).
    """

    inputs: Mapping[Fingerprint, tuple[Fingerprint, ...]]
    kept: set[Fingerprint]
    seconds: dict[Fingerprint, float] = field(default_factory=dict)
    is_of_one_run: Callable[[Fingerprint], bool] = lambda _: False

    @classmethod
    def of(
        cls,
        plan: PhysicalPlan,
        costs: Callable[[Task], tuple[float, float | None]],
        is_of_one_run: Callable[[Fingerprint], bool] = lambda _: False,
    ) -> DensityKeeper:
        """Return a keeper for a plan; what is loaded, or could be, is kept already.

        What ``is_of_one_run``, and all that is made from it, is never kept: its key does not say what it is.
        """
        inputs = {p.task.fingerprint: tuple(port.task for port in p.task.inputs) for p in plan}
        kept = {p.task.fingerprint for p in plan if p.action is not Action.COMPUTE and costs(p.task)[1] is not None}
        return cls(inputs, kept, is_of_one_run=is_of_one_run)

    def wants(self, task: Fingerprint, key: str, *, seconds: float, size_bytes: int) -> bool:
        """Say whether to keep an output."""
        del key
        self.seconds[task] = seconds
        if any(self.is_of_one_run(name) for name in self._behind(task)):
            return False
        write_s = _WRITE_FIXED_S + size_bytes / _WRITE_BYTES_S
        wanted = size_bytes <= SMALL_BYTES or _REUSE * (self._again_s(task) - write_s) > write_s
        if wanted:
            self.kept.add(task)
        return wanted

    def _behind(self, task: Fingerprint) -> set[Fingerprint]:
        """Return a task and all that it is made from."""
        seen, stack = {task}, [task]
        while stack:
            fresh = set(self.inputs.get(stack.pop(), ())) - seen
            seen |= fresh
            stack += fresh
        return seen

    def _again_s(self, task: Fingerprint) -> float:
        """Return the seconds to compute a task again, with all it needs that is not kept."""
        total, seen, stack = 0.0, {task}, [task]
        while stack:
            name = stack.pop()
            total += self.seconds.get(name, 0.0)
            for before in self.inputs.get(name, ()):
                if before not in seen and before not in self.kept:
                    seen.add(before)
                    stack.append(before)
        return total
