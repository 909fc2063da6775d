"""Print how the source is built, and fail above the bounds.

The bounds: no ring of imports, a 95th percentile of function bodies of at most 45 lines, no file above 600 lines. Lazy
imports inside functions count, imports for annotations only (``if TYPE_CHECKING``) do not.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_RING = 0
MAX_BODY_P95 = 45
MAX_FILE_LINES = 600

Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = Mapping[str, set[str]]


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of a source file below ``root``."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that may run: what stands under ``if TYPE_CHECKING`` is left out."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for part in child.orelse:
                yield part
                yield from running_nodes(part)
            continue
        yield child
        yield from running_nodes(child)


def imports_of(tree: ast.AST, module: str, *, is_package: bool, known: set[str]) -> set[str]:
    """Return the modules of ``known`` that ``module`` imports, now or when a function of it runs."""
    names: set[str] = set()
    for node in running_nodes(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package=is_package)
            inside = {f"{base}.{alias.name}" for alias in node.names}
            names |= inside & known or {base}
    return {name for name in names & known if name != module}


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def largest_ring(graph: Graph) -> list[str]:
    """Return the largest set of modules that all import one another, directly or not; empty if there is none."""
    reached = {module: _reach(graph, module) for module in graph}
    rings = (
        [other for other in seen if module in reached[other]] for module, seen in reached.items() if module in seen
    )
    return sorted(max(rings, key=len, default=[]))


def _reach(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += graph[module]
    return seen


def body_lines(function: Function) -> int:
    """Return the lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def percentile(values: list[int], share: float) -> int:
    """Return the smallest value that at least ``share`` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and return 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent / "src")
    root: Path = parser.parse_args(argv).root
    files = {module_name(path, root): path for path in sorted(root.rglob("*.py"))}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    trees = {name: ast.parse(text) for name, text in texts.items()}
    graph = {
        name: imports_of(tree, name, is_package=files[name].name == "__init__.py", known=set(files))
        for name, tree in trees.items()
    }
    ring = largest_ring(graph)
    bodies = {
        f"{name}.{node.name}": body_lines(node)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    }
    lines = {name: len(text.splitlines()) for name, text in texts.items()}
    p95 = percentile(list(bodies.values()), 0.95)
    longest_body, longest_file = max(bodies, key=bodies.__getitem__), max(lines, key=lines.__getitem__)
    too_long = sorted(name for name, n in lines.items() if n > MAX_FILE_LINES)
    print(f"modules {len(files)}, functions {len(bodies)}, lines {sum(lines.values())}")
    print(f"largest import ring: {len(ring)} (bound {MAX_RING}){': ' + ', '.join(ring) if ring else ''}")
    print(f"body lines, 95th percentile: {p95} (bound {MAX_BODY_P95}); longest {bodies[longest_body]}: {longest_body}")
    print(
        f"files above {MAX_FILE_LINES} lines: {len(too_long)}{': ' + ', '.join(too_long) if too_long else ''};"
        f" longest {lines[longest_file]}: {longest_file}"
    )
    return int(len(ring) > MAX_RING or p95 > MAX_BODY_P95 or bool(too_long))


if __name__ == "__main__":
    sys.exit(main())
