"""What the fork server imports before it forks workers, so that a worker starts in milliseconds.

Each is optional: a library that is missing, or fails to import, is met again by the task that needs it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Callable

from mileage.core.collector import seldom

NEEDED = (
    "numpy",
    "pandas",
    "scipy.sparse",
    "cloudpickle",
    "threadpoolctl",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.impute",
    "sklearn.preprocessing",
    "sklearn.model_selection",
    "sklearn.metrics",
    "mileage.engine.worker",
    "mileage.engine.segment",
    "mileage.operators",
    "mileage.operators.metrics",
    "mileage.operators.running",
    "mileage.data.splits",
)
USEFUL = (
    "sklearn.linear_model",
    "lightgbm",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.feature_selection",
    "sklearn.decomposition",
)


def preload(*, asked: Callable[[], bool]) -> None:
    """Import what every worker needs, then what most need until workers are ``asked`` for.

    The collector is kept off what workers share copy-on-write.
    """
    with seldom():
        for name in NEEDED:
            _import(name)
        with contextlib.suppress(Exception):
            from mileage.operators import operators

            operators.names()  # imports every operator's file once, for all workers
        for name in USEFUL:
            if asked():
                break
            _import(name)
    gc.freeze()


def _import(name: str) -> None:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
