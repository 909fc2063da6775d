"""Draw the pictures of README and docs: a recorded leaderboard, and the path of a query. Nothing in them is fetched.

Usage: ``python tools/pictures.py`` from the root of a clone; the leaderboard is that of a real run of 20 seconds.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import mileage
from mileage.results.drawing import Box, Graph, svg
from mileage.session import Result

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 108
INK = "#6e7f91"  # to be read on white and on black

PATH = Graph(
    (
        Box("query", "query", ("what is wanted", "and what is known")),
        Box("plan", "logical plan", ("space of workflows", "metric, splits, budget", "each with its reason")),
        Box("strategy", "strategy", ("asks for", "configurations")),
        Box("tasks", "tasks", ("each workflow on", "each split")),
        Box("physical", "physical plan", ("equal tasks are one", "kept ones are loaded")),
        Box("trials", "trials", ("kept predictions", "scores, times, sizes")),
        Box("board", "leaderboard", ("ranked, ties marked", "each says why")),
    ),
    (
        ("query", "plan"),
        ("plan", "strategy"),
        ("strategy", "tasks"),
        ("tasks", "physical"),
        ("physical", "trials"),
        ("trials", "board"),
    ),
    "the path of a query",
)


def leaderboard(query: str) -> str:
    """Return the terminal's picture of the answer to a query."""
    from rich.console import Console
    from rich.terminal_theme import MONOKAI

    with tempfile.TemporaryDirectory() as folder, mileage.connect(folder) as session:
        result = session.run(query)
        assert isinstance(result, Result)
        console = Console(record=True, width=WIDTH, file=sys.stderr, highlight=False)
        console.print(f"$ mile {query!r}".replace("\\'", "'").replace("$ mile '", '$ mile "')[:-1] + '"', style="green")
        for text, style in result.styled(width=WIDTH):
            console.print(text, style=style or None, markup=False, soft_wrap=True)
    drawn = console.export_svg(title="mile", theme=MONOKAI)
    return re.sub(r"@font-face\s*{.*?}", "", drawn, flags=re.DOTALL).replace("Fira Code", "ui-monospace, Menlo")


def main() -> int:
    """Write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "path.svg").write_text(svg(PATH).replace("currentColor", INK) + "\n", encoding="utf-8")
    drawn = leaderboard("PREDICT species FROM 'examples/data/penguins.csv' BUDGET 20 s")
    (IMAGES / "leaderboard.svg").write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
