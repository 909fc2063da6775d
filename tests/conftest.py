"""What all tests share: slow ones wait to be asked for, and Hypothesis has no deadlines, for a busy machine is no failure.

The suite draws the same examples each time, so that a change is judged by what it changed; ``HYPOTHESIS_PROFILE=explore``
draws new ones, and more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SCRIPTS = """
import contextlib, io, json, os, runpy, sys, traceback, warnings
warnings.simplefilter("ignore")

class Without:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "mileage":
            raise ImportError(name)

sys.meta_path.insert(0, Without())
for line in sys.stdin:
    path = json.loads(line)
    folder = os.path.dirname(path)
    os.chdir(folder)
    sys.path[0] = folder
    said, failed = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(path, run_name="__main__")
    except BaseException:
        failed = traceback.format_exc()
    print(json.dumps([said.getvalue(), failed]), flush=True)
"""

settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True, max_examples=150
)
settings.register_profile("mile", settings.get_profile("explore"), derandomize=True, max_examples=60)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mile"))


def pytest_collection_modifyitems(config, items):
    """Skip slow tests unless an expression with ``-m`` names the mark."""
    if "slow" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))


@pytest.fixture(scope="session")
def run_script() -> Iterator[Callable[[Path], str]]:
    """Return a function that runs a script where it lies, and returns what it printed.

    All scripts run in one process, in which ``import mileage`` fails.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert process.stdin is not None and process.stdout is not None

    def run(path: Path) -> str:
        process.stdin.write(json.dumps(str(path)) + "\n")
        process.stdin.flush()
        said, failed = json.loads(process.stdout.readline())
        assert not failed, failed + path.read_text(encoding="utf-8")
        return said

    yield run
    process.communicate()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-cases", action="store_true", help="write the answers of .case files as they are given now"
    )
