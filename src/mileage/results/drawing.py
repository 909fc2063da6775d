"""Boxes and arrows as an inline SVG: a workflow, or the space of a plan. Colors are those of the page, light or dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from mileage.results.layout import shortened

if TYPE_CHECKING:
    from mileage.workflow import Step, Workflow

_BOLD = 7.9  # width of a letter of a title
_CHARACTER, _LINE, _PAD, _GAP_X, _GAP_Y, _LONGEST = 6.7, 16, 10, 36, 14, 34
_SHOWN_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its key, a title, and smaller lines below it."""

    key: str
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes and the arrows between them, as pairs of keys; it has no ring."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[str, str], ...]
    title: str = ""


def chain(boxes: Iterable[Box], title: str = "") -> Graph:
    """Return boxes in a row, each with an arrow to the next.

    Examples
    --------
    >>> chain([Box("a", "read"), Box("b", "fit")]).arrows
    (('a', 'b'),)
    """
    made = tuple(boxes)
    return Graph(made, tuple((a.key, b.key) for a, b in pairwise(made)), title)


def workflow_graph(workflow: Workflow, title: str = "") -> Graph:
    """Return the steps of a workflow as boxes."""
    boxes = tuple(_box(step) for step in workflow.steps)
    return Graph(boxes, tuple((before, step.name) for step in workflow.steps for before in step.inputs), title)


def _box(step: Step) -> Box:
    if step.spec is not None:
        return Box(
            step.name, step.spec.operator, tuple(f"{name} = {_value(value)}" for name, value in step.spec.params)
        )
    if step.columns and step.inputs and step.context:
        return Box(step.name, "made-up rows", tuple(f"{name} = {_value(value)}" for name, value in step.context))
    if step.columns:
        more = len(step.columns) - _SHOWN_COLUMNS
        names = (*step.columns[:_SHOWN_COLUMNS], *([f"and {more} more"] if more > 0 else []))
        return Box(step.name, f"{len(step.columns)} {step.branch}", names)
    if step.is_blend:
        return Box(step.name, "mean", (f"weights {', '.join(f'{weight:.2g}' for weight in step.weights)}",))
    return Box(step.name, "join")


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def svg(graph: Graph) -> str:
    """Return the graph as an inline SVG, layers from left to right; every text is escaped.

    Examples
    --------
    >>> "&lt;b&gt;" in svg(chain([Box("a", "<b>")])), "<b>" in svg(chain([Box("a", "<b>")]))
    (True, False)
    """
    places, width, height = _placed(graph)
    parts = [_arrow(places[a], places[b]) for a, b in graph.arrows if a in places and b in places]
    parts += [_drawn(box, places[box.key]) for box in graph.boxes]
    label = escape(graph.title or "workflow", quote=True)
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' role='img' aria-label='{label}' viewBox='0 0 {width:.0f} {height:.0f}' "
        f"width='{width:.0f}' height='{height:.0f}' style='max-width:100%;height:auto;color:inherit' "
        "font-family='system-ui,sans-serif' fill='currentColor'>"
    )
    return f"{head}{''.join(parts)}</svg>"


_Place = tuple[float, float, float, float]


def _placed(graph: Graph) -> tuple[dict[str, _Place], float, float]:
    """Return ``(x, y, width, height)`` of each box, and the size of the drawing."""
    layers: dict[int, list[Box]] = {}
    depth: dict[str, int] = {}
    for box in graph.boxes:  # in topological order
        depth[box.key] = max((depth[a] for a, b in graph.arrows if b == box.key and a in depth), default=-1) + 1
        layers.setdefault(depth[box.key], []).append(box)
    before = {box.key: [a for a, b in graph.arrows if b == box.key and a in depth] for box in graph.boxes}
    places: dict[str, _Place] = {}
    x = 0.0
    for number in sorted(layers):
        wide = max(_width(box) for box in layers[number])
        for box, y in _stacked(layers[number], before, places):
            places[box.key] = (x, y, wide, _height(box))
        x += wide + _GAP_X
    top = min((y for _, y, _, _ in places.values()), default=0.0)
    bottom = max((y + height for _, y, _, height in places.values()), default=0.0)
    moved = {key: (left + 1, y - top + 1, w, h) for key, (left, y, w, h) in places.items()}
    return moved, max(2.0, x - _GAP_X + 2), bottom - top + 2


def _stacked(
    boxes: list[Box], before: Mapping[str, list[str]], places: Mapping[str, _Place]
) -> list[tuple[Box, float]]:
    """Return the boxes of a layer with their tops: each as near as may be to the middle of what leads to it."""

    def middle(box: Box) -> float:
        ys = [places[key][1] + places[key][3] / 2 for key in before[box.key]]
        return sum(ys) / len(ys) if ys else 0.0

    made, lowest = [], -math.inf
    for box in sorted(boxes, key=middle):
        y = max(middle(box) - _height(box) / 2, lowest)
        made.append((box, y))
        lowest = y + _height(box) + _GAP_Y
    return made


def _width(box: Box) -> float:
    title, lines = len(box.title) * _BOLD, max(map(len, box.lines), default=0) * _CHARACTER
    return min(_LONGEST * _CHARACTER, max(title, lines)) + 2 * _PAD


def _height(box: Box) -> float:
    return _LINE * (1 + len(box.lines)) + _PAD


def _drawn(box: Box, place: _Place) -> str:
    x, y, width, height = place
    frame = (
        f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}' rx='5' "
        "fill='currentColor' fill-opacity='.06' stroke='currentColor' stroke-opacity='.5'/>"
    )
    texts = [_text(x + _PAD, y + _LINE, box.title, "font-size='12' font-weight='600'")]
    texts += [
        _text(x + _PAD, y + _LINE * (i + 2), line, "font-size='11' fill-opacity='.75'")
        for i, line in enumerate(box.lines)
    ]
    return frame + "".join(texts)


def _text(x: float, y: float, text: str, style: str) -> str:
    cut = shortened(text, _LONGEST)
    full = f"<title>{escape(text)}</title>" if cut != text else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{full}{escape(cut)}</text>"


def _arrow(start: _Place, end: _Place) -> str:
    x1, y1 = start[0] + start[2], start[1] + start[3] / 2
    x2, y2 = end[0] - 1, end[1] + end[3] / 2
    middle = (x1 + x2) / 2
    line = (
        f"<path d='M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2 - 5:.1f} {y2:.1f}' "
        "fill='none' stroke='currentColor' stroke-opacity='.5'/>"
    )
    head = f"<path d='M{x2:.1f} {y2:.1f}l-7 -3.5v7z' fill-opacity='.6'/>"
    return line + head
