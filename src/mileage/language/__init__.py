"""The language front end: MILEAGE text to trees and back.

It knows the grammar and no meaning: no operator, no metric, no data. Lark and YAML are loaded when first used. The tree
is in :mod:`mileage.language.ast`, the specification in ``grammar.lark``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mileage.language import ast
from mileage.language.ast import Metric, Predict, Script, plain
from mileage.language.parser import check, parse, parse_query
from mileage.language.printer import format_node, format_query, format_script, handles
from mileage.language.printer_base import metric as format_metric

if TYPE_CHECKING:
    from mileage.language.builder import FactBuilder, QueryBuilder, col, false_negatives, false_positives, predict
    from mileage.language.completion import complete
    from mileage.language.edits import apply_refine, diff
    from mileage.language.exchange import from_json, from_yaml, to_json, to_yaml
    from mileage.language.identity import semantic_hash
    from mileage.language.schema import json_schema

_LATE = {
    "builder": ("FactBuilder", "QueryBuilder", "col", "false_negatives", "false_positives", "predict"),
    "completion": ("complete",),
    "edits": ("apply_refine", "diff"),
    "exchange": ("from_json", "from_yaml", "to_json", "to_yaml"),
    "identity": ("semantic_hash",),
    "schema": ("json_schema",),
}

__all__ = [
    "FactBuilder",
    "Metric",
    "Predict",
    "QueryBuilder",
    "Script",
    "apply_refine",
    "ast",
    "check",
    "col",
    "complete",
    "diff",
    "false_negatives",
    "false_positives",
    "format_metric",
    "format_node",
    "format_query",
    "format_script",
    "from_json",
    "from_yaml",
    "handles",
    "json_schema",
    "parse",
    "parse_query",
    "plain",
    "predict",
    "semantic_hash",
    "to_json",
    "to_yaml",
]


def __getattr__(name: str) -> object:
    for module, names in _LATE.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
