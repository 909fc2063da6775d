"""An answer that is fitted on more rows than its search uses: on how many there is time for, and what more rows are worth.

More rows and more models compete for the time after a search: the best workflow alone may learn from many times the rows that a
blend can. A fit on half of the train rows tells which of the two is worth more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mileage.data import Dataset
from mileage.operators import operators
from mileage.results import Trial
from mileage.results.ranking import ranked
from mileage.session.growth import worth_of_rows
from mileage.workflow import unblended

if TYPE_CHECKING:
    from mileage.session.trials import TrialLoop

_SHARE = 0.4  # of the time, that fitting the answer on more rows than those of the search may take
_MARGIN = 1.2  # a forecast may be that much too short: if it is more, there is time for the rows of the search
_READ_CELL_S = 1e-7  # one value of a table, from a file to a frame
_THREAD = 0.5  # of a fit's speed, that one more thread adds


def n_models(trial: Trial) -> int:
    """Return how many models a workflow is made of, which are fitted side by side."""
    return len(unblended(trial.workflow)) if trial.workflow else 1


def seconds_on(loop: TrialLoop, trial: Trial, larger: Dataset) -> float:
    """Return the forecast of reading a larger part of the table and fitting a workflow on it."""
    growth = larger.n_rows / max(1, loop.plan.dataset.n_rows)
    return _READ_CELL_S * larger.n_rows * len(larger.schema.columns) + growth * answer_s(loop, trial)


def answer_s(loop: TrialLoop, trial: Trial) -> float:
    """Return the forecast of fitting a workflow as an answer, with all cores, on the rows of the search."""
    n, model = n_models(trial), operators.find(trial.model)
    seconds = loop.refit_s(trial.fit_s or 0.0, n)
    if n == 1 and model is not None and model.traits.fit_threads:
        seconds /= 1 + _THREAD * (loop.n_workers - 1)
    return seconds


def keep_s(loop: TrialLoop, trial: Trial) -> float:
    """Return the seconds to keep for fitting a workflow on the rows of the search, if it cannot be fitted on more."""
    return _MARGIN * answer_s(loop, trial)


def is_in_time(loop: TrialLoop, trial: Trial, larger: Dataset) -> bool:
    """Say whether a workflow can be fitted on a larger part of the table, and if that fails on the rows of the search."""
    left = loop.clock.left_after(keep_s(loop, trial))
    return left is None or _MARGIN * seconds_on(loop, trial, larger) <= left


def most_rows(loop: TrialLoop, trial: Trial) -> int:
    """Return the rows of the largest part of the table on which a workflow can be fitted in the time left."""
    fits = [one.n_rows for one in loop.plan.larger if is_in_time(loop, trial, one)]
    return max(fits, default=loop.plan.dataset.n_rows)


def larger_reserve_s(loop: TrialLoop) -> float:
    """Return the seconds that a search leaves for fitting the best on more rows, no more than are worth it."""
    if loop.best is None or not loop.plan.larger:
        return 0.0
    most_s = _SHARE * (loop.plan.budget.seconds or 0.0)
    return min(_MARGIN * seconds_on(loop, loop.best, loop.plan.larger[-1]), most_s)


def better_alone(loop: TrialLoop, blend: Trial) -> str | None:
    """Return why the best workflow alone, fitted on more rows, promises more than a blend on fewer; None if it does not."""
    best = ranked(loop.eligible(), loop.objectives[:1])[0]
    if most_rows(loop, best) <= most_rows(loop, blend):
        return None
    worth = worth_of_rows(loop, best, keep_s(loop, best))
    alone, together = most_rows(loop, best), most_rows(loop, blend)  # the time has gone on
    if worth is None or alone <= together:
        return None
    gain = loop.loss(best) - loop.loss(blend)
    if worth * math.log2(alone / together) <= gain:
        return None
    return (
        f"the best were not blended ({blend.describe}, better by {gain:.2g}): in the time left they can learn from {together:,} rows, "
        f"the best alone from {alone:,}, and twice the rows were worth {worth:.2g}"
    )
