"""How a leaderboard looks: text for a terminal, a table for a notebook.

A line is a text and a style (``""``, ``"bold"`` or ``"dim"``), which a terminal with colors shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mileage.core.exactness import Exactness
from mileage.core.units import format_bytes, format_seconds
from mileage.results.html import RIGHT, lines_html, table_html
from mileage.results.layout import GAP, row_lines, shortened, wrapped
from mileage.workflow.blend import members_of

if TYPE_CHECKING:
    from mileage.operators.base import StepSpec
    from mileage.results.leaderboard import Leaderboard, Row
    from mileage.results.trial import Trial

Line = tuple[str, str]
_SHOWN_FAILURES = 5
_WORKFLOW_MIN = 36  # below this, rows are stacked
_BESIDE_MIN, _WHY_WIDE = 40, 27  # room for a workflow beside its reason, and for a reason that is wrapped
_LONG_NUMBER = re.compile(r"\d+\.\d{4,}(?:e[+-]?\d+)?")


def board_cells(board: Leaderboard) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and cells of the ranked rows; a column without a value is left out."""
    metrics = [metric for metric, _ in board.objectives]
    header = ("", *metrics, "fit", "predict", "size", "workflow", "why")
    rows = [_cells(board, row, metrics) for row in board.rows]
    used = [i for i, name in enumerate(header) if name in {"", "workflow"} or any(row[i] for row in rows)]
    return tuple(header[i] for i in used), [tuple(row[i] for i in used) for row in rows]


def _cells(board: Leaderboard, row: Row, metrics: list[str]) -> tuple[str, ...]:
    t = row.trial
    tied = "≈" if row.tie == 1 and len(board.ties) > 1 and row.ref != "w0" else ""
    why = "constant, the reference" if row.reference else board.why(t)
    return (
        row.ref,
        *[_score(row, metric, tied if i == 0 else "") for i, metric in enumerate(metrics)],
        format_seconds(t.fit_s) if t.fit_s is not None else "",
        format_seconds(t.predict_s) if t.predict_s is not None else "",
        format_bytes(t.size_bytes) if t.size_bytes is not None else "",
        brief(t),
        why,
    )


def _score(row: Row, metric: str, mark: str) -> str:
    from mileage.results.ranking import value_of

    value, se = value_of(row.trial, metric), row.trial.se(metric)
    if math.isnan(value):
        return ""
    digits = 4 if abs(value) < 100 else 1
    text = f"{value:.{digits}f}"
    return (text if math.isnan(se) else f"{text} ± {se:.{digits}f}") + (f" {mark}" if mark else "")


def brief(trial: Trial) -> str:
    """Return a workflow in one line for people: parameters at their defaults left out, numbers to four digits.

    ``SHOW WORKFLOWS`` and the JSON have every digit.

    Examples
    --------
    >>> from mileage.operators.base import StepSpec
    >>> from mileage.results import Trial
    >>> spec = StepSpec.of("logistic", C=0.123456789, penalty="l2")
    >>> brief(Trial(1, (("model", (spec,)),), describe=str(spec)))
    'logistic(C = 0.1235)'
    """
    steps = [spec for _, specs in trial.configuration for spec in specs if spec.operator != "none"]
    text = trial.describe
    if steps and text == " >> ".join(map(str, steps)):
        text = " >> ".join(str(_without_defaults(spec)) for spec in steps)
    return _LONG_NUMBER.sub(lambda found: f"{float(found.group()):.4g}", text)


def _without_defaults(spec: StepSpec) -> StepSpec:
    from mileage.operators import operators

    operator = operators.find(spec.operator)
    if operator is None:
        return spec
    kept = tuple((n, v) for n, v in spec.params if (known := operator.param(n)) is None or known.default != v)
    return replace(spec, params=kept)


def board_text(board: Leaderboard, width: int = 120) -> str:
    """Return a leaderboard as aligned plain text, at most ``width`` columns wide."""
    return "\n".join(text for text, _ in board_lines(board, width))


def board_lines(board: Leaderboard, width: int = 120) -> list[Line]:
    """Return a leaderboard as lines with their styles: a table, or where that is too wide, rows one above the other."""
    header, rows = board_cells(board)
    if not rows:
        lines: list[Line] = [("no workflow has a score", "")]
    else:
        place = header.index("workflow")
        fixed = [max(len(row[i]) for row in (header, *rows)) for i in range(place)]
        room = width - sum(fixed) - GAP * place
        lines = (
            _table(board, header, rows, (fixed, room)) if room >= _WORKFLOW_MIN else _stack(board, header, rows, width)
        )
    if len(board.ties) > 1:
        said = f"≈ within noise of w1 by {board.objectives[0][0]} (95 % interval of the paired difference)"
        lines += [(text, "dim") for text in wrapped(said, width)]
    return lines + [(text, "dim") for note in notes(board) for text in wrapped(note, width)]


