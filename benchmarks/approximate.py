"""What a run on a sample saves, and how often its verdict is the right one: the 8 models of flights-12.

The flow is that of ``benchmarks/iteration`` (delays of flights from New York, months 1 to 6 to learn from, 7 and 8 to be
tried on), without the iterations that change no model. Each is run in full with nothing reused, as a plain script would;
in full with reuse; and on a tenth of the rows with reuse, for several samples. The verdicts on neighbors, and on all pairs,
are held against the full runs where their AUCs differ by more than 0.001; what neighbors leave undecided goes to larger
samples, and what that costs is counted, too.

A forest of 24 trees has an AUC that depends on its seed by more than 0.001: the truth is the mean over seeds. How the
verdicts stand against the full runs of one seed is a figure of its own.

Usage: ``python benchmarks/approximate.py --data FOLDER`` with ``nycflights13/*.parquet`` in the folder; the last line is one
JSON object. CPU seconds of the process, user and system, on one thread.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # before NumPy is loaded
sys.path.insert(0, str(Path(__file__).parent / "iteration"))

import flights  # noqa: E402
import flights_steps as do  # noqa: E402

import mileage as ml  # noqa: E402
from mileage.session.approximate import verdicts_of  # noqa: E402
from mileage.session.escalate import escalated  # noqa: E402
from mileage.session.iterate import Iteration, iterate  # noqa: E402
from mileage.workflow.flow.sample import Sample  # noqa: E402

TARGETS = {"cpu_ratio": 8.0, "wrong": 0.05, "undecided": 0.20}
LARGE, FRACTION, SALTS, QUICK_SALTS, SEEDS = 0.001, 0.1, 6, 1, 5
ROWS = dict.fromkeys(("time_features", "make_label", "encode", "predict", "labels"), "each")
ROWS |= dict.fromkeys(("fit_encoder", "fit_model", "forest"), "learns")


def forest(X: Any, rows: Any, seed: int) -> Any:
    """Return the forest of flights-12 grown from another seed."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(24, max_depth=9, random_state=seed).fit(X, do.labels(rows))


def step(function: Any) -> Any:
    """Defer an operator, with what it does to rows."""
    return ml.step(function, rows=ROWS.get(function.__name__, ""))


