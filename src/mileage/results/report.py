"""An answer made of titled tables: what EXPLAIN, SHOW, COMPARE, APPLY and EXPORT return."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any


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
    """Sections in order; ``data`` holds the same as plain values where a program wants more than the text."""

    kind: str
    title: str
    sections: tuple[Section, ...] = ()
    lines: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)

    def text(self, *, width: int = 120) -> str:
        """Return the report as aligned plain text, at most ``width`` columns wide.

        Examples
        --------
        >>> print(Report("show", "history", (Section("queries", ("ref", "text"), (("@q1", "PREDICT y"),)),)).text())
        queries
          ref  text
          @q1  PREDICT y
        """
        parts = ["\n".join(self.lines)] if self.lines else []
        parts += [_table(section, width) for section in self.sections]
        return "\n\n".join(parts) if parts else self.title

    def to_json(self) -> dict[str, Any]:
        """Return the report as one plain object."""
        sections = [section.to_json() for section in self.sections]
        return {"kind": self.kind, "title": self.title, "lines": list(self.lines), "sections": sections, **self.data}

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in self.lines)
        return lines + "".join(_html(section) for section in self.sections)


def _table(section: Section, width: int) -> str:
    table = [section.header, *section.rows]
    n = max((len(row) for row in table), default=0)
    sizes = [max(len(row[i]) if i < len(row) else 0 for row in table) for i in range(n)]
    lines = [section.title] if section.title else []
    for row in table:
        cells = [cell.ljust(size) for cell, size in zip(row, sizes, strict=False)]
        line = ("  " + "  ".join(cells)).rstrip()
        lines.append(line if len(line) <= width else line[: width - 1] + "…")
    return "\n".join(lines)


def _html(section: Section) -> str:
    head = "".join(f"<th style='text-align:left'>{escape(cell)}</th>" for cell in section.header)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in section.rows
    )
    return f"<h4>{escape(section.title)}</h4><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
