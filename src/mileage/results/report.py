"""An answer made of titled tables: what EXPLAIN, SHOW, COMPARE, APPLY and EXPORT return."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

from mileage.results.drawing import Graph
from mileage.results.layout import column_sizes, how_many_fit, row_lines, wrapped

Line = tuple[str, str]
_INDENT = "  "
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table; cells are text as a reader sees it."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return title, header and rows, each row as a mapping."""
        rows = [dict(zip(self.header, row, strict=False)) for row in self.rows]
        return {"title": self.title, "rows": rows}


@dataclass(frozen=True)
class Report:
    """Sections in order; ``data`` holds the same as plain values where a program wants more than the text.

    ``graphs`` are drawn where there is room for pictures: in a notebook.
    """

    kind: str
    title: str
    sections: tuple[Section, ...] = ()
    lines: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    graphs: tuple[Graph, ...] = ()

    def text(self, *, width: int = 120) -> str:
        """Return the report as aligned plain text, at most ``width`` columns wide.

        Examples
        --------
        >>> print(Report("show", "history", (Section("queries", ("ref", "text"), (("@q1", "PREDICT y"),)),)).text())
        queries
          ref  text
          @q1  PREDICT y
        """
        return "\n".join(text for text, _ in self.styled(width=width))

    def styled(self, *, width: int = 120) -> list[Line]:
        """Return the lines of :meth:`text` with their styles: ``""``, ``"bold"`` or ``"dim"``."""
        parts = [[(line, "") for line in self.lines]] if self.lines else []
        parts += [section_lines(section, width) for section in self.sections]
        if not parts:
            return [(self.title, "")]
        return [line for i, part in enumerate(parts) for line in ([("", ""), *part] if i else part)]

    def to_json(self) -> dict[str, Any]:
        """Return the report as one plain object."""
        sections = [section.to_json() for section in self.sections]
        return {"kind": self.kind, "title": self.title, "lines": list(self.lines), "sections": sections, **self.data}

    def __str__(self) -> str:
        return self.text()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the text at a prompt of IPython."""
        del cycle
        printer.text(self.text())

    def _repr_html_(self) -> str:
        from mileage.results.html import drawing_html, table_html

        parts = [f"<pre style='background:transparent;color:inherit'>{escape(line)}</pre>" for line in self.lines]
        parts += [drawing_html(graph) for graph in self.graphs]
        for section in self.sections:
            title = (
                f"<div style='font-weight:600;margin-top:8px'>{escape(section.title)}</div>" if section.title else ""
            )
            parts.append(title + table_html(section.header, section.rows, left=True))
        return f"<div style='overflow-x:auto'>{''.join(parts)}</div>"


def section_lines(section: Section, width: int) -> list[Line]:
    """Return a titled table as lines with their styles; columns that do not fit are named below it."""
    room = width - len(_INDENT)
    sizes = column_sizes(section.header, section.rows, room)
    n = how_many_fit(sizes, room)
    lines: list[Line] = [(text, "bold") for text in wrapped(section.title, width)] if section.title else []
    if any(section.header):
        lines += [(_INDENT + text, "dim") for text in row_lines(section.header[:n], sizes)]
    lines += [(_INDENT + text, "") for row in section.rows for text in row_lines(row[:n], sizes)]
    left_out = section.header[n:]
    if left_out:
        said = f"not shown: {', '.join(left_out[:_NAMED])}" + (
            f" and {len(left_out) - _NAMED} more columns" if len(left_out) > _NAMED else ""
        )
        lines += [(_INDENT + text, "dim") for text in wrapped(said, room)]
    return [(text.rstrip(), style) for text, style in lines]