def flow(data: Path, settings: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    """Return the AUC of one iteration, to come: the operators of flights-12 up to the predictions."""
    found: dict[str, Any] = {}

    def kept(function: Any) -> Any:
        later = step(function)

        def call(*args: Any, **options: Any) -> Any:
            if function is do.fit_model and options["kind"] == "forest" and seed:
                made = step(forest)(*args, seed)
            else:
                made = later(*args, **options)
            found[function.__name__] = made
            return made

        return call

    flights.build(kept, data, settings)
    return {"auc": ml.scored(step(do.labels)(found["split_test"]), found["predict"])}


def models() -> list[tuple[str, dict[str, Any]]]:
    """Return name and settings of the iterations that make a model no earlier one made."""
    found: list[tuple[str, dict[str, Any]]] = []
    for i, (kind, edit) in enumerate(flights.EDITS):
        if kind in {"start", "learn", "prepare"}:
            found.append((json.dumps(edit), flights.settings(i)))
    return found


def run_all(data: Path, sample: Sample | None, *, reuse: bool) -> tuple[list[Iteration], list[float]]:
    """Run the iterations in one project, or each in its own; return the runs and their CPU seconds."""
    runs, spent = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i, (_, settings) in enumerate(models()):
            with ml.connect(Path(folder) / ("all" if reuse else str(i))) as session:
                begun = time.process_time()
                runs.append(iterate(session, flow(data, settings), approximate=sample))
                spent.append(time.process_time() - begun)
    return runs, spent


def truth(data: Path) -> list[float]:
    """Return the AUC of each model on all rows, that of a forest as the mean over seeds."""
    made = []
    with tempfile.TemporaryDirectory() as folder, ml.connect(folder) as session:
        for _, settings in models():
            seeds = range(SEEDS if settings["model"]["kind"] == "forest" else 1)
            aucs = [float(iterate(session, flow(data, settings, seed))["auc"]) for seed in seeds]
            made.append(sum(aucs) / len(aucs))
            print(f"truth {made[-1]:.4f} ({min(aucs):.4f} to {max(aucs):.4f})", flush=True)
    return made


def sampled_runs(data: Path, salt: int, test: float, full: list[float], one_seed: list[float]) -> dict[str, Any]:
    """Run the iterations on a sample and judge all pairs; escalate the undecided neighbors."""
    listed = [settings for _, settings in models()]
    sample = Sample(FRACTION, salt, test=test)
    with tempfile.TemporaryDirectory() as folder, ml.connect(folder) as session:
        runs, spent, verdict_s = [], [], 0.0
        for settings in listed:
            begun = time.process_time()
            runs.append(iterate(session, flow(data, settings), approximate=sample))
            spent.append(time.process_time() - begun)
        judged = []
        for i, j in itertools.combinations(range(len(runs)), 2):
            begun = time.process_time()
            verdict = verdicts_of(session, runs[i].version, runs[j].version, margin=LARGE)["auc"]
            verdict_s += time.process_time() - begun if j == i + 1 else 0.0
            judged.append({"pair": [i, j], "says": verdict.says, "sampled": verdict.difference})
            judged[-1] |= {"full": full[j] - full[i], "one_seed": one_seed[j] - one_seed[i]}
        begun = time.process_time()
        for one in judged:
            i, j = one["pair"]
            if j == i + 1 and one["says"] == "undecided":
                one["escalated"] = _escalated(session, data, listed[i], listed[j], sample)
        larger_s = time.process_time() - begun
    aucs = [float(run["auc"]) for run in runs]
    return {
        "salt": salt,
        "auc": aucs,
        "cpu_s": spent,
        "verdict_s": verdict_s,
        "escalation_s": larger_s,
        "judged": judged,
    }


def _escalated(session: Any, data: Path, old: Any, new: Any, sample: Sample) -> dict[str, Any]:
    made = escalated(
        session,
        lambda larger: iterate(session, flow(data, old), approximate=larger),
        lambda larger: iterate(session, flow(data, new), approximate=larger),
        sample.larger(),
        margin=LARGE,
    )
    return {"says": made.verdicts["auc"].says, "fraction": made.rungs[-1].fraction, "ended": made.ended}


def shares(judged: list[dict[str, Any]], *, against: str = "full", larger: bool = False) -> dict[str, float]:
    """Return the shares of wrong and of undecided verdicts among the pairs whose AUCs on all rows differ enough."""
    large = [one for one in judged if abs(one[against]) > LARGE]
    verdicts = [(one.get("escalated", one) if larger else one)["says"] for one in large]
    decided = [(v, one) for v, one in zip(verdicts, large, strict=True) if v != "undecided"]
    wrong = sum(v != ("better" if one[against] > 0 else "worse") for v, one in decided)  # equal is wrong, too
    n = max(1, len(large))
    return {"pairs": len(large), "wrong": wrong / n, "undecided": 1 - len(decided) / n}


def main() -> None:
    """Run, print the figures, and last the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--salts", type=int, default=SALTS, help="how many samples")
    parser.add_argument(
        "--test", type=float, default=Sample(FRACTION).test, help="share of the test rows, in shares of the train rows"
    )
    parser.add_argument("--quick", action="store_true", help="one sample")
    given = parser.parse_args()
    plain, plain_s = run_all(given.data, None, reuse=False)
    _, reused_s = run_all(given.data, None, reuse=True)
    one_seed, full = [float(run["auc"]) for run in plain], truth(given.data)
    for (name, _), auc, one_s, other_s in zip(models(), one_seed, plain_s, reused_s, strict=True):
        print(f"{name:60} AUC {auc:.4f}   full {one_s:6.2f} CPU s, with reuse {other_s:6.2f}", flush=True)
    salts = []
    for salt in range(QUICK_SALTS if given.quick else given.salts):
        made = sampled_runs(given.data, salt, given.test, full, one_seed)
        salts.append(made)
        print(
            f"sample {salt}: {sum(made['cpu_s']):.2f} CPU s, {' '.join(f'{s:.2f}' for s in made['cpu_s'])}; verdicts",
            end=" ",
        )
        print(f"{made['verdict_s']:.2f}, larger samples {made['escalation_s']:.2f}", flush=True)
        for one in made["judged"]:
            if one["pair"][1] == one["pair"][0] + 1:
                print("   ", json.dumps(one))
    print(json.dumps(report(full, one_seed, plain_s, reused_s, salts)))


def report(
    full: list[float], one_seed: list[float], plain_s: list[float], reused_s: list[float], salts: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return name, figures, targets and which are met."""
    every = [one for salt in salts for one in salt["judged"]]
    neighbors = [one for one in every if one["pair"][1] == one["pair"][0] + 1]
    n = len(salts)
    iterations_s = [sum(salt["cpu_s"][i] for salt in salts) / n for i in range(len(full))]
    verdict_s, larger_s = (sum(salt[name] for salt in salts) / n for name in ("verdict_s", "escalation_s"))
    sampled_s = sum(iterations_s) + verdict_s
    figures: dict[str, Any] = {
        "cpu_ratio": sum(plain_s) / sampled_s,
        "cpu_ratio_after_the_first": sum(plain_s[1:]) / (sum(iterations_s[1:]) + verdict_s),
        "cpu_ratio_with_larger_samples": sum(plain_s) / (sampled_s + larger_s),
        "cpu_ratio_to_full_with_reuse": sum(reused_s) / sampled_s,
        "plain_cpu_s": plain_s,
        "reused_cpu_s": reused_s,
        "sampled_cpu_s": iterations_s,
        "auc_bias": sum(sum(salt["auc"]) / len(full) for salt in salts) / n - sum(one_seed) / len(full),
        "neighbors": shares(neighbors),
        "neighbors_after_larger_samples": shares(neighbors, larger=True),
        "neighbors_against_one_seed": shares(neighbors, against="one_seed"),
        "all_pairs": shares(every),
    }
    met = {
        "cpu_ratio": figures["cpu_ratio"] >= TARGETS["cpu_ratio"],
        **{
            name: all(figures[of][name] <= TARGETS[name] for of in ("neighbors", "all_pairs"))
            for name in ("wrong", "undecided")
        },
    }
    return {"name": "approximate", "figures": figures, "targets": TARGETS, "met": met}


if __name__ == "__main__":
    main()
