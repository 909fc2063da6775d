"""A flow keeps what its policy says within its disk, survives what happens to it, and computes together with others."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import mileage
from mileage.catalog.flows import VersionRecord
from mileage.errors import OperatorError
from mileage.session.flow_file import run_file
from mileage.session.keep import _past, learned_changes
from mileage.workflow import Action

FLOW = """
    import time
    import numpy as np
    import pandas as pd
    import mileage as ml

    SCALE = 1.0

    @ml.step
    def rows(n):
        time.sleep(0.05)
        with open("computed.txt", "a") as out:
            out.write("rows ")
        return pd.DataFrame({"a": np.arange(n, dtype=float)})

    @ml.step
    def scaled(frame):
        time.sleep(0.05)
        with open("computed.txt", "a") as out:
            out.write("scaled ")
        return frame * SCALE

    ml.show(total=ml.step(float)(scaled(rows(20_000))["a"].sum()))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    return tmp_path


def run(project, **options):
    with mileage.connect(project, **options) as session:
        return run_file(session, project / "flow.py")


def edit(project, old, new):
    file = project / "flow.py"
    file.write_text(file.read_text().replace(old, new))


def test_an_unknown_policy_is_refused_before_anything_runs(project):
    with pytest.raises(OperatorError, match="no policy named 'densty'"):
        run(project, policy="densty")


def test_none_keeps_nothing(project):
    run(project, policy="none")
    assert run(project, policy="none").count(Action.COMPUTE) == 5


@pytest.mark.parametrize("policy", ["density", "lima", "helix", "lru", "all"])
def test_every_other_policy_finds_its_results_again_and_stays_within_its_disk(project, policy):
    first = run(project, policy=policy, disk=200_000)
    for scale in (2.0, 3.0, 4.0):
        edit(project, f"SCALE = {scale - 1}", f"SCALE = {scale}")
        made = run(project, policy=policy, disk=200_000)
        assert made["total"] == scale * first["total"]
        assert sum(p.stat().st_size for p in (project / ".mile" / "artifacts").rglob("*") if p.is_file()) <= 200_000


def test_the_catalog_knows_hits_misses_parts_and_versions(project):
    run(project)
    edit(project, "SCALE = 1.0", "SCALE = 2.0")
    run(project)
    with mileage.connect(project) as session:
        costs = session.catalog.flows.all_costs()
        assert session.catalog.flows.numbers() == ((1, "flow"), (2, "flow"))
    assert max(record.hits for record in costs.values()) >= 1
    assert {record.last_version for record in costs.values()} == {1, 2}
    assert all(record.inputs for record in costs.values() if record.last_version == 1)


def test_damaged_payloads_are_told_and_computed_again(project):
    first = run(project)
    for file in (project / ".mile" / "artifacts").glob("[!.]*/*"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        content[len(content) // 2] ^= 255
        file.write_bytes(content)
    second = run(project)
    assert second["total"] == first["total"]
    assert any("not trusted, and computed again" in note for note in second.version.record["notes"])
    assert run(project).count(Action.COMPUTE) == 0


def test_a_full_disk_is_told_and_the_run_goes_on(project, monkeypatch):
    from mileage.catalog.store import ArtifactStore

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ArtifactStore, "_write", full)
    made = run(project)
    assert made["total"] == float(np.arange(20_000).sum())
    assert any("not kept" in note and "No space left" in note for note in made.version.record["notes"])


def test_processes_that_start_together_compute_each_step_once(project):
    code = f"""
import mileage
from mileage.session.flow_file import run_file
with mileage.connect({str(project)!r}) as session:
    print(run_file(session, "flow.py")["total"])
"""
    edit(project, "time.sleep(0.05)", "time.sleep(1.0)")
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0] and answers[0] == answers[1]
    assert sorted((project / "computed.txt").read_text().split()) == ["rows", "scaled"]


def test_changes_and_undoing_are_learned_from_versions():
    def version(number, **codes):
        tasks = [{"label": label, "code": code, "task": f"{label}{code}"} for label, code in codes.items()]
        return VersionRecord(number, "flow", None, "finished", 0.0, {"tasks": tasks})

    model = learned_changes([version(1, a="1", b="1"), version(2, a="1", b="2"), version(3, a="1", b="1")])
    assert "a" not in model.steps and model.steps["b"] > 1 and model.undo > 0.4
    assert learned_changes([version(1, a="1"), version(2, a="1")]).steps == {}


def test_the_age_of_a_result_counts_the_versions_of_its_own_flow_since(project):
    for scale in (2.0, 3.0):
        run(project)
        edit(project, f"SCALE = {scale - 1}", f"SCALE = {scale}")
    (project / "other.py").write_text("import mileage as ml\nml.show(two=ml.step(abs)(-2))\n")
    with mileage.connect(project) as session:
        run_file(session, project / "other.py")
        run_file(session, project / "flow.py")
        costs = session.catalog.flows.all_costs()
        ages = {record.last_version: item.age for name, item in _past(session).items() for record in [costs[name]]}
    assert ages == {1: 3, 2: 2, 3: 1, 4: 1}
