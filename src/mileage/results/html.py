"""Answers as HTML for a notebook: every text escaped, colors those of the page, light or dark; no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from mileage.results.drawing import Graph, svg

RIGHT = frozenset({"fit", "predict", "size"})  # columns of numbers
_CELL = "padding:2px 12px 2px 0;background:transparent;color:inherit;border:0;vertical-align:top"
_LONG = frozenset({"workflow", "why"})


def table_html(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, faded: Sequence[bool] = (), left: bool = False
) -> str:
    """Return a table; ``faded`` says which rows are paler, ``left`` that no column is of numbers."""

    def style(name: str) -> str:
        align = "right" if name in RIGHT and not left else "left"
        return f"{_CELL};text-align:{align};white-space:{'normal' if name in _LONG or left else 'nowrap'}"

    head = "".join(
        f"<th style='{style(name)};border-bottom:1px solid currentColor'>{escape(name)}</th>" for name in header
    )
    body = []
    for i, cells in enumerate(rows):
        inside = "".join(
            f"<td style='{style(name)}'>{escape(text)}</td>" for name, text in zip(header, cells, strict=False)
        )
        pale = ";opacity:.6" if i < len(faded) and faded[i] else ""
        body.append(f"<tr style='background:transparent{pale}'>{inside}</tr>")
    look = "border-collapse:collapse;font-size:90%;color:inherit;margin:4px 0"
    return f"<table style='{look}'><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def lines_html(lines: Iterable[str]) -> str:
    """Return paler lines of text."""
    return "".join(f"<div style='opacity:.75;font-size:90%'>{escape(line)}</div>" for line in lines)


def drawing_html(graph: Graph, *, unfolded: bool = True) -> str:
    """Return a drawing under its title, to fold away."""
    mark = " open" if unfolded else ""
    title = f"<summary style='cursor:pointer'>{escape(graph.title)}</summary>"
    return f"<details{mark} style='margin:6px 0'>{title}<div style='overflow-x:auto;padding:6px 0'>{svg(graph)}</div></details>"
