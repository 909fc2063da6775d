"""The page of the Python names: what `mileage` exports, from its docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import mileage


def python_page() -> str:
    """Return the page: each exported name with its signature, its docstring and its methods."""
    intro = "# Python\n\n```python\nimport mileage\n```\n\nA query can be text, or be built; both are the same tree.\n"
    names = [name for name in mileage.__all__ if not name.startswith("__")]
    return "\n".join([intro, *(entry(name, getattr(mileage, name)) for name in sorted(names, key=str.lower))])


def entry(name: str, thing: object) -> str:
    """Return the section of one name."""
    parts = [f"## {name}\n", f"```python\n{_signature(name, thing)}\n```\n", _text(thing)]
    if inspect.isclass(thing):
        parts += [f"- `{_signature(method, value)}`: {first_line(value)}" for method, value in methods(thing)]
        parts.append("")
    return "\n".join(parts)


def methods(thing: type) -> Iterator[tuple[str, object]]:
    """Yield the public methods and properties that a class documents, in the order it defines them."""
    for name, value in vars(thing).items():
        plain = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(plain) and plain.__doc__:
            yield name, value if isinstance(value, property) else plain


def first_line(thing: object) -> str:
    """Return the first line of a docstring, for Markdown."""
    return _plain((inspect.getdoc(thing) or "").partition("\n")[0])


def _text(thing: object) -> str:
    """Return a numpydoc docstring as Markdown: its words, lists of what it names, and its examples as code."""
    words, *rest = re.split(r"\n\n?(\w+)\n-{3,}\n", inspect.getdoc(thing) or "")
    parts = [_plain(words)]
    for title, text in zip(rest[::2], rest[1::2], strict=True):
        if title == "Examples":
            parts.append(f"```python\n{text.strip()}\n```")
        else:
            parts += [f"{title}:", _listed(text)]
    return "\n\n".join(parts) + "\n"


def _listed(section: str) -> str:
    """Return a numpydoc list of names as a Markdown list."""
    found = re.findall(r"^(\S.*?)(?: : (.*))?\n((?:    .*\n?)*)", f"{section.strip()}\n", re.MULTILINE)
    lines = [
        f"- `{name}`{f' ({kind})' if kind else ''}: {_plain(' '.join(text.split()))}".rstrip(": ")
        for name, kind, text in found
    ]
    return "\n".join(lines)


def _signature(name: str, thing: object) -> str:
    if isinstance(thing, property) or (inspect.isclass(thing) and issubclass(thing, Exception)):
        return name
    try:
        given = inspect.signature(thing)  # type: ignore[arg-type]  # what cannot be called has no signature
    except (TypeError, ValueError):
        return name
    bare = [p.replace(annotation=p.empty) for p in given.parameters.values() if p.name != "self"]
    shown = str(inspect.Signature(bare)).replace("'", '"')  # as the formatter writes it, which formats these pages too
    return f"{name}{shown}"


def _plain(text: str) -> str:
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
