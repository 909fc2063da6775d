"""What a search did with its time: when the best got better, what went into which models, and what more time may bring."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mileage.core.units import format_seconds
from mileage.results.leaderboard import Leaderboard
from mileage.results.ranking import loss_of
from mileage.results.report import Report, Section
from mileage.results.trial import FULL, Trial
from mileage.workflow.blend import members_of

_SHOWN = 76  # characters of a workflow in a cell


def search_report(board: Leaderboard, seconds: float, ref: str) -> Report:
    """Return the report of a finished search.

    Parameters
    ----------
    board : Leaderboard
        With all trials of the run.
    seconds : float
        What the run took.
    ref : str
        Of the query, such as ``@q1``.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> made = [
    ...     Trial(i, (("model", (StepSpec(m),)),), describe=m, scores={"auc": (s, s + 0.02)}, fit_s=0.5, at_s=2.0 * i)
    ...     for i, (m, s) in enumerate([("dummy", 0.5), ("knn", 0.7), ("svm", 0.6), ("ridge", 0.8)])
    ... ]
    >>> print(search_report(Leaderboard(tuple(made), (("auc", True),)), 7.0, "@q1").text(width=90))
    the second half of the time brought 0.1 of auc, more than the noise of the best: more time may well pay
    REFINE @q1 SET BUDGET 14 s goes on from here
    <BLANKLINE>
    the best so far
      after   auc   better by  workflow  why
      0.0 ms  0.51             dummy
      2.00 s  0.71  0.2        knn
      6.00 s  0.81  0.1        ridge
    <BLANKLINE>
    where the time went
      model  best  fits    scored  ended early  failed  not run
      ridge  0.81  1.00 s  1       0            0       0
      knn    0.71  1.00 s  1       0            0       0
      svm    0.61  1.00 s  1       0            0       0
      dummy  0.51  1.00 s  1       0            0       0
    """
    steps = list(_steps(board))
    sections = [
        Section(
            "the best so far",
            ("after", board.objectives[0][0], "better by", "workflow", "why"),
            tuple(_gains(board, steps)),
        )
    ]
    sections += [Section("where the time went", _SPENT, tuple(_spent(board)))]
    parts = tuple(_parts(board))
    sections += (
        [Section("what the blend is made of", ("weight", board.objectives[0][0], "workflow"), parts)] if parts else []
    )
    lines = _worth_of_more(board, steps, seconds, ref)
    data = {"curve": [{"at_s": t.at_s, "score": t.mean(board.objectives[0][0]), "trial": t.number} for t in steps]}
    return Report("show", "search", tuple(sections), lines=lines, data=data)


def _searched(board: Leaderboard) -> list[Trial]:
    """Return the scored trials in the order of time, with the scores that the search saw."""
    scored = [t for t in board.trials if t.state == "ok" and t.at_s is not None and not members_of(t.configuration)]
    return sorted((_as_searched(t) for t in scored), key=lambda t: (t.at_s or 0.0, t.number))


def _as_searched(trial: Trial) -> Trial:
    return replace(trial, scores=trial.searched, fidelity=FULL) if trial.searched else trial


def _steps(board: Leaderboard) -> Iterator[Trial]:
    """Yield the trials by which the best got better."""
    best = math.inf
    for trial in _searched(board):
        loss = loss_of(trial, board.objectives[0])
        if loss < best:
            best = loss
            yield trial


def _gains(board: Leaderboard, steps: Sequence[Trial]) -> Iterator[tuple[str, ...]]:
    metric, before = board.objectives[0][0], None
    for trial in steps:
        score = trial.mean(metric)
        gain = "" if before is None else f"{abs(score - before):.3g}"
        name = trial.describe if len(trial.describe) <= _SHOWN else trial.describe[: _SHOWN - 1] + "…"
        yield format_seconds(trial.at_s or 0.0), f"{score:.5g}", gain, name, board.why(trial)
        before = score


_SPENT = ("model", "best", "fits", "scored", "ended early", "failed", "not run")


def _spent(board: Leaderboard) -> Iterator[tuple[str, ...]]:
    """Yield one row for each model, that of the best score first."""
    metric = board.objectives[0][0]
    rows = []
    for model in dict.fromkeys(t.model for t in board.trials if t.model and not members_of(t.configuration)):
        own = [t for t in board.trials if t.model == model]
        scored = sorted(
            (_as_searched(t) for t in own if t.state == "ok"), key=lambda t: loss_of(t, board.objectives[0])
        )
        fits = sum((t.fit_s or 0.0) * len(next(iter(_as_searched(t).scores.values()), ())) for t in own)
        counts = [sum(t.state == state for t in own) for state in ("ok", "behind", "failed", "skipped")]
        best = f"{scored[0].mean(metric):.5g}" if scored else ""
        loss = loss_of(scored[0], board.objectives[0]) if scored else math.inf
        rows.append((loss, (model, best, format_seconds(fits), *map(str, counts))))
    yield from (row for _, row in sorted(rows))


def _parts(board: Leaderboard) -> Iterator[tuple[str, ...]]:
    """Yield the members of the blend, if there is one, with their weights and their own scores."""
    metric = board.objectives[0][0]
    by_number = {t.number: t for t in board.trials}
    blend = next((t for t in board.order if members_of(t.configuration)), None)
    for number, weight in members_of(blend.configuration) if blend is not None else ():
        member = by_number[number]
        yield f"{weight:.2f}", f"{member.mean(metric):.5g}", member.describe
    if blend is not None:
        yield "", f"{blend.mean(metric):.5g}", "all together"


def _worth_of_more(board: Leaderboard, steps: Sequence[Trial], seconds: float, ref: str) -> tuple[str, ...]:
    """Say what the second half of the time brought, which is about what as much time again may bring at best."""
    metric = board.objectives[0][0]
    if not steps:
        return ("nothing was scored",)
    early = [t for t in steps if (t.at_s or 0.0) <= seconds / 2]
    noise = steps[-1].se(metric)
    go_on = f"REFINE {ref} SET BUDGET {_budget(2 * seconds)} goes on from here"
    if not early:
        return "the first score came in the second half of the time: more of it may well pay", go_on
    gained = abs(steps[-1].mean(metric) - early[-1].mean(metric))
    if gained == 0:
        return ("the second half of the time brought nothing: as much again is not expected to change the answer",)
    what = f"the second half of the time brought {gained:.3g} of {metric}"
    if gained <= noise:
        return (f"{what}, less than the noise of the best ({noise:.2g}): as much again is hardly worth it",)
    return f"{what}, more than the noise of the best: more time may well pay", go_on


def _budget(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
