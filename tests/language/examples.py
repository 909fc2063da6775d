"""The sixteen examples of the design, as the cases hold them."""

import re
from pathlib import Path

_CASES = Path(__file__).parents[1] / "cases" / "language" / "examples.case"
_QUERY = re.compile(r"^query\n((?:  .*\n|\n)+)", re.MULTILINE)

EXAMPLES = tuple(
    "\n".join(line[2:] for line in query.splitlines()) for query in _QUERY.findall(_CASES.read_text(encoding="utf-8"))
)
