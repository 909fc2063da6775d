"""Write docs/reference from what is registered, so that no page can lag behind: operators, metrics, clauses and more.

``--check`` writes nothing and fails if a page is not what would be written.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from mileage import errors
from mileage.core.domains import Domain, FloatRange, IntRange, OneOf, Value
from mileage.engine.backends import backends
from mileage.monitors import monitors
from mileage.operators import Family, Operator, Param, Traits, operators
from mileage.operators.metrics import metrics
from mileage.planner.facts import facts
from mileage.search import strategies

sys.path.insert(0, str(Path(__file__).parent))

from python_page import python_page

ROOT = Path(__file__).parent.parent
GRAMMAR = ROOT / "src" / "mileage" / "language" / "grammar.lark"
LONGEST_HEADING = 60  # a longer comment of the grammar explains, and heads nothing
NOTE = "<!-- written by tools/reference.py; edit what it reads instead -->\n"


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; bars in cells are escaped."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def first_sentence(thing: object) -> str:
    """Return the first line of a docstring, of the class where an instance has none of its own."""
    text = inspect.getdoc(thing) or inspect.getdoc(type(thing)) or ""
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text.split("\n")[0]).replace("``", "`")


def shown(value: Value) -> str:
    """Return a value as a query writes it."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(shown, value)) + ")"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def parameter_row(param: Param) -> tuple[str, ...]:
    """Return one line of an operator's table."""
    searched = param.search.describe() if param.search is not None else ""
    return f"`{param.name}`", param.domain.describe(), f"`{shown(param.default)}`", searched, param.doc


def trait_words(traits: Traits) -> str:
    """Return the traits that an operator declares, in words of a query's plan."""
    plain = Traits()
    declared = [
        (f.name, getattr(traits, f.name)) for f in fields(Traits) if getattr(traits, f.name) != getattr(plain, f.name)
    ]
    words = [
        name if value is True else f"not {name}" if value is False else f"{name}: {_joined(value)}"
        for name, value in declared
    ]
    return ", ".join(words) or "none"


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def operator_section(operator: Operator) -> str:
    """Return the entry of one operator."""
    tasks = "" if len(operator.tasks) == len(Operator.tasks) else f" For {', '.join(operator.tasks)}."
    extra = f" Needs the extra `{operator.extra}`." if operator.extra else ""
    aliases = f" Also: {', '.join(f'`{alias}`' for alias in operator.aliases)}." if operator.aliases else ""
    head = f"### {operator.name}\n\n{operator.doc}{tasks}{extra}{aliases}\n\nTraits: {trait_words(operator.traits)}.\n"
    head = f"{head}\n```text\n{operator_example(operator)}\n```\n"
    if not operator.params:
        return head
    rows = map(parameter_row, operator.params)
    return f"{head}\n{table(('parameter', 'is', 'default', 'searched in', 'meaning'), rows)}"


def operator_example(operator: Operator) -> str:
    """Return the clause that takes an operator, its first searched parameter open."""
    searched = next((p for p in operator.params if p.search is not None), None)
    inside = f"({searched.name}{in_query(searched.search)})" if searched is not None else ""
    slot = Family.SCALE if operator.family is Family.OTHER else operator.family
    return f"WITH {slot.value.upper()} = {operator.name}{inside}"


def in_query(domain: Domain | None) -> str:
    """Return a domain as a query writes it, ``= value`` where it has no words for it."""
    if isinstance(domain, IntRange | FloatRange):
        return f" IN {'LOG ' if domain.log else ''}{domain.low:g}..{domain.high:g}"
    if isinstance(domain, OneOf):
        return (
            f" IN {{{', '.join(repr(value) if isinstance(value, str) else shown(value) for value in domain.values)}}}"
        )
    return ""


def operators_page() -> str:
    """Return the page of all operators, by family."""
    families = dict.fromkeys(operator.family for operator in operators)
    parts = ["# Operators\n\nA name is written in `WITH`, with its parameters in parentheses.\n"]
    for family in sorted(families):
        parts.append(f"## {family}\n")
        parts += [operator_section(operator) for operator in operators if operator.family is family]
    return "\n".join(parts)


def members_page(title: str, intro: str, family: Iterable[object]) -> str:
    """Return a page with one line for each member of a family."""
    rows = [(f"`{getattr(member, 'name', '')}`", first_sentence(member)) for member in family]
    return f"# {title}\n\n{intro}\n\n{table(('name', 'is'), rows)}"


