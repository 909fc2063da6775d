"""The sixteen examples of the design."""

from pathlib import Path

EXAMPLES = tuple(
    block.strip("\n")
    for block in (Path(__file__).parents[1] / "cases" / "language" / "examples.mile")
    .read_text(encoding="utf-8")
    .split("---\n")
)
