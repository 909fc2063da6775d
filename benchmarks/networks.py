"""Networks on one stream of batches against scikit-learn one by one, and against the same code one by one.

Sixteen networks that differ in penalty and rate are fitted on the same made-up rows: by scikit-learn, by the steps of
``mileage.traits.stacked`` for one network at a time, and by these for all at once. The second shows what is only other code, the
third what sharing gives. That they are the same networks is checked to the last bit. What is measured is CPU time.

Usage: ``python benchmarks/networks.py [--repeats 3] [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

RATES, DECAYS = (3e-4, 1e-3, 3e-3, 1e-2), (1e-5, 1e-3, 1e-2, 1e-1)
SHAPES = ((8,), (16,), (32,), (64,), (128,), (256,), (64, 64))
ROWS, QUICK_ROWS, COLUMNS, WALKS = 10_000, 1_000, 105, 4


def nets(hidden: Sequence[int]) -> list[Any]:
    """Return unfitted networks of a shape."""
    from sklearn.neural_network import MLPClassifier

    fixed = {"max_iter": WALKS, "tol": 0.0, "random_state": 0, "early_stopping": True}
    return [MLPClassifier(hidden, learning_rate_init=r, alpha=a, **fixed) for r in RATES for a in DECAYS]


def cpu_s(fit: Callable[[list[Any]], object], hidden: Sequence[int]) -> tuple[float, list[Any]]:
    """Return the CPU seconds of fitting networks, and these."""
    made = nets(hidden)
    started = time.process_time()
    fit(made)
    return time.process_time() - started, made


def run_shape(hidden: Sequence[int], n_rows: int, repeats: int) -> dict[str, Any]:
    """Fit the networks of a shape in each way in turn; return medians, ratios and the largest difference of weights."""
    from mileage.traits.stacked import fit_stacked

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, COLUMNS))
    y = X[:, 0] - X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=n_rows) > 0
    ways: dict[str, Callable[[list[Any]], object]] = {
        "sklearn": lambda made: [net.fit(X, y) for net in made],
        "same_code": lambda made: [fit_stacked([net], X, y) for net in made],
        "together": lambda made: fit_stacked(made, X, y),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    fitted: dict[str, list[Any]] = {}
    for _ in range(repeats):
        for way, fit in ways.items():
            seconds, fitted[way] = cpu_s(fit, hidden)
            times[way].append(seconds)
    median = {way: statistics.median(all_of_it) for way, all_of_it in times.items()}
    return {
        "configurations": len(fitted["sklearn"]),
        "cpu_s": {way: round(seconds, 3) for way, seconds in median.items()},
        "spread": {way: [round(min(all_of_it), 3), round(max(all_of_it), 3)] for way, all_of_it in times.items()},
        "versus_sklearn": round(median["sklearn"] / median["together"], 2),
        "versus_same_code": round(median["same_code"] / median["together"], 2),
        "differs_by": max(_difference(*pair) for pair in zip(fitted["sklearn"], fitted["together"], strict=True)),
    }


def _difference(one: Any, other: Any) -> float:
    """Return the largest difference of a weight of two networks."""
    pairs = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return float(max(np.abs(a - b).max() for a, b in pairs))


def main() -> int:
    """Fit networks of each shape, print the JSON line."""
    from threadpoolctl import threadpool_limits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="1,000 rows, once")
    given = parser.parse_args()
    rows = {}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for hidden in SHAPES:
            name = "-".join(map(str, hidden))
            rows[name] = run_shape(hidden, QUICK_ROWS if given.quick else ROWS, 1 if given.quick else given.repeats)
            print(name, json.dumps(rows[name]), flush=True)
    targets = {"differs_by": 0.0, "versus_sklearn": {"16": 2.8}}
    met = rows["16"]["versus_sklearn"] >= 2.8 and all(row["differs_by"] == 0.0 for row in rows.values())
    print(json.dumps({"name": "networks", "figures": rows, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
