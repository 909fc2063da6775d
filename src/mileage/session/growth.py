"""What rows are worth, and what an answer should score by that: it is fitted on more rows than the models that its score is of.

A score is that of models fitted on the train rows of splits, the answer is fitted on all rows, and so is mostly better than its score.
By how much is told from one fit on half of the train rows. Errors that fall with the root of the number of rows are assumed
from there on, which is slow; where nothing is gained from half to all nothing is expected.

References
----------
Viering and Loog 2022, The shape of learning curves: a review, IEEE PAMI 45 (power laws, section 3).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.engine import Limits
from mileage.optimizer import PlanContext, optimize, sample_task
from mileage.results import Leaderboard, Trial
from mileage.session.confirm import scored_on
from mileage.session.ends import STOPPED
from mileage.workflow import TaskKind, members_of, teachers_of

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_HALF = 0.5
_SHARE = 0.04  # of the time that a query may take
_MARGIN = 1.3  # a forecast may be that much too short
_FEWEST = 5  # scored workflows: who asks for fewer wants their scores, and no search
_KEEP = frozenset({TaskKind.PREDICT, TaskKind.SCORE})
_LIKE = 1.5  # times the error of the first: what errs more may learn in another way
_LEAST = 1e-12
_TIMES = 2.0  # no score is expected of more than so many times the rows


def growth_reserve_s(loop: TrialLoop) -> float:
    """Return the seconds that a search leaves for asking what rows are worth."""
    seconds, best = loop.plan.budget.seconds, loop.best
    if seconds is None or best is None or not _has_halves(loop):
        return 0.0
    return min(_SHARE * seconds, _half_s(best))


def _has_halves(loop: TrialLoop) -> bool:
    """Say whether all workflows are scored on the same splits of one table, half of whose train rows can be taken."""
    return loop.data.test is None and loop.data.parts is None


def _half_s(trial: Trial) -> float:
    return _MARGIN * (_HALF * (trial.fit_s or 0.0) + (trial.predict_s or 0.0))


def ask_growth(loop: TrialLoop, board: Leaderboard, after_s: float) -> None:
    """Ask what rows are worth to one of the best single workflows, the first for which there is time besides ``after_s``."""
    left = loop.clock.left_after(after_s)
    if left is None or board.count("ok") < _FEWEST or loop.ended == STOPPED:
        return
    if (single := next((t for t in _singles(board) if _half_s(t) <= left), None)) is not None:
        worth_of_rows(loop, single, after_s)


def expect(loop: TrialLoop, board: Leaderboard) -> None:
    """Put on record what the first workflow should reach, fitted on all of its rows, if what rows are worth is known."""
    single = next((t for t in _singles(board) if t.number in loop.worths), None)
    if single is None:
        return
    first, n, (metric, greater) = board.ranked[0], loop.plan.dataset.n_rows, loop.objectives[0]
    times = (first.fitted_rows or n) / (n * scored_on(loop.plan, first).train_share)
    part = min(1.0, _error(board, first) / max(_LEAST, _error(board, single)))
    better = max(0.0, loop.worths[single.number]) * part * further(min(_TIMES, times))
    loop.replace([replace(first, expected=first.mean(metric) + (better if greater else -better))])


def _singles(board: Leaderboard) -> list[Trial]:
    """Return the workflows, best first, that are made of no others and err little more than the first; the constant is none."""
    most = _LIKE * _error(board, board.ranked[0]) if board.ranked else 0.0
    made = [t for t in board.ranked if not members_of(t.configuration) and not teachers_of(t.configuration)]
    return [t for t in made if t.number > 0 and _error(board, t) <= most]


def _error(board: Leaderboard, trial: Trial) -> float:
    """Return how far a workflow is from the best there can be, which is 1 where more is better and 0 where less is."""
    metric, greater = board.objectives[0]
    value = trial.mean(metric)
    return 1.0 - value if greater else value


def further(times: float) -> float:
    """Return what so many times the rows bring, as a part of what they brought from half to all: of errors that fall with their root.

    Examples
    --------
    >>> further(1.0), round(further(1.25), 3), round(further(2.0), 3)
    (0.0, 0.255, 0.707)
    """
    return (1 - 1 / math.sqrt(times)) / (math.sqrt(2) - 1)


def worth_of_rows(loop: TrialLoop, trial: Trial, after_s: float) -> float | None:
    """Return by how much the loss of a workflow fell with twice the rows, on the first split; None if that cannot be told.

    ``after_s`` are the seconds to keep for what comes later.
    """
    if trial.number in loop.worths:
        return loop.worths[trial.number]
    data = loop.data
    if not _has_halves(loop) or trial.workflow is None:
        return None
    loop.bus.tell("stage", name="asking what more rows are worth")
    half = sample_task(data.deal, _HALF, seed=loop.plan.seed)
    one = loop.compile(trial.workflow, replace(data, deal=half)).of_first(1)
    plan, _ = optimize((*data.tasks, half, *one.tasks), one.scores[:1], PlanContext(kept=loop.kept, keep=_KEEP))
    left = loop.clock.left_after(after_s)
    limits = Limits(None if left is None else max(0.05, left), loop.limits().memory_bytes)
    outcome = loop.finish(loop.executor.submit(plan, label="half of the rows", limits=limits), after_s)
    if outcome is None:
        return None
    metric, greater = loop.objectives[0]
    gain = (trial.searched or trial.scores)[metric][0] - float(outcome.values[one.scores[0]][0])
    loop.worths[trial.number] = gain if greater else -gain
    return loop.worths[trial.number]
