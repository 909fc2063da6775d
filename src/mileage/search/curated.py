"""The curated configurations: their order was learned by ``tools/portfolio.py``, and stands in ``portfolio.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from mileage.operators import StepSpec

Wish = dict[str, StepSpec]


@cache
def curated(task: str) -> tuple[Wish, ...]:
    """Return the configurations of a task, in the order in which they are worth trying.

    Examples
    --------
    >>> len(curated("regression")) > 10, "model" in curated("binary")[0]
    (True, True)
    """
    text = (files("mileage.search") / "portfolio.json").read_text(encoding="utf-8")
    return tuple(steps_of(entry) for entry in json.loads(text)[task])


def steps_of(entry: Mapping[str, Any]) -> Wish:
    """Return the steps of one entry of the file by slot; a slot that it does not name is as every workflow has it.

    Examples
    --------
    >>> wish = steps_of({"model": "ridge", "params": {"alpha": 2.0}, "scale": "standard"})
    >>> str(wish["model"]), str(wish["scale"]), str(wish["impute"])
    ('ridge(alpha = 2.0)', 'standard', 'median')
    """
    return {
        "model": StepSpec.of(entry["model"], **entry.get("params", {})),
        "encode": StepSpec(entry.get("encode", "one_hot")),
        "scale": StepSpec(entry.get("scale", "none")),
        "impute": StepSpec(entry.get("impute", "median")),
        "dates": StepSpec("date_parts"),
        "text": StepSpec("tf_idf"),
        "select": StepSpec("none"),
        "reduce": StepSpec("none"),
    }
