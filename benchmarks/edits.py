"""Random edits of random flows: after each, what MILE reuses is compared with a twin that remembers nothing.

A script is a flow of :mod:`edit_flows` and some edits, undone ones too. After each edit all modules are imported anew;
a step whose key is known is not run but taken from the memory, where all is kept, so that no more and no less is reused than
keys allow. A *difference* is an output that is not the twin's; *needless* is a step that ran though the program says that it
had run before as it is. Both are printed with the seed of their script.

Usage: ``python benchmarks/edits.py --count 10000``; ``--seed N`` runs one script and shows it; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import pickle
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from edit_flows import MODULES, Program, edited, program

from mileage.workflow.flow import flow_tasks, node_of, step
from mileage.workflow.flow.audit import Audit

N_EDITS = 3


@dataclass
class Memory:
    """All results of a script by key; ``seen`` holds what the program says of steps that ran."""

    kept: dict[str, bytes] = field(default_factory=dict)
    seen: set[object] = field(default_factory=set)
    files: tuple[str, ...] = ("", "")


@dataclass
class Found:
    """What came of scripts."""

    edits: int = 0
    ran: int = 0
    reused: int = 0
    differences: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)


def run_script(seed: int, folder: Path, found: Found, say: Callable[[str], None] = lambda _: None) -> None:
    """Run a flow and its edits."""
    rng = random.Random(seed)
    now, done, memory = program(rng), "as it was made", Memory()
    history = [now]
    for number in range(N_EDITS + 1):
        if number:
            done, now = edited(now, history, rng)
            history.append(now)
        say(f"--- {done}")
        compare(now, folder, memory, found, f"seed {seed}, edit {number} ({done})")
        found.edits += 1


def compare(now: Program, folder: Path, memory: Memory, found: Found, where: str) -> None:
    """Run a program with the memory and without."""
    for i, text in enumerate(now.files):
        if text != memory.files[i]:
            (folder / f"{i}.txt").write_text(text, encoding="utf-8")
    memory.files = now.files
    with _imported(now, folder) as functions:
        expected = _flow(now, functions, folder, _plain)
    with _imported(now, folder) as functions:
        made = _flow(now, functions, folder, step)
        values, ran = _with_memory(made, memory)
    found.ran += len(ran)
    found.reused += len(made) - len(ran)
    for i, (right, value) in enumerate(zip(expected, values, strict=True)):
        if repr(right) != repr(value):
            found.differences.append(f"{where}: step {i} gives {value!r}, not {right!r}")
    keys = now.keys
    needless = {i for i in ran if keys[i] is not None and keys[i] in memory.seen}
    found.needless += [
        f"{where}: step {i} ran for nothing ({now.things[now.flow[i].thing].template})" for i in sorted(needless)
    ]
    memory.seen.update(keys)


def _with_memory(made: list[Any], memory: Memory) -> tuple[list[Any], set[int]]:
    """Return all values, and the numbers of the steps that ran."""
    ports = [node_of(one) for one in made]
    tasks = flow_tasks(ports)
    audit = Audit()
    calls = audit.over(tasks.values())
    values: dict[Any, Any] = {}
    ran, fleeting = set(), set()
    for node, one in tasks.items():
        name = one.task.fingerprint
        if name in values:
            continue
        if name in memory.kept:
            values[name] = pickle.loads(memory.kept[name])
            continue
        inputs = [values[port.task] for port in one.task.inputs]
        (values[name],) = calls[name].run(inputs)
        ran.add(node)
        if audit.is_of_one_run(name) or fleeting.intersection(port.task for port in one.task.inputs):
            fleeting.add(name)
        else:
            memory.kept[name] = pickle.dumps(values[name])
    numbers = {i for i, port in enumerate(ports) if port.node in ran}
    return [values[tasks[port.node].task.fingerprint] for port in ports], numbers


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a function at once, with copies."""
    return lambda *args, **kwargs: function(*copy.deepcopy(args), **copy.deepcopy(kwargs))


def _flow(now: Program, functions: list[Any], folder: Path, defer: Callable[..., Any]) -> list[Any]:
    made: list[Any] = []
    for place in now.flow:
        function = defer(functions[place.thing])
        given = [ast.literal_eval(place.given)] if place.given is not None else []
        if not place.parents:
            made.append(function(str(folder / f"{place.file}.txt")))
        elif place.by_keyword and given:
            made.append(function(*(made[p] for p in place.parents), p=given[0]))
        else:
            made.append(function(*(made[p] for p in place.parents), *given))
    return made


@contextmanager
def _imported(now: Program, folder: Path) -> Iterator[list[Any]]:
    """Import the modules of a program, as a fresh process would, and give the functions of its things."""
    try:
        for name, text in now.sources().items():
            module = ModuleType(name)
            module.__file__ = str(folder / f"{name}.py")
            vars(module)["PLACES"] = [str(folder / "0.txt")]
            sys.modules[name] = module
            exec(_compiled(text, module.__file__), vars(module))  # noqa: S102  (the program is ours)
        yield [vars(sys.modules[MODULES[one.module]])[one.name] for one in now.things]
    finally:
        for name in MODULES:
            sys.modules.pop(name, None)


@lru_cache(maxsize=64)
def _compiled(text: str, file: str) -> CodeType:
    return compile(text, file, "exec")


def run_scripts(seeds: range, *, verbose: bool = False) -> Found:
    """Run scripts by their seeds."""
    found, shown = Found(), (0, 0)
    with tempfile.TemporaryDirectory() as name:
        for done, seed in enumerate(seeds, 1):
            run_script(seed, Path(os.path.realpath(name)), found, print if verbose else lambda _: None)
            for line in [*found.differences[shown[0] :], *found.needless[shown[1] :]]:
                print(line, flush=True)
            shown = len(found.differences), len(found.needless)
            if done % 1000 == 0:
                print(
                    f"{done} scripts: {len(found.differences)} differences, {len(found.needless)} needless", flush=True
                )
    return found


def main() -> int:
    """Run scripts and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first script")
    parser.add_argument("--seed", type=int, help="run the script of one seed and show it")
    parser.add_argument("--quick", action="store_true", help="200 scripts")
    given = parser.parse_args()
    count = 200 if given.quick else given.count
    seeds = range(given.first, given.first + count) if given.seed is None else range(given.seed, given.seed + 1)
    started = time.perf_counter()
    found = run_scripts(seeds, verbose=given.seed is not None)
    figures = {
        "scripts": len(seeds), "runs": found.edits, "steps_run": found.ran, "steps_reused": found.reused,
        "differences": len(found.differences), "needless": len(found.needless), "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip
    met = not (found.differences or found.needless)
    print(json.dumps({"name": "edits", "figures": figures, "targets": {"differences": 0, "needless": 0}, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
