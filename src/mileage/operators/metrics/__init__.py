"""Metrics: scikit-learn's scorers by name, friendly aliases, and outsiders' own, computed late from predictions.

``metrics`` is the registry of our own and outsiders' metrics (entry-point group ``mileage.metrics``); every scorer name
of scikit-learn works besides.
"""

from mileage.operators.metrics.metric import Metric, MetricCall
from mileage.operators.metrics.scoring import (
    default_metric,
    is_plain,
    metric_names,
    metrics,
    resolve_metric,
    score,
    score_or_reason,
    scorer_code,
)
from mileage.operators.metrics.squares import is_of_squares, score_squares
from mileage.operators.metrics.stacked import score_stacked

__all__ = [
    "Metric",
    "MetricCall",
    "default_metric",
    "is_of_squares",
    "is_plain",
    "metric_names",
    "metrics",
    "resolve_metric",
    "score",
    "score_or_reason",
    "score_squares",
    "score_stacked",
    "scorer_code",
]
