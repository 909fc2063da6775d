"""A census workflow and ten iterations on it: four of preparation, three of learning, three of evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import adult_steps as do

Step = Callable[..., Any]

_FIRST: dict[str, Any] = {"threshold": 0.5, "fair": "sex", "buckets": 0, "means": "occupation", "words": "one_hot"}
EDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("start", {"model": {"kind": "logistic", "C": 1.0}}),
    ("post", {"threshold": 0.4}),
    ("prepare", {"buckets": 8}),
    ("learn", {"model": {"kind": "boosting", "max_iter": 200}}),
    ("post", {"fair": "race"}),
    ("prepare", {"words": "target"}),
    ("learn", {"model": {"kind": "boosting", "max_iter": 200, "learning_rate": 0.05}}),
    ("prepare", {"means": "education"}),
    ("learn", {"model": {"kind": "forest", "max_depth": 12}}),
    ("undo", {"model": {"kind": "boosting", "max_iter": 200}, "means": "occupation", "threshold": 0.45}),
)


def settings(iteration: int) -> dict[str, Any]:
    """Return all parameters of an iteration, counted from 0."""
    made = dict(_FIRST)
    for _, edit in EDITS[: iteration + 1]:
        made |= edit
    return made


def build(step: Callable[[Step], Step], data: Path, s: dict[str, Any], rows: int | None = None) -> Any:
    """Return the report of one iteration; ``step`` wraps each operator as the system at hand wants it."""
    people = step(do.clean)(step(do.load)(str(data / "adult.parquet"), rows), min_age=17)
    people = step(do.derive)(people, buckets=s["buckets"])
    people = step(do.join)(people, step(do.group_means)(people, by=s["means"]))
    train, test = step(do.train_part)(people), step(do.test_part)(people)
    y_train, y_test = step(do.target)(train), step(do.target)(test)
    encoder = step(do.fit_encoder)(train, words=s["words"])
    X_train, X_test = step(do.encode)(encoder, train), step(do.encode)(encoder, test)
    p = step(do.predict)(step(do.fit_model)(X_train, y_train, **s["model"]), X_test)
    scores = step(do.metrics)(y_test, p, threshold=s["threshold"])
    groups = step(do.fairness)(test, y_test, p, by=s["fair"])
    return step(do.report)(scores, groups, step(do.interval)(y_test, p, n=300))
