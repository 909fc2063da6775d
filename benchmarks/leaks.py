"""Do plans leak? Plans drawn by chance, each checked before it runs and followed row by row, and leaks planted to be found.

A plan is a few workflows on folds, holdouts, bootstraps, groups, orders of time, samples, tables of their own or splits reshuffled for each,
with rules on and off (``mileage.testing.random_plans``). Each is followed row by row on dealt splits (``mileage.testing.leaks``): a score that
is made of rows that were learned from is a leak. In one plan of ten, each kind of mistake that it has a place for is planted; a planted
mistake that is a leak, and that the check of plans lets pass, is missed.

Usage: ``python benchmarks/leaks.py [--plans 103000] [--first 0] [--processes 1] [--quick]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

QUICK, FULL, PART, PLANTED_EVERY, SHOWN_EVERY = 600, 100_000, 300, 10, 5
TARGETS = {"plans": FULL, "leaks": 0, "planted_missed": 0, "planted_kinds": 12}


def hunt(seeds: range) -> Counter[str]:
    """Return counts of what was checked and found in the plans of some seeds; planted leaks by kind, with a colon before it."""
    from mileage.errors import DataError, InternalError
    from mileage.optimizer.provenance import check_leaks
    from mileage.testing.leaks import leaks_of
    from mileage.testing.random_plans import draw_tasks, plant

    found = Counter[str]()
    for seed in seeds:
        drawn = draw_tasks(seed)
        started = time.process_time()
        plan = drawn.plan()
        planned = time.process_time()
        check_leaks(plan)
        found["check_us"] += round(1e6 * (time.process_time() - planned))
        found["plan_us"] += round(1e6 * (planned - started))
        try:
            found["leaks"] += bool(leaks_of(plan, drawn.tables))
        except DataError:  # rows that cannot be dealt: such a query is refused
            found["refused"] += 1
            continue
        found["plans"] += 1
        found["tasks"] += len(plan.tasks)
        if seed % PLANTED_EVERY:
            continue
        for name, broken in plant(plan, seed):
            if leaks_of(broken, drawn.tables):
                found["planted"] += 1
                found[f":{name}"] += 1
                try:
                    check_leaks(broken)
                    found["planted_missed"] += 1
                except InternalError:
                    pass
    return found


def hunted(seeds: range, processes: int) -> Counter[str]:
    """Return the counts of the plans of some seeds."""
    parts = [seeds[start : start + PART] for start in range(0, len(seeds), PART)]
    found = Counter[str]()
    with ProcessPoolExecutor(processes) as pool:
        for i, one in enumerate(pool.map(hunt, parts), 1):
            found.update(one)
            if i % SHOWN_EVERY == 0:
                print(f"{found['plans']:,} plans, {found['leaks']} leaks, {found['planted']:,} planted", flush=True)
    return found


def main() -> int:
    """Print the figures; fail if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=round(1.03 * FULL), help="some cannot be dealt")
    parser.add_argument("--first", type=int, default=0, help="seed of the first plan: where an earlier run has ended")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} plans")
    args = parser.parse_args()
    n_plans = QUICK if args.quick else args.plans
    found = hunted(range(args.first, args.first + n_plans), args.processes)
    kinds = {name[1:]: n for name, n in sorted(found.items()) if name.startswith(":")}
    names = ("plans", "tasks", "refused", "leaks", "planted", "planted_missed")
    figures: dict[str, object] = {name: found[name] for name in names}
    figures |= {"planted_kinds": len(kinds), "planted_by_kind": kinds}
    figures |= {"check_ms_a_1000_tasks": round(found["check_us"] / found["tasks"], 2)}
    figures |= {"check_share_of_planning": round(found["check_us"] / found["plan_us"], 3)}
    targets = TARGETS | ({"plans": round(0.9 * QUICK), "planted_kinds": 9} if args.quick else {})
    exact = all(figures[name] == targets[name] for name in ("leaks", "planted_missed"))
    met = exact and found["plans"] >= targets["plans"] and len(kinds) >= targets["planted_kinds"]
    print(json.dumps({"name": "leaks", "figures": figures, "targets": targets, "met": met}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
