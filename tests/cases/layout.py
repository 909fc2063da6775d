"""The layout of ``.case`` files: cases parted by ``---``, each a title and sections."""

from __future__ import annotations

from dataclasses import dataclass, field

BREAK = "---"


@dataclass
class Case:
    """One case: its title, and its sections in order."""

    title: str = ""
    sections: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"# {line}" for line in self.title.splitlines()]
        for heading, text in self.sections.items():
            parts += [heading, *(f"  {line}".rstrip() for line in text.splitlines())]
        return "\n".join(parts) + "\n"


def read_cases(text: str) -> list[Case]:
    """Return the cases of a file; a line that fits nowhere is an error that names it."""
    return [_case(part) for part in text.split(f"{BREAK}\n")]


def write_cases(cases: list[Case]) -> str:
    """Return the text of a file."""
    return f"{BREAK}\n".join(map(str, cases))


def _case(text: str) -> Case:
    case, heading = Case(), None
    for line in text.rstrip("\n").splitlines():
        if line.startswith("# ") and heading is None:
            case.title = f"{case.title}\n{line[2:]}".strip()
        elif line.startswith("  ") or (not line and heading is not None):
            assert heading is not None, f"text without a heading: {line!r}"
            case.sections[heading] += f"{line[2:]}\n"
        else:
            heading = line
            assert heading not in case.sections, f"'{heading}' stands twice in '{case.title}'"
            case.sections[heading] = ""
    return case
