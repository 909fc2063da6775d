"""What the fork server imports before it forks workers, so that a worker starts in milliseconds.

Each is optional: a library that is missing, or fails to import, is met again by the task that needs it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib

MODULES = (
    "numpy",
    "pandas",
    "scipy.sparse",
    "cloudpickle",
    "threadpoolctl",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.impute",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.feature_selection",
    "sklearn.decomposition",
    "lightgbm",
    "mileage.engine.worker",
    "mileage.operators",
    "mileage.operators.running",
    "mileage.data.splits",
)


def preload() -> None:
    """Import all there is, and keep the collector off what workers share copy-on-write."""
    for name in MODULES:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        from mileage.operators import operators

        operators.names()  # imports every operator's file once, for all workers
    gc.collect()
    gc.freeze()
