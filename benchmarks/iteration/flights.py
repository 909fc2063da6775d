"""flights-12: one workflow of 23 operators, and the 12 iterations of one afternoon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flights_steps as do

Step = Callable[..., Any]

_FIRST: dict[str, Any] = {"threshold": 0.5, "by": "carrier", "season": False, "window": 20, "drop_extreme": False}
_BOOSTING = {"kind": "boosting", "learning_rate": 0.1}
_SLOWER = {"kind": "boosting", "learning_rate": 0.05}
_FOREST = {"kind": "forest"}
EDITS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("start", {"model": {"kind": "logistic", "C": 1.0}}),
    ("post", {"threshold": 0.35}),
    ("learn", {"model": {"kind": "logistic", "C": 0.1}}),
    ("prepare", {"season": True}),
    ("learn", {"model": _BOOSTING}),
    ("post", {"by": "origin"}),
    ("learn", {"model": _SLOWER}),
    ("prepare", {"window": 50}),
    ("learn", {"model": _FOREST}),
    ("prepare", {"drop_extreme": True}),
    ("post", {"by": "hour"}),
    ("undo", {"model": _SLOWER, "drop_extreme": False}),
)


def settings(iteration: int) -> dict[str, Any]:
    """Return all parameters of an iteration, counted from 0."""
    made = dict(_FIRST)
    for _, edit in EDITS[: iteration + 1]:
        made |= edit
    return made


def build(step: Callable[[Step], Step], data: Path, s: dict[str, Any], rows: int | None = None) -> Any:
    """Return the report of one iteration; ``step`` wraps each operator as the system at hand wants it."""
    data = data / "nycflights13"
    flights = step(do.load_flights)(str(data / "flights.parquet"), rows)
    weather = step(do.load_table)(str(data / "weather.parquet"))
    planes = step(do.load_table)(str(data / "planes.parquet"))
    airports = step(do.load_table)(str(data / "airports.parquet"))
    cleaned = step(do.clean)(flights, min_hour=0)
    joined = step(do.join_weather)(cleaned, weather)
    joined = step(do.join_planes)(joined, planes)
    joined = step(do.join_airports)(joined, airports)
    times = step(do.time_features)(joined, season=s["season"])
    history = step(do.history_features)(joined, window=s["window"])
    label = step(do.make_label)(joined, late=15)
    table = step(do.assemble)(joined, times, history, label)
    train, test = step(do.split_train)(table), step(do.split_test)(table)
    train = step(do.clean_train)(train, drop_extreme=s["drop_extreme"])
    encoder = step(do.fit_encoder)(train, max_categories=40)
    X_train, X_test = step(do.encode)(encoder, train), step(do.encode)(encoder, test)
    model = step(do.fit_model)(X_train, train, **s["model"])
    p = step(do.predict)(model, X_test)
    scores = step(do.metrics)(test, p, threshold=s["threshold"])
    by_group = step(do.slices)(test, p, by=s["by"])
    return step(do.report)(scores, by_group)
