"""A package outside of MILE adds a member to each family, and queries use them end to end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from installing import EXTRAS, install

QUERY = (
    "PREDICT y FROM 'table.csv' OPTIMIZE hit_rate VALIDATE BY 3 FOLDS "
    "WITH SCALE = clip_tails(share IN 0.001..0.1) | standard, MODEL = logistic | gaussian_nb "
    "BUDGET 8 trials SEED 1 HINT (strategy = one_at_a_time, backend = {backend})"
)
CHECKS = """
from mileage.engine import backends
from mileage.monitors import monitors
from mileage.operators import operators
from mileage.operators.metrics import metrics
from mileage.search import strategies
from mileage.testing import check_backend, check_metric, check_monitor, check_operator, check_strategy

check_operator(operators.get("clip_tails"))
check_metric(metrics.get("hit_rate"))
check_strategy(strategies.get("one_at_a_time"))
check_backend(backends.get("traced"))
check_monitor(monitors.get("round_numbers"))
print("all keep their laws")
"""


SMALL = QUERY.format(backend="traced").replace("| standard", "").replace("8 trials", "2 trials")
COMMANDS = {
    "traced": ("MILE_TRACE=traced.jsonl", "--json", "--project", "p0", QUERY.format(backend="traced")),
    "processes": ("MILE_TRACE=processes.jsonl", "--json", "--project", "p1", QUERY.format(backend="processes")),
    "wrong step": (QUERY.format(backend="traced").replace("clip_tails", "clip_tail"),),
    "wrong backend": (QUERY.format(backend="trced"),),
    "space": ("explain", "space", QUERY.format(backend="traced")),
    "small": ("MILE_TRACE=small.jsonl", "--json", SMALL),
    "export of its metric": ("export", "@w1", "train.py"),
    "another metric": ("--json", SMALL.replace("hit_rate", "accuracy")),
    "apply": ("apply", "@w1", "table.csv", "--into", "out.csv"),
    "export": ("export", "@w1", "train.py"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The extras, installed for a folder with a table."""
    folder = tmp_path_factory.mktemp("extras")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=200), "b": rng.standard_t(2, size=200)})
    table["tens"] = 10 * rng.integers(0, 60, 200)
    table["y"] = np.where(table["a"] + 0.3 * rng.normal(size=200) > 0.5, "yes", "no")
    table.to_csv(folder / "table.csv", index=False)
    return install(folder)


@pytest.fixture(scope="module")
def done(installed):
    """What came of each command."""
    return dict(zip(COMMANDS, installed.in_turn(*COMMANDS.values()), strict=True))


def answer(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_all_five_keep_the_laws_of_their_families(installed):
    done = installed.python("-W", "error::DeprecationWarning:mile_extras", "-c", CHECKS)
    assert done.stdout == "all keep their laws\n", done.stderr


@pytest.mark.parametrize("backend", ["traced", "processes"])
def test_a_query_uses_all_of_them_end_to_end(installed, done, backend):
    found = answer(done[backend])
    board = found["leaderboard"]
    assert any("clip_tails(share" in row["describe"] for row in board), board
    assert all("hit_rate" in row["metrics"] for row in board)
    assert "one slot from the best so far" in json.dumps(found)
    assert [f["columns"] for f in found["findings"] if f["code"] == "W901"] == [["tens"]]
    trace = installed.folder / f"{backend}.jsonl"
    assert trace.exists() == (backend == "traced")
    if trace.exists():
        labels = {label for line in trace.read_text().splitlines() for label in json.loads(line)["tasks"]}
        assert any(label.startswith("fit clip_tails") for label in labels)


def test_both_backends_give_the_same_answer(done):
    boards = [answer(done[backend])["leaderboard"] for backend in ("traced", "processes")]
    one, other = ([(row["ref"], row["describe"], row["metrics"]) for row in board] for board in boards)
    assert one == other


def test_what_others_added_is_offered_in_messages_and_pages(done):
    assert done["wrong step"].returncode == 3
    assert "did you mean clip_tails?" in done["wrong step"].stderr
    assert "did you mean" in done["wrong backend"].stderr and "traced" in done["wrong backend"].stderr
    assert "clip_tails" in done["space"].stdout, done["space"].stdout + done["space"].stderr


def test_workflows_with_a_step_of_others_are_applied_and_exported(installed, done):
    answer(done["small"])
    assert "hit_rate is a metric of its own" in done["export of its metric"].stderr
    answer(done["another metric"])
    assert done["apply"].returncode == 0, done["apply"].stderr
    assert len(pd.read_csv(installed.folder / "out.csv")) == 200
    assert done["export"].returncode == 0, done["export"].stderr
    script = installed.python("train.py")
    assert script.returncode == 0, script.stderr


def test_each_member_is_one_file():
    files = {path.stem for path in (EXTRAS / "src" / "mile_extras").glob("*.py")} - {"__init__"}
    assert files == {"clip_tails", "hit_rate", "one_at_a_time", "traced", "round_numbers"}
