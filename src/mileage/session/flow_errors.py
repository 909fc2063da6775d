"""Errors of the user's own code, said at the user's own line."""

from __future__ import annotations

import linecache
import re
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path

from mileage.errors import EngineError, MileError

ARROW = "--> "
_STDLIB = sysconfig.get_path("stdlib")
_OURS = str(Path(__file__).resolve().parents[1])


def at_the_line(error: BaseException, root: Path, *, said: str = "") -> MileError:
    """Return an error with the last line of the user's code that led to it; one that is not MILE's becomes one.

    Parameters
    ----------
    error : BaseException
        What was raised while the user's file was executed.
    root : Path
        The user's folder; lines elsewhere are a library's.
    said : str
        What was executed, for an error that is not MILE's.
    """
    linecache.checkcache()
    place = _place_of_syntax(error) if isinstance(error, SyntaxError) and error.lineno else _place(error, root)
    if isinstance(error, MileError):
        error.hint = "\n  ".join(text for text in (error.hint, place) if text) or None
        return error
    if isinstance(error, SyntaxError):
        return EngineError(f"{said} is not Python yet: {error.msg}", code="X612", hint=place or None)
    return EngineError(f"{said} failed: {type(error).__name__}: {error}", code="X613", hint=place or None)


def place(where: str, cells: Mapping[str, str]) -> str:
    """Return where something is, a cell by its number."""
    file, _, line = where.rpartition(":")
    return f"{cells[file]}, line {line}" if file in cells else where


def in_cells(error: EngineError, cells: Mapping[str, str]) -> EngineError:
    """Return an error of a step in which a notebook's cells are called by their numbers."""
    lines = []
    for text in (error.hint or "").splitlines():
        if text.startswith(ARROW):
            lines.append(ARROW + place(text.removeprefix(ARROW), cells))
            continue
        name = next((name for file, name in cells.items() if f'{file}"' in text), None)
        head, _, tail = text.partition('", line ')
        lines.append(f"{head.partition('File ')[0]}{name}, line {tail}" if name and tail else text)
    made = EngineError(error.message, code=error.code, hint="\n".join(lines) or None)
    if cells:  # IPython shows what this gives, instead of the lines of MILE that led here
        made._render_traceback_ = lambda *_: str(made).splitlines()  # type: ignore[attr-defined]
    return made


def shows_own_code(trace: str) -> bool:
    """Say whether a line of a trace is of the user's code: of no library, and not of Python itself."""
    files = re.findall(r'File "([^"]+)"', trace)
    return any("-packages" not in file and not file.startswith((_STDLIB, "<frozen")) for file in files)


def _place_of_syntax(error: SyntaxError) -> str:
    file, line, text = Path(error.filename or "").name, error.lineno or 0, (error.text or "").rstrip("\n")
    head = f" {line} | "
    mark = " " * (len(head) + max((error.offset or 1) - 1, 0)) + "^"
    return f"--> {file}:{line}\n  {head}{text.expandtabs(1)}\n  {mark}" if text else f"--> {file}:{line}"


def _place(error: BaseException, root: Path) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(_OURS)]
    own = [f for f in frames if f.filename.startswith(str(root.resolve()))] or frames
    if not own or own[-1].lineno is None:
        return ""
    last = own[-1]
    return f"--> {Path(last.filename).name}:{last.lineno}\n   {last.lineno} | {last.line}"
