"""One in a hundred of the predictions that share work is made alone, too; what differs is shared no more in this project.

Laws of traits are tested on made-up data (``mile traits``); this looks at what is in use. What either finds is kept in the folder
of the project, by the versions of the libraries, and the optimizer relies on it no more: :func:`known_demotions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.core.fingerprint import Fingerprint, fingerprint
from mileage.core.interrupts import StopAsked
from mileage.operators import Operator, operators
from mileage.operators.batched import Batched
from mileage.operators.versions import versions
from mileage.optimizer import SHARING, Evaluation, optimize
from mileage.session.traits import FILE as VERDICTS
from mileage.space import Configuration
from mileage.workflow import Action, PhysicalPlan, Port, Task

if TYPE_CHECKING:
    from mileage.operators.running import Predictions
    from mileage.results import Trial
    from mileage.session.data_tasks import DataTasks
    from mileage.session.trials import TrialLoop

FILE = "demoted.json"
ONE_IN = 100
_LEAST_LEFT_S = 5.0  # of a budget of time, before it is spent on looking twice
_SOLVERS = 0.02  # of a probability: so far apart may two be that stop within the tolerance of a solver
_RULES = {"cuts": "bind_late", "gathers": "gather_once", "stacks": "stack_fits"}
Demoted = Mapping[tuple[str, str], Exactness]

# --- what is known ----------------------------------------------------------------------------------------------------


def known_demotions(folder: Path) -> dict[tuple[str, str], Exactness]:
    """Return how exactly rules work with operators, where that was seen to be less than they claim, with these versions.

    Parameters
    ----------
    folder : Path
        Where a project keeps verdicts on traits, and what was seen in use.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep_demotions(Path(folder), {("bind_late", "pca"): Exactness.BROKEN})
    ...     known_demotions(Path(folder))
    {('bind_late', 'pca'): <Exactness.BROKEN: 7>}
    """
    found = _of_verdicts(folder / VERDICTS)
    for key, name in _read(folder / FILE).items():
        rule, operator, *with_versions = key.split("|")
        known = operators.find(operator)
        if known is not None and tuple(with_versions) == versions(known):
            found[rule, operator] = max(Exactness.of(name), found.get((rule, operator), Exactness.BITWISE))
    return found


def keep_demotions(folder: Path, found: Demoted) -> None:
    """Keep what was seen for later runs; a folder that cannot be written costs only to see it again."""
    rows = {"|".join((rule, name, *versions(operators.get(name)))): str(e) for (rule, name), e in found.items()}
    if rows:
        with suppress(OSError):
            (folder / FILE).write_text(json.dumps({**_read(folder / FILE), **rows}), encoding="utf-8")


def _read(file: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        return dict(json.loads(file.read_text(encoding="utf-8")))
    return {}


def _of_verdicts(file: Path) -> dict[tuple[str, str], Exactness]:
    """Return what the laws of traits have found, as far as they were tested."""
    if not file.is_file():
        return {}
    from mileage.traits import Verdicts

    measured = {
        (v.claim.law, f"{v.name.rpartition('.')[2]}.{v.claim.argument}"): v.exactness
        for v in Verdicts(file).kept()
        if v.demoted and v.claim.law in _RULES
    }
    found: dict[tuple[str, str], Exactness] = {}
    for operator, law, claim in _claims():
        if (law, claim) in measured:
            key = _RULES[law], operator.name
            found[key] = max(measured[law, claim], found.get(key, Exactness.BITWISE))
    return found


def _claims() -> Iterator[tuple[Operator, str, str]]:
    for operator in operators:
        for late in operator.late:
            for claim in late.claims:
                yield operator, "cuts", claim
            for claim in late.gathers:
                yield operator, "gathers", claim
        if isinstance(operator, Batched):
            for cls, name in product(operator.batched_classes, operator.batched):
                yield operator, "stacks", f"{cls}.{name}"


# --- looking twice ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """Predictions that were made with others and alone: how exactly they agree, and which rules made them by which operators."""

    exactness: Exactness
    claimed: Exactness
    rules: frozenset[tuple[str, str]]

    @property
    def is_off(self) -> bool:
        """Whether they agree less than was claimed."""
        return self.exactness > self.claimed


def recheck(loop: TrialLoop, one_in: int = ONE_IN) -> Demoted:
    """Make some of the predictions of a search alone that shared work, and return what is to be relied on no more.

    Which ones is told from their configurations, so it does not depend on the machine. Nothing is looked at where the time is short.
    """
    found: dict[tuple[str, str], Exactness] = {}
    try:
        for seen in _looked_at(loop, one_in):
            if seen.is_off:
                found |= dict.fromkeys(seen.rules, seen.exactness)
    except StopAsked:
        loop.stop()
    return found


def _looked_at(loop: TrialLoop, one_in: int) -> Iterator[Seen]:
    for trial in loop.trials:
        if trial.state != "ok" or trial.workflow is None or trial.workflow.model.is_blend or trial.number == 0:
            continue
        name = Configuration(trial.configuration).digest
        chosen = [i for i in range(loop.data.n_splits) if int(fingerprint("recheck", name, i)[:8], 16) % one_in == 0]
        if not chosen:
            continue
        data = loop.data.of(trial.configuration)
        evaluation = loop.compile(trial.workflow, data)
        for split in chosen:
            seen = _seen(loop, trial, data, evaluation, evaluation.predictions[split])
            if seen is not None:
                yield seen


def _seen(loop: TrialLoop, trial: Trial, data: DataTasks, evaluation: Evaluation, port: Port) -> Seen | None:
    """Return how predictions that share work compare with those that do not; None where nothing is shared, or there is no time."""
    if loop.kept_before(port.key):  # an earlier run has made it, and has looked at it
        return None
    left = loop.clock.left_after(loop.final_reserve_s() + loop.confirm_s)
    if left is not None and left < _LEAST_LEFT_S + loop.refit_s(trial.fit_s or 0.0):
        return None
    context = loop.context()
    tasks = (*data.tasks, *evaluation.tasks)
    shared, _ = optimize(tasks, (port,), replace(context, kept=lambda _key: False))
    made = [p for p in shared if p.by and p.task.same_as is not None and p.action is Action.COMPUTE]
    if not made:
        return None
    alone, asked = _apart(tasks, frozenset(p.task.fingerprint for p in made), port)
    plain, _ = optimize(alone, (asked,), replace(context, off=context.off | SHARING, keep=frozenset()))
    there, _ = optimize(tasks, (port,), context)  # loaded, where it was kept
    both = [_made(loop, plan, wanted) for plan, wanted in ((there, port), (plain, asked))]
    if both[0] is None or both[1] is None:
        return None
    model = trial.workflow.model.spec.operator if trial.workflow and trial.workflow.model.spec else ""
    claimed = max(p.exactness for p in made)
    rules = frozenset((p.by, p.task.operator or model) for p in made)
    return Seen(_compared(both[0], both[1], claimed), claimed, rules)


def _apart(tasks: tuple[Task, ...], shared: frozenset[Fingerprint], port: Port) -> tuple[tuple[Task, ...], Port]:
    """Return tasks of which those that share work, and all that read them, are other tasks, though they do the same."""
    renamed: dict[Fingerprint, Task] = {}
    made = []
    for task in tasks:
        inputs = tuple(renamed[p.task].port(p.output) if p.task in renamed else p for p in task.inputs)
        if task.fingerprint in shared or inputs != task.inputs:
            renamed[task.fingerprint] = replace(task, inputs=inputs, versions=(*task.versions, "alone"))
        made.append(renamed.get(task.fingerprint, task))
    return tuple(made), renamed[port.task].port(port.output) if port.task in renamed else port


def _made(loop: TrialLoop, plan: PhysicalPlan, port: Port) -> Predictions | None:
    """Return what a plan gives; None if it fails."""
    ticket = loop.executor.submit(plan, label="recheck", limits=loop.limits())
    while True:
        for outcome in loop.executor.wait(1.0):
            if outcome.ticket == ticket:
                made: Predictions | None = outcome.values[port] if outcome.state == "done" else None
                return made
            loop.other[outcome.ticket] = outcome


def _compared(shared: Predictions, plain: Predictions, claimed: Exactness) -> Exactness:
    import numpy as np

    from mileage.traits import compare

    exactness, off = compare(np.asarray(shared.values), np.asarray(plain.values))
    within = claimed is Exactness.OPT_EQUAL and off <= _SOLVERS
    return min(exactness, claimed) if within else exactness
