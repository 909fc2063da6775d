"""What is kept of a version's outputs: plots, reports and rows of values, as bytes that need no code to be read."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mileage.session.flow_sources import digest_of

LIMIT_BYTES = 4 << 20  # of one output; what is larger is kept in the store only, and may be evicted there
_MAGIC = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"%PDF": ".pdf", b"GIF8": ".gif", b"PK\x03\x04": ".zip"}


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept output: ``kind`` says how its bytes are read, ``suffix`` what a file of them is called."""

    kind: str
    suffix: str
    content: bytes

    def to_json(self) -> dict[str, Any]:
        """Return what the version's record says of it."""
        return {
            "kind": self.kind,
            "suffix": self.suffix,
            "bytes": len(self.content),
            "digest": digest_of(self.content),
        }


def keep_output(value: Any) -> Kept | None:
    """Return the bytes of an output; none for a number, which the record holds, and for what has no plain form.

    Examples
    --------
    >>> keep_output("<html><b>fine</b></html>").suffix, keep_output([0.9, 0.8]).kind, keep_output(3)
    ('.html', 'rows', None)
    """
    for look in (_text, _file, _drawn, _rows, _table, _markup):
        made = look(value)
        if made is not None:
            return made if len(made.content) <= LIMIT_BYTES else None
    return None


def read_output(kind: str, content: bytes) -> Any:
    """Return the value of kept bytes; an array for rows, a frame for a table, bytes for pictures and files."""
    if kind in {"text", "html"}:
        return content.decode()
    if kind == "rows":
        import numpy as np

        return np.array(json.loads(content))
    if kind == "table":
        import pyarrow as pa

        return pa.ipc.open_stream(content).read_all().to_pandas()
    return content


def file_content(kind: str, content: bytes) -> bytes:
    """Return what a file for a reader holds: a table is written as CSV, the rest as it is."""
    return read_output(kind, content).to_csv(index=False).encode() if kind == "table" else content


def file_name(name: str, suffix: str) -> str:
    """Return a file name for an output.

    Examples
    --------
    >>> file_name("roc curve: test/train", ".png")
    'roc curve_ test_train.png'
    """
    return (re.sub(r"[^\w.\- ]+", "_", name).strip(". ") or "output") + suffix


def _text(value: Any) -> Kept | None:
    if not isinstance(value, str):
        return None
    html = value.lstrip().lower().startswith(("<!doctype", "<html", "<div", "<table", "<svg"))
    return Kept("html", ".html", value.encode()) if html else Kept("text", ".txt", value.encode())


def _file(value: Any) -> Kept | None:
    if isinstance(value, bytes | bytearray):
        content, suffix = bytes(value), ""
    elif isinstance(value, os.PathLike):
        path = Path(os.fspath(value))
        if not path.is_file() or path.stat().st_size > LIMIT_BYTES:
            return None
        content, suffix = path.read_bytes(), path.suffix
    else:
        return None
    found = next((known for magic, known in _MAGIC.items() if content.startswith(magic)), ".bin")
    return Kept("file", suffix or found, content)


def _drawn(value: Any) -> Kept | None:
    """A matplotlib figure, or what is drawn on one."""
    figure = value if hasattr(value, "savefig") else getattr(value, "figure_", getattr(value, "figure", None))
    if figure is None or not hasattr(figure, "savefig"):
        return None
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Kept("picture", ".png", buffer.getvalue())


def _rows(value: Any) -> Kept | None:
    """One value for each row or fold: predictions, true values, scores."""
    listed = value.tolist() if getattr(value, "ndim", None) == 1 and hasattr(value, "tolist") else value
    if not isinstance(listed, list | tuple) or not listed:
        return None
    if not all(item is None or isinstance(item, bool | int | float | str) for item in listed):
        return None
    return Kept("rows", ".json", json.dumps(list(listed)).encode())


def _table(value: Any) -> Kept | None:
    module = type(value).__module__.partition(".")[0]
    if module not in {"pandas", "polars", "pyarrow"} or not hasattr(value, "columns"):
        return None
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(value) if module == "pandas" else value
        table = table.to_arrow() if module == "polars" else table
    except (pa.ArrowException, TypeError, ValueError):  # columns of objects that Arrow has no type for
        return None
    if table.nbytes > LIMIT_BYTES:
        return None
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return Kept("table", ".csv", buffer.getvalue())


def _markup(value: Any) -> Kept | None:
    if isinstance(value, Mapping):
        try:
            return Kept("text", ".json", json.dumps(value, indent=1).encode())
        except (TypeError, ValueError):
            return None
    if hasattr(value, "get_params") or not callable(getattr(type(value), "_repr_html_", None)):
        return None
    text = value._repr_html_()
    return Kept("html", ".html", text.encode()) if isinstance(text, str) else None