def metrics_page() -> str:
    """Return the page of metrics."""
    intro = (
        "Any name of `sklearn.metrics.get_scorer_names()` can stand in `OPTIMIZE`, `COMPARE ... ON` and `UNTIL`, and"
        " `recall('lung')` asks for one class. Beyond these:"
    )
    return members_page("Metrics", intro, metrics)


def families_page() -> str:
    """Return the page of the smaller families."""
    parts = [
        members_page("Strategies, backends, monitors, facts", "## Strategies\n\nHow a search proposes.", strategies),
        members_page("", "## Backends\n\nWhere tasks run: `mile --backend`.", backends)[3:],
        members_page("", "## Monitors\n\nWhat is watched before training.", monitors)[3:],
        facts_section(),
    ]
    return "\n".join(parts)


def facts_section() -> str:
    """Return what each word of ``KNOWING`` does."""
    rows = [
        (f"`{fact.word.upper()}`", f"{fact.effect}: it {fact.drops}" if fact.drops else fact.effect)
        for fact in facts.values()
    ]
    return f"## Facts\n\nWhat `KNOWING column IS ...` can say, and this version executes.\n\n{table(('word', 'effect'), rows)}"


def errors_page() -> str:
    """Return the tree of errors."""
    tree = (inspect.getdoc(errors) or "").split("::\n")[1].split("\n\nA message")[0].strip("\n")
    sys.path.insert(0, str(Path(__file__).parent))
    from error_codes import errors_sections

    intro = "Every error is a `MileError`; its code is stable. `…` stands for what is filled in."
    return f"# Errors\n\n{intro}\n\n```text\n{tree}\n```\n\n{errors_sections(ROOT / 'src' / 'mileage')}"


def rules_of(grammar: str) -> Iterator[tuple[str, str, str]]:
    """Yield the heading, the name and the right-hand side of each rule of a Lark grammar."""
    heading = ""
    for block in re.split(r"\n(?=\S)", grammar):
        if block.startswith("//"):
            heading = block.removeprefix("//").strip()
        elif found := re.match(r"[?!]?([a-z_]+)\s*:\s*(.*)", block, re.DOTALL):
            yield heading, found[1], re.sub(r"\s+//.*", "", found[2]).rstrip()


def readable(text: str) -> str:
    """Return a right-hand side as a reader likes it: no case flags, no names of branches."""
    text = re.sub(r'"([^"]+)"i', r"\1", text)
    text = re.sub(r"\s*->\s*\w+", "", text)
    text = re.sub(r"(?<!\w)_(?=[a-z])", "", text)
    return re.sub(r'"([^"A-Za-z]+)"', r"'\1'", text)


def language_page() -> str:
    """Return the grammar, in the order of its file."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    intro = (
        "# The language\n\nGenerated from `grammar.lark`, which is the specification. Words in capitals are keywords, in any"
        " case; `?` may be left out, `*` may repeat, `+` repeats at least once, `|` stands between alternatives. A clause"
        " that parses and is not executed by this version is refused by name before anything runs.\n"
    )
    sections: dict[str, list[str]] = {}
    for heading, name, text in rules_of(grammar):
        title = heading.splitlines()[0].capitalize() if 0 < len(heading) < LONGEST_HEADING else "Statements"
        sections.setdefault(title, []).append(f"{name.lstrip('_')} : {readable(text)}")
    blocks = [f"## {title}\n\n```text\n{chr(10).join(rules)}\n```\n" for title, rules in sections.items()]
    return "\n".join([intro, *blocks])


PAGES: dict[str, Callable[[], str]] = {
    "language.md": language_page,
    "operators.md": operators_page,
    "metrics.md": metrics_page,
    "families.md": families_page,
    "errors.md": errors_page,
    "python.md": python_page,
}


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not current")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reference")
    given = parser.parse_args(argv)
    stale = []
    for name, make in PAGES.items():
        text = NOTE + "\n" + make().rstrip() + "\n"
        path: Path = given.out / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not given.check:
                path.write_text(text, encoding="utf-8")
    if given.check and stale:
        print(f"not current: {', '.join(stale)}; run python tools/reference.py")
        return 1
    print(f"{len(PAGES)} pages, {len(stale)} written" if not given.check else f"{len(PAGES)} pages are current")
    return 0


if __name__ == "__main__":
    sys.exit(main())
