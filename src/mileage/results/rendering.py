"""How a leaderboard looks: plain text, a Rich table, HTML for a notebook."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from mileage.core.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from rich.table import Table

    from mileage.results.leaderboard import Leaderboard, Row

_SHOWN_FAILURES = 5
_RIGHT = {"fit", "predict", "size"}
_WORKFLOW_MIN, _WHY_MIN = 32, 26


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
        t.describe,
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


def board_text(board: Leaderboard, width: int = 120) -> str:
    """Return a leaderboard as aligned plain text, at most ``width`` columns wide."""
    header, rows = board_cells(board)
    lines = _aligned(header, rows, width) if rows else ["no workflow has a score"]
    if len(board.ties) > 1:
        lines.append(f"≈ within noise of w1 by {board.objectives[0][0]} (95 % interval of the paired difference)")
    lines += [_shortened(line, width) for line in notes(board)]
    return "\n".join(lines)


def notes(board: Leaderboard) -> list[str]:
    """Return lines for what is not in the list, with the reasons."""
    lines = []
    for trial in board.failed[:_SHOWN_FAILURES]:
        why = (trial.error or "no score").strip().splitlines()[0]
        lines.append(f"{'failed' if trial.state == 'ok' else trial.state}: {trial.describe}: {why}")
    more = len(board.failed) - _SHOWN_FAILURES
    lines += [f"and {more} more without a score"] if more > 0 else []
    reasons: dict[str, int] = {}
    for trial in board.skipped:
        key = trial.error or "no reason was given"
        key = "forecast longer than the time left" if key.startswith("forecast") else key
        reasons[key] = reasons.get(key, 0) + 1
    lines += [f"not run: {count} ({why})" for why, count in reasons.items()]
    lines += [f"cut: {what}: {why}" for what, why in board.restrictions]
    return lines


def _aligned(header: tuple[str, ...], rows: list[tuple[str, ...]], width: int) -> list[str]:
    sizes = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    spare = width - (sum(sizes) + 2 * (len(sizes) - 1))
    if header[-1] == "why" and spare < 0:
        cut = min(-spare, max(0, sizes[-1] - _WHY_MIN))
        sizes[-1] -= cut
        spare += cut
    place = header.index("workflow")
    if spare < 0:
        sizes[place] = max(min(_WORKFLOW_MIN, sizes[place]), sizes[place] + spare)
    lines = []
    for row in (header, *rows):
        cells = [
            _shortened(cell, size).rjust(size) if name in _RIGHT else _shortened(cell, size).ljust(size)
            for name, cell, size in zip(header, row, sizes, strict=True)
        ]
        lines.append(_shortened("  ".join(cells).rstrip(), width))
    return lines


def _shortened(text: str, size: int) -> str:
    return text if len(text) <= size else text[: max(0, size - 1)] + "…"


def board_rich(board: Leaderboard) -> Table:
    """Return a leaderboard as a Rich table."""
    from rich.table import Table
    from rich.text import Text

    header, rows = board_cells(board)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        wide = name in {"workflow", "why"}
        table.add_column(
            name,
            justify="right" if name in _RIGHT else "left",
            no_wrap=not wide,
            overflow="fold",
            ratio=2 if wide else None,
        )
    for row, cells in zip(board.rows, rows, strict=True):
        style = "dim" if row.reference else ("bold" if row.ref == "w1" else "")
        table.add_row(*[Text(cell) for cell in cells], style=style)
    return table


def board_html(board: Leaderboard) -> str:
    """Return a leaderboard as a small HTML table; colors are those of the page, light or dark."""
    header, rows = board_cells(board)
    cell = "padding:2px 10px 2px 0;background:transparent;color:inherit;border:0"
    head = "".join(
        f"<th style='{cell};text-align:{_align(name)};border-bottom:1px solid currentColor'>{escape(name)}</th>"
        for name in header
    )
    body = []
    for row, cells in zip(board.rows, rows, strict=True):
        style = "opacity:.6" if row.reference else ""
        inside = "".join(
            f"<td style='{cell};text-align:{_align(name)}'>{escape(text)}</td>"
            for name, text in zip(header, cells, strict=True)
        )
        body.append(f"<tr style='background:transparent;{style}'>{inside}</tr>")
    said = "".join(f"<div style='opacity:.75'>{escape(line)}</div>" for line in notes(board))
    table = f"<table style='border-collapse:collapse;font-size:90%;color:inherit'><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f"<div style='overflow-x:auto'>{table}{said}</div>"


def _align(name: str) -> str:
    return "right" if name in _RIGHT else "left"
