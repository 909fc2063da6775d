"""The rates of this machine in the folder of a project: measured with the first run, corrected by each."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from mileage.optimizer import Rates

FILE = "rates.json"


def known_rates(folder: Path) -> Rates:
    """Return the rates of this machine; they are measured where none are kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     known_rates(Path(folder)) == known_rates(Path(folder))
    True
    """
    with suppress(OSError, ValueError, TypeError):
        return Rates(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    rates = Rates.measured()
    keep_rates(folder, rates)
    return rates


def keep_rates(folder: Path, rates: Rates) -> None:
    """Keep rates for later runs; a folder that cannot be written costs only to measure them again."""
    with suppress(OSError):
        (folder / FILE).write_text(json.dumps(asdict(rates)), encoding="utf-8")
