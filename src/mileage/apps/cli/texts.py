"""Texts on their way in: a script from a file, from stdin (``-``), or a query given as an argument."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import typer

from mileage.apps.cli.arguments import is_query
from mileage.core.near import near_matches


def read_text(argument: str) -> tuple[str, str]:
    """Return the name and the text an argument stands for.

    Raises
    ------
    typer.BadParameter
        If there is no such file, or it is no text.
    """
    if argument == "-":
        return "stdin", sys.stdin.read()
    path = Path(argument)
    try:
        return path.name, _as_query(path, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if is_query(argument):
            return "query", argument
        raise typer.BadParameter(f"no file '{argument}'{_near(path)}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"'{argument}' is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        if is_query(argument):  # a query can be too long for a file name
            return "query", argument
        raise typer.BadParameter(f"cannot read '{argument}': {getattr(error, 'strerror', None) or error}") from None


def _as_query(path: Path, text: str) -> str:
    """Return the exchange forms, YAML and JSON, as a script; any other file as it is."""
    if path.suffix.lower() not in {".yaml", ".yml", ".json"}:
        return text
    from mileage.language import format_node, from_yaml

    return format_node(from_yaml(text))  # JSON is YAML


def write_text(path: Path, text: str) -> None:
    """Replace a file's text, whole or not at all, keeping its permissions."""
    number, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(part).chmod(path.stat().st_mode & 0o7777)
        Path(part).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise


def _near(path: Path) -> str:
    with contextlib.suppress(OSError):
        near = near_matches(path.name, (p.name for p in path.parent.iterdir() if p.is_file()), at_most=1, cutoff=0.7)
        return f"; did you mean '{path.parent / near[0]}'?" if near else ""
    return ""
