"""One iteration of a scenario through one system, in a process of its own: CPU and wall seconds after imports, and the numbers.

A system wraps each operator of the scenario; a scenario is a module with ``EDITS``, ``settings`` and ``build``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Step = Callable[..., Any]


class Oracle:
    """Each distinct operator once, in memory, with no cost of keeping: what no system can beat without partial reuse.

    ``known`` holds what earlier processes made: it is read before the clock starts, and written after it stopped. ``tasks`` are
    those that were computed here, ``version`` the keys of all that was asked for since it was last emptied.
    """

    def __init__(self, known: Path) -> None:
        self.known = known
        self.made: dict[str, Any] = pickle.loads(known.read_bytes()) if known.exists() else {}
        self.tasks: list[dict[str, Any]] = []
        self.version: list[str] = []

    def step(self, function: Step) -> Step:
        """Return the operator as one that gives the key of its value."""

        def call(*args: Any, **options: Any) -> str:
            named = [f"#{a}" if a in self.made else repr(a) for a in map(str, args)]
            text = f"{function.__name__}({', '.join(named)}, {sorted(options.items())!r})"
            key = hashlib.sha256(text.encode()).hexdigest()
            if key not in self.made:
                values = [self.made.get(a, a) if isinstance(a, str) else a for a in args]
                begun = time.process_time()
                self.made[key] = function(*values, **options)
                inputs = [a for a in args if isinstance(a, str) and a in self.made]
                self.tasks.append({"key": key, "seconds": time.process_time() - begun, "inputs": inputs})
            self.version.append(key)
            return key

        return call


def plain(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None) -> Any:
    """Every operator, every time."""
    del store
    return scenario.build(lambda function: function, data, scenario.settings(iteration), rows)


def mile(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None, quota: int | None = None) -> Any:
    """MILE's flows through its public Python API."""
    import mileage

    with mileage.connect(store, **({"disk": quota} if quota is not None else {})) as session:
        wanted = scenario.build(mileage.step, data, scenario.settings(iteration), rows)
        return mileage.compute(wanted, session=session, flow=scenario.__name__)


def joblib(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None) -> Any:
    """``joblib.Memory`` on every operator."""
    from joblib import Memory

    memory = Memory(store, verbose=0)
    return scenario.build(memory.cache, data, scenario.settings(iteration), rows)


def skrub(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None) -> Any:
    """Deferred functions of skrub with its cache."""
    import skrub as library

    library.set_config(cache=str(store), eager_data_ops=False)
    return scenario.build(library.deferred, data, scenario.settings(iteration), rows).skb.eval()


def _traced(
    scenario: Any, data: Path, iteration: int, rows: int | None
) -> list[tuple[str, Step, list[Any], dict[str, Any]]]:
    """Return the operators as a list of (name, function, arguments, options); an argument that is a ``_Ref`` is an output."""
    nodes: list[tuple[str, Step, list[Any], dict[str, Any]]] = []

    def step(function: Step) -> Step:
        def call(*args: Any, **options: Any) -> _Ref:
            name = f"{function.__name__}_{sum(n.rpartition('_')[0] == function.__name__ for n, *_ in nodes)}"
            nodes.append((name, function, list(args), options))
            return _Ref(name)

        return call

    scenario.build(step, data, scenario.settings(iteration), rows)
    return nodes


class _Ref(str):
    """The name of an operator's output."""

    __slots__ = ()


def _module(nodes: list[tuple[str, Step, list[Any], dict[str, Any]]], store: Path) -> Any:
    """Return a module with a function for each operator, its inputs as parameters, its settings in its source."""
    lines = ["import typing, numpy, pandas"]
    for name, function, args, options in nodes:
        inputs = [a for a in args if isinstance(a, _Ref)]
        given = ", ".join(
            [*(a if isinstance(a, _Ref) else repr(a) for a in args), *(f"{k}={v!r}" for k, v in options.items())]
        )
        lines += [
            f"import {function.__module__} as _m_{name}",
            f"def {name}({', '.join(f'{i}: typing.Any' for i in dict.fromkeys(inputs))}) -> typing.Any:",
            f"    return _m_{name}.{function.__name__}({given})",
        ]
    store.mkdir(parents=True, exist_ok=True)
    path = store / "workflow_of_hamilton.py"
    path.write_text("\n".join(lines))
    sys.path.insert(0, str(store))
    return importlib.import_module("workflow_of_hamilton")


def hamilton(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None) -> Any:
    """Apache Hamilton with its cache; settings are in the source of each function, which is what it looks at."""
    from hamilton import driver

    nodes = _traced(scenario, data, iteration, rows)
    built = driver.Builder().with_modules(_module(nodes, store)).with_cache(path=str(store / "cache")).build()
    last = nodes[-1][0]
    return built.execute([last])[last]


def pipefunc(scenario: Any, data: Path, iteration: int, store: Path, rows: int | None) -> Any:
    """Pipefunc with its cache on disk."""
    from pipefunc import PipeFunc, Pipeline

    nodes = _traced(scenario, data, iteration, rows)
    module = _module(nodes, store)
    made = [PipeFunc(getattr(module, name), output_name=name, cache=True) for name, *_ in nodes]
    kwargs = {"cache_dir": str(store / "cache")}
    return Pipeline(made, cache_type="disk", cache_kwargs=kwargs)(nodes[-1][0])


SYSTEMS = {"plain": plain, "mile": mile, "joblib": joblib, "hamilton": hamilton, "skrub": skrub, "pipefunc": pipefunc}
_LIBRARIES = {
    "mile": ("duckdb", "mileage.session.flow_file", "mileage.session.session"),
    "joblib": ("joblib",),
    "hamilton": ("hamilton.driver", "hamilton.caching.adapter"),
    "skrub": ("skrub",),
    "pipefunc": ("pipefunc",),
}  # what is imported before the clock starts


@contextlib.contextmanager
def measured(into: dict[str, Any]) -> Iterator[None]:
    """Add CPU and wall seconds of what runs inside."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    into |= {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def main() -> None:
    """Run one iteration, or all of them in memory for the oracle, and print one JSON line."""
    parser = argparse.ArgumentParser()
    for name in ("scenario", "system", "data", "store"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--iterations", type=int, nargs="+", required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--quota", type=int)
    given = parser.parse_args()
    scenario, rows = importlib.import_module(given.scenario), given.rows
    done: list[dict[str, Any]] = []
    oracle = Oracle(Path(given.store) / "oracle.pickle")
    for library in _LIBRARIES.get(given.system, ()):
        importlib.import_module(library)
    for iteration in given.iterations:
        taken: dict[str, Any] = {"iteration": iteration}
        options = {"quota": given.quota} if given.quota is not None else {}
        with measured(taken):
            if given.system == "oracle":
                value = oracle.made[scenario.build(oracle.step, Path(given.data), scenario.settings(iteration), rows)]
            else:
                run = SYSTEMS[given.system]
                value = run(scenario, Path(given.data), iteration, Path(given.store), rows, **options)
        taken["numbers"] = {name: round(number, 10) for name, number in value.items()}
        if given.system == "oracle":
            taken |= {"tasks": oracle.tasks, "version": oracle.version}
            oracle.tasks, oracle.version = [], []
        done.append(taken)
    if given.system == "oracle":
        done[-1]["bytes"] = sum(len(pickle.dumps(value, 5)) for value in oracle.made.values())
        oracle.known.write_bytes(pickle.dumps(oracle.made, 5))
    print(json.dumps(done))


if __name__ == "__main__":
    main()