def _table(
    board: Leaderboard, header: tuple[str, ...], rows: list[tuple[str, ...]], measures: tuple[list[int], int]
) -> list[Line]:
    """Return one row for each workflow; its reason stands in a column if all fit, else below it."""
    fixed, room = measures
    place = header.index("workflow")
    longest = [max((len(row[i]) for row in (header, *rows)), default=0) for i in range(place, len(header))]
    beside = len(longest) > 1 and room - min(longest[1], _WHY_WIDE) - GAP >= min(longest[0], _BESIDE_MIN)
    sizes = [*fixed, *(_beside(longest[0], longest[1], room) if beside else [min(room, longest[0])])]
    right = {i for i, name in enumerate(header) if name in RIGHT}
    lines: list[Line] = [(text, "bold") for text in row_lines(header[: len(sizes)], sizes, right)]
    indent = " " * (sum(fixed) + GAP * place)
    for row, cells in zip(board.rows, rows, strict=True):
        lines += [(text, _style(row)) for text in row_lines(cells[: len(sizes)], sizes, right)]
        if not beside and len(cells) > len(sizes) and cells[-1]:
            lines += [(f"{indent}{text}", "dim") for text in wrapped(f"({cells[-1]})", room)]
    return lines


def _beside(workflow: int, why: int, room: int) -> list[int]:
    """Return the widths of the last two columns: the reason is wrapped before the workflow is."""
    why_size = max(min(why, _WHY_WIDE), min(why, room - workflow - GAP))
    return [min(workflow, room - why_size - GAP), why_size]


def _stack(board: Leaderboard, header: tuple[str, ...], rows: list[tuple[str, ...]], width: int) -> list[Line]:
    """Return a few lines for each workflow: scores, steps, costs, reason."""
    lines: list[Line] = []
    for row, cells in zip(board.rows, rows, strict=True):
        named = dict(zip(header, cells, strict=True))
        scores = "  ".join(f"{name} {named[name]}" for name, _ in board.objectives if named.get(name))
        costs = " · ".join(f"{name} {named[name]}" for name in ("fit", "predict", "size") if named.get(name))
        why = f"({named['why']})" if named.get("why") else ""
        lines.append((shortened(f"{row.ref}  {scores}", width), _style(row) or "bold"))
        lines += [(f"    {text}", _style(row)) for text in wrapped(named["workflow"], width - 4)]
        lines += [(f"    {text}", "dim") for part in (costs, why) if part for text in wrapped(part, width - 4)]
    return lines


def _style(row: Row) -> str:
    return "dim" if row.reference else ("bold" if row.ref == "w1" else "")


def notes(board: Leaderboard) -> list[str]:
    """Return lines for what is not in the list, with the reasons."""
    lines = [*_blended(board), *_expected(board), *([_confirmed(board)] if board.confirmed else []), *_exactness(board)]
    for trial in board.failed[:_SHOWN_FAILURES]:
        why = (trial.error or "no score").strip().splitlines()[0]
        lines.append(f"{'failed' if trial.state == 'ok' else trial.state}: {brief(trial)}: {why}")
    more = len(board.failed) - _SHOWN_FAILURES
    lines += [f"and {more} more without a score"] if more > 0 else []
    reasons: dict[str, int] = {}
    for trial in board.skipped:
        key = trial.error or "no reason was given"
        key = "forecast longer than the time left" if key.startswith("forecast") else key
        reasons[key] = reasons.get(key, 0) + 1
    lines += [f"not run: {count} ({why})" for why, count in reasons.items()]
    if board.behind:
        lines.append(
            f"ended early: {len(board.behind)} (clearly behind the best on the first split, so not run on the others)"
        )
    return lines + [f"cut: {what}: {why}" for what, why in board.restrictions]


def _blended(board: Leaderboard) -> Iterator[str]:
    """Say how to have one model where the first workflow is a blend of several."""
    first, single = next(iter(board.order), None), board.single
    if first is not None and single is not None and first.number != single.number:
        n = len(members_of(first.configuration))
        yield f"w1 is a blend of {n} workflows; @single is the best that is one model: {board.ref_of(single) or brief(single)}"


def _expected(board: Leaderboard) -> Iterator[str]:
    """Say what the first workflow should reach on all rows, which its score is not of, where that is another number."""
    first, metric = next(iter(board.order), None), board.objectives[0][0]
    if first is None or first.expected is None:
        return
    expected = f"{first.expected:.4g}"
    if expected != f"{first.mean(metric):.4g}":
        yield (
            f"w1 should reach {metric} {expected} as it is fitted on all its rows: its score is of models of fewer rows, "
            f"and a fit on half of those tells what rows are worth"
        )


def _confirmed(board: Leaderboard) -> str:
    """Say which scores are not those that the search chose by, and what the choice had added to the best."""
    metric, best = board.objectives[0][0], board.confirmed[0]
    before = replace(best, scores=best.searched).mean(metric)
    n, count = len(board.confirmed), board.count("ok")
    return (
        f"the first {n} were scored again on fresh splits and are ranked by these: who is best of {count} is so by chance "
        f"too (w1 had {metric} {before:.4g} before)"
    )


def _exactness(board: Leaderboard) -> Iterator[str]:
    """Say which scores rest on shared work that is the same by more than rounding only."""
    classes = sorted({row.trial.exactness for row in board.rows if row.trial.exactness > Exactness.FP})
    for one in classes:
        refs = ", ".join(row.ref for row in board.rows if row.trial.exactness is one)
        finer = Exactness(one - 1)
        yield f"{refs}: shared work that is {one} to that of its own; HINT (exactness = {finer}) does without it"


def board_html(board: Leaderboard) -> str:
    """Return a leaderboard as a small table with its notes."""
    header, rows = board_cells(board)
    table = table_html(header, rows, faded=[row.reference for row in board.rows])
    said = [f"≈ within noise of w1 by {board.objectives[0][0]}"] if len(board.ties) > 1 else []
    return f"<div style='overflow-x:auto'>{table}{lines_html([*said, *notes(board)])}</div>"
