"""MILE: a Mixed-Initiative machine Learning Environment.

A query is a set of workflows and a wish; the optimizer picks some, the engine runs them, and everything says why.

Examples
--------
>>> import mileage
>>> query = mileage.predict("species").from_("penguins.csv").validate(folds=5).budget("20 s")
>>> print(query)
PREDICT species
FROM 'penguins.csv'
VALIDATE BY 5 FOLDS
BUDGET 20 s
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mileage.language import col, false_negatives, false_positives, format_script, parse
    from mileage.operators import Operator
    from mileage.operators.external import from_estimator
    from mileage.session import Fitted, Result, Session, connect, predict
    from mileage.session.escalate import decide
    from mileage.session.estimator import estimator
    from mileage.session.flow_file import compute, show
    from mileage.session.flow_query import query
    from mileage.workflow.flow import cross_validate, read, scored, sql, step

__version__ = "0.1.0"

_HOMES = {
    "Fitted": "mileage.session",
    "MileError": "mileage.errors",
    "Operator": "mileage.operators",
    "QueryError": "mileage.errors",
    "Result": "mileage.session",
    "Session": "mileage.session",
    "col": "mileage.language",
    "compute": "mileage.session.flow_file",
    "connect": "mileage.session",
    "cross_validate": "mileage.workflow.flow",
    "decide": "mileage.session.escalate",
    "false_negatives": "mileage.language",
    "false_positives": "mileage.language",
    "format_script": "mileage.language",
    "from_estimator": "mileage.operators.external",
    "load_ipython_extension": "mileage.apps.notebook",
    "parse": "mileage.language",
    "predict": "mileage.session",
    "query": "mileage.session.flow_query",
    "estimator": "mileage.session.estimator",
    "unload_ipython_extension": "mileage.apps.notebook",
    "read": "mileage.workflow.flow",
    "scored": "mileage.workflow.flow",
    "show": "mileage.session.flow_file",
    "sql": "mileage.workflow.flow",
    "step": "mileage.workflow.flow",
}

__all__ = [
    "Fitted",
    "MileError",
    "Operator",
    "QueryError",
    "Result",
    "Session",
    "__version__",
    "col",
    "compute",
    "connect",
    "cross_validate",
    "decide",
    "estimator",
    "false_negatives",
    "false_positives",
    "format_script",
    "from_estimator",
    "parse",
    "predict",
    "query",
    "read",
    "scored",
    "show",
    "sql",
    "step",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, so that ``import mileage`` is quick."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module 'mileage' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
