"""``mile fmt``: files into the one layout."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mileage.apps.cli.answers import FAILED, OK
from mileage.apps.cli.texts import read_text, write_text
from mileage.errors import MileError

if TYPE_CHECKING:
    from mileage.apps.cli.answers import Output


def format_files(output: Output, files: Sequence[str], *, check: bool, diff: bool) -> None:
    """Format each file in place, or say what would change; a file that does not parse is left alone and reported."""
    done: list[dict[str, Any]] = []
    shown: list[str] = []
    problems: list[MileError] = []
    for file in files:
        name, before = read_text(file)
        try:
            after = formatted(before, name=name)
        except MileError as error:
            problems.append(error)
            continue
        changed = before != after
        done.append({"file": file, "changed": changed})
        inline = file == "-" or not Path(file).is_file()
        if diff:
            shown += _diff(before, after, name)
        elif inline and not check:
            done[-1]["text"] = after
            shown.append(after)
        elif changed and not check:
            write_text(Path(file), after)
        if changed and not (inline and not check):
            output.note(f"{'would change' if check or diff else 'formatted'} {file}")
    output.code = FAILED if check and any(item["changed"] for item in done) else OK
    output.data({"kind": "fmt", "files": done}, "".join(shown).rstrip("\n"))
    for problem in problems:
        output.fail(problem)


def print_as(output: Output, files: Sequence[str], form: str) -> None:
    """Print scripts in another form, without loss: MILEAGE, YAML or JSON.

    Raises
    ------
    typer.BadParameter
        If there is no such form.
    """
    import json

    import typer

    from mileage.language import format_script, parse, to_json, to_yaml

    if form not in {"mile", "yaml", "json"}:
        raise typer.BadParameter(f"no form '{form}': mile, yaml and json are known")
    done: list[dict[str, Any]] = []
    for file in files:
        name, text = read_text(file)
        script = parse(text, name=name)
        node = script.statements[0] if len(script.statements) == 1 and not script.comments else script
        data = to_json(node)
        if form == "mile":
            shown = format_script(script).rstrip("\n")
        else:
            shown = to_yaml(node).rstrip("\n") if form == "yaml" else json.dumps(data, indent=1, ensure_ascii=False)
        done.append({"file": file, "text": shown, "data": data})
        output.data({}, "" if output.options.json else shown)
    output.answers = [{"kind": "fmt", "files": done}] if output.options.json else []


def formatted(text: str, *, name: str = "query") -> str:
    """Return a script in the one layout, ending in one line break.

    Raises
    ------
    ParseError
        If the text is not MILEAGE.
    """
    from mileage.language import format_script, parse

    return format_script(parse(text, name=name)).rstrip("\n") + "\n" if text.strip() else ""


def _diff(before: str, after: str, name: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (formatted)", lineterm="")
    return [f"{line}\n" for line in lines]
