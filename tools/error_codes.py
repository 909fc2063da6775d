"""Every stable code of errors and findings with what it says, read off the source: no code can lack its entry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_CODE = re.compile(r"[A-Z]\d{3}")
AREAS = {
    "B": ("Bugs of MILE", "It says so itself; please report it."),
    "E1": ("A query does not parse", "[Errors of the language](language-errors.md) has an example of each."),
    "E2": ("A query does not fit the data or the registries", "Nothing has run; mend the query."),
    "E3": ("A query asks for what is not executed yet", "It is valid, and refused by name rather than ignored."),
    "D": ("Data", "The file, table or SQL is at fault, or cannot answer the question."),
    "O": ("Operators", "An operator or a metric was declared or used against its contract."),
    "X": ("Running", "A task failed, or reached a limit; what had finished is kept."),
    "C": ("Project folder", "The catalog or the artifacts cannot be read or written."),
    "F": ("Flows", "A value that comes later was used too early, or has no identity that tells whether it changed."),
    "R": ("References", "`@q3`, `@w1`, `@last` and names name something of this project."),
    "M": ("Extras", "An optional library is not installed."),
    "W": ("Findings", "Told before training; none stops a run. Each says the clause that answers it."),
    "U": ("Command line", "`mile` was called with something it has not."),
}

# What no text of the source says in one place.
TOLD = {
    "F702": ("a value that comes later was used as if it were there", "do that inside a step, or ask for the value"),
    "B000": ("an exception that should have been one of the others", "report it, with what --debug shows"),
    "C700": ("the project folder cannot be used", "the message says why"),
    "D400": ("the data cannot be read, or cannot answer the question", "the message says why"),
    "E100": ("the query is wrong in several ways", "each has a report of its own"),
    "E202": (
        "the source of the query cannot be bound: the message is DuckDB's, at its place in your text",
        "mend the SQL",
    ),
    "E205": ("no slot of that name in WITH", "the near name, or the list of slots"),
    "E210": ("the target cannot be predicted in the way asked", "the message says why"),
    "E215": ("no hint of that name in HINT", "the near name, or the list of hints"),
    "M900": ("an optional library is not installed", "install the extra that the message names"),
    "O500": ("an operator was declared or used against its contract", "the message says which law"),
    "R800": ("a reference names nothing that is kept", "see SHOW history"),
    "W324": ("a class has fewer rows than there are splits", "the suggested clause"),
    "W331": ("what was done to read the data: its code, names or blank files", "the note says it"),
    "X600": ("a task failed", "the message names the step and what it was given"),
    "X602": ("a task that an answer needs failed: the message is its own", "run the query again, or with other steps"),
}


def entries(source: Path) -> dict[str, dict[str, str]]:
    """Return ``{code: {message: hint}}`` of everything that is raised, reported or found under ``source``."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        local = {
            target.id: _words(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for code, message, hint in _calls(tree, local):
            found.setdefault(code, {}).setdefault(message, hint)
    for code, (message, hint) in TOLD.items():
        if not any(found.setdefault(code, {})):
            found[code] = {message: hint}
    return found


def _calls(tree: ast.Module, local: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        texts = [*node.args, *([named["code"]] if "code" in named else [])]
        codes = [str(a.value) for a in texts if isinstance(a, ast.Constant) and _CODE.fullmatch(str(a.value))]
        if not codes:
            continue
        others = [_words(a, local) for a in node.args if not (isinstance(a, ast.Constant) and str(a.value) in codes)]
        message = named.get("message")
        said = _words(message, local) if message is not None else next((text for text in others if " " in text), "")
        hint = _words(named["hint"], local) if "hint" in named else ""
        yield codes[0], said, hint


def _words(node: ast.expr, local: dict[str, str] | None = None) -> str:
    """Return a message with ``…`` for what is filled in; empty for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
        return re.sub(r"…(?:\s*…)+", "…", "".join(parts))
    if isinstance(node, ast.Name) and local is not None:
        return local.get(node.id, "")
    return ""


def section(area: str, found: dict[str, dict[str, str]]) -> str:
    """Return the part of the page for the codes that begin with ``area``."""
    title, intro = AREAS[area]
    lines = [f"## {title}", "", intro, "", "| code | says | what to do |", "|---|---|---|"]
    for code in sorted(found):
        if code.startswith(area):
            said = {message: hint for message, hint in found[code].items() if message} or {"": ""}
            rows = [f"| {code if i == 0 else ''} | {_cell(m)} | {_cell(h)} |" for i, (m, h) in enumerate(said.items())]
            lines += rows
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"([|<>*_`\[\]])", r"\\\1", " ".join(text.split()))


def errors_sections(source: Path) -> str:
    """Return all parts of the page, those without a code left out."""
    found = entries(source)
    areas = [area for area in AREAS if any(code.startswith(area) for code in found)]
    return "\n".join(section(area, found) for area in areas)
