"""The catalog: records in and out, two processes at once, damage and full disks said clearly."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
import time

import pytest

from mileage.catalog import ArtifactRecord, Catalog, Project
from mileage.catalog.migrations import HEAD
from mileage.core.reasons import Reason
from mileage.core.spans import Span
from mileage.errors import CatalogError, UnknownRefError
from mileage.operators.base import StepSpec
from mileage.results import Trial


@pytest.fixture
def catalog(tmp_path):
    with Catalog(Project.open(tmp_path)) as made:
        yield made


def trial(number=1, **changes):
    configuration = (
        ("scale", (StepSpec("standard"),)),
        ("model", (StepSpec.of("mlp", layers=(8, (4, 2)), C=math.inf, on=True),)),
    )
    given = {
        "describe": f"trial {number}",
        "scores": {"roc_auc": (0.5, math.nan, 0.7), "f1": (0.1, 0.2, math.inf)},
        "fit_s": 0.1,
        "size_bytes": 12,
        "reason": Reason("a guess", "strategy", Span(1, 4)),
    }
    return Trial(number, configuration, **{**given, **changes})


def test_versions_of_queries_have_parents_names_and_refs(catalog):
    one = catalog.add_query("PREDICT y", "aa", name="first")
    two = catalog.add_query("PREDICT y SEED 1", "bb", parent=one.id)
    assert (one.ref, one.source, two.ref, two.source, two.parent) == ("@q1", "run", "@q2", "refine", 1)
    assert catalog.query("@q1") == one and catalog.query("first") == one and catalog.query("@last") == two
    assert catalog.queries() == (one, two)


def test_an_unknown_query_says_which_there_are(catalog):
    with pytest.raises(UnknownRefError, match="no query has run"):
        catalog.query("@q7")
    catalog.add_query("PREDICT y", "aa")
    with pytest.raises(UnknownRefError, match="@q1 to @q1"):
        catalog.query("@q7")


def test_trials_come_back_as_they_were_in_the_order_they_were_recorded(catalog):
    run = catalog.start_run(catalog.add_query("q", "h").id, budget_s=3.0, seed=7, data_fingerprint="d")
    for number in (2, 0, 1):
        assert catalog.record_trial(run, trial(number))
    got = catalog.trials(run)
    assert [t.number for t in got] == [2, 0, 1]
    assert repr(got[0]) == repr(trial(2))  # repr: NaN does not equal itself


def test_a_workflow_comes_back_equal(catalog):
    from mileage.workflow import Features, Setting, instantiate

    choices = (("model", (StepSpec("logistic"),)),)
    workflow, _ = instantiate(choices, Features(("age",), ("sex",), levels=2), Setting("binary", 100))
    run = catalog.start_run(catalog.add_query("q", "h").id)
    catalog.record_trial(run, Trial(0, choices, workflow))
    got = catalog.trials(run)[0].workflow
    assert got == workflow and got.fingerprint == workflow.fingerprint


def test_recording_a_number_again_replaces_it(catalog):
    run = catalog.start_run(catalog.add_query("q", "h").id)
    catalog.record_trial(run, trial(1))
    catalog.record_trial(run, trial(1, describe="again"))
    assert [t.describe for t in catalog.trials(run)] == ["again"]


def test_a_run_is_running_then_finished(catalog):
    run = catalog.start_run(catalog.add_query("q", "h").id, budget_s=3.0, seed=7, data_fingerprint="d")
    catalog.record_trial(run, trial(0))
    record = catalog.last_run()
    assert (record.state, record.seconds, record.budget_s, record.seed, record.n_trials) == ("running", None, 3.0, 7, 1)
    assert record.environment["python"] and record.pid == os.getpid()
    catalog.finish_run(run, "stopped", summary={"ended": "by the user"})
    record = catalog.run(run)
    assert (record.state, record.summary) == ("stopped", {"ended": "by the user"}) and record.seconds >= 0
    with pytest.raises(UnknownRefError):
        catalog.run(99)


def test_findings_and_artifacts_are_kept(catalog, tmp_path):
    run = catalog.start_run(catalog.add_query("q", "h").id)
    catalog.add_findings(run, "assumption", [{"text": "AS binary"}])
    catalog.add_findings(run, "finding", [{"code": "M1"}])
    assert catalog.findings(run, "finding") == ({"code": "M1"},) and len(catalog.findings(run)) == 2
    record = ArtifactRecord("k.out", 10, "npy", 1.0, 2.0, 0.5, run)
    catalog.note_artifacts([record, record])
    assert catalog.artifacts() == (record,)
    store = catalog.project.store()
    store.put("real.out", 1)
    catalog.sync_artifacts(store)
    assert [a.key for a in catalog.artifacts()] == ["real.out"]


def test_opening_a_current_catalog_writes_nothing_and_loads_no_alembic(tmp_path):
    with Catalog(Project.open(tmp_path)) as made:
        made.add_query("q", "h")
    before = (tmp_path / ".mile" / "catalog.sqlite").read_bytes()
    code = "import sys; from mileage.catalog import Catalog; c = Catalog(sys.argv[1]); print(len(c.queries()), 'alembic' in sys.modules); c.close()"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
    assert (tmp_path / ".mile" / "catalog.sqlite").read_bytes() == before


def test_importing_the_catalog_loads_no_heavy_library():
    code = "import sys; import mileage.catalog; print([m for m in ('sqlalchemy', 'alembic', 'pandas', 'pyarrow', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def schema(connection):
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    columns = {name: connection.execute(f"PRAGMA table_info('{name}')").fetchall() for name, _ in rows}
    keys = {name: connection.execute(f"PRAGMA foreign_key_list('{name}')").fetchall() for name, _ in rows}
    return columns, keys, ["AUTOINCREMENT" in (sql or "") for _, sql in rows]


def test_the_migrations_lead_to_the_tables(tmp_path):
    from sqlalchemy import create_engine

    from mileage.catalog.migrations import upgrade

    with Catalog(Project.open(tmp_path)) as made:
        made.queries()
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.sqlite'}")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    with (
        sqlite3.connect(tmp_path / "migrated.sqlite") as a,
        sqlite3.connect(tmp_path / ".mile" / "catalog.sqlite") as b,
    ):
        assert schema(a) == schema(b)
        assert a.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    a.close()
    b.close()


def test_an_older_catalog_is_migrated_and_keeps_what_is_in_it(tmp_path):
    project = Project.open(tmp_path)
    with Catalog(project) as made:
        made.add_query("q", "h")
    with sqlite3.connect(project.catalog_file) as connection:  # as it was before there were lessons
        connection.execute("DROP TABLE lessons")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    connection.close()
    for _ in range(2):
        with Catalog(project) as made:
            assert made.lessons.all() == () and [q.text for q in made.queries()] == ["q"]


def test_a_newer_catalog_is_refused(tmp_path):
    project = Project.open(tmp_path)
    with Catalog(project) as made:
        made.queries()
    with sqlite3.connect(project.catalog_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(CatalogError, match="newer version of MILE") as caught:
        Catalog(project)
    assert caught.value.code == "C704"


@pytest.mark.parametrize(
    "content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "torn"]
)
def test_a_damaged_catalog_is_named_and_nothing_is_deleted(tmp_path, content):
    project = Project.open(tmp_path)
    project.catalog_file.write_bytes(content)
    with pytest.raises(CatalogError, match="is damaged") as caught:
        Catalog(project)
    assert str(project.catalog_file) in caught.value.message and "mv " in caught.value.hint
    assert project.catalog_file.read_bytes() == content


def test_damage_inside_the_file_is_a_clear_error_too(tmp_path):
    project = Project.open(tmp_path)
    with Catalog(project) as made:
        run = made.start_run(made.add_query("q" * 3000, "h").id)
        for i in range(50):
            made.record_trial(run, trial(i, describe="x" * 2000))
    for name in ("catalog.sqlite-wal", "catalog.sqlite-shm"):
        (project.path / name).unlink(missing_ok=True)
    content = bytearray(project.catalog_file.read_bytes())
    page = 4096
    content[20 * page : 40 * page] = b"\xff" * (20 * page)
    project.catalog_file.write_bytes(bytes(content))
    with pytest.raises(CatalogError), Catalog(project) as made:
        made.trials(run)


def test_an_empty_file_is_a_new_catalog(tmp_path):
    project = Project.open(tmp_path)
    project.catalog_file.touch()
    with Catalog(project) as made:
        assert made.queries() == ()


RUNNER = """
import sys, os, time, signal
from mileage.catalog import Catalog, Project
from mileage.results import Trial
catalog = Catalog(Project.open(sys.argv[1]))
run = catalog.start_run(catalog.add_query("q", "h").id)
store = catalog.project.store()
print("run", run, flush=True)
for i in range(int(sys.argv[2])):
    store.put(f"{run:02d}{i:04d}.out", [i] * 50)
    if catalog.record_trial(run, Trial(i, describe=f"t{i}", scores={"m": (0.1, 0.2)}, artifacts=(f"{run:02d}{i:04d}.out",))):
        print("ack", i, flush=True)
if sys.argv[3] == "finish":
    catalog.finish_run(run)
elif sys.argv[3] == "hang":
    time.sleep(60)
"""


def start(tmp_path, n, end):
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path), str(n), end], stdout=subprocess.PIPE, text=True
    )


def test_a_live_run_of_another_process_is_not_touched_and_a_dead_one_is_interrupted(tmp_path):
    process = start(tmp_path, 3, "hang")
    assert any(line.strip() == "ack 2" for line in process.stdout)
    with Catalog(Project.open(tmp_path)) as made:
        assert made.newly_interrupted == () and made.last_run().state == "running"
    process.kill()
    process.communicate()
    with Catalog(Project.open(tmp_path)) as made:
        record = made.interrupted()[0]
        assert made.newly_interrupted == (record.id,) and record.n_trials == 3
        assert record.ended == record.heartbeat and record.seconds >= 0
        again = made.start_run(made.queries()[-1].id)
        made.finish_run(again)
        assert made.last_run().state == "finished"


def test_a_run_whose_pid_was_given_to_another_process_is_interrupted(tmp_path):
    project = Project.open(tmp_path)
    with Catalog(project) as made:
        made.start_run(made.add_query("q", "h").id)
    with sqlite3.connect(project.catalog_file) as connection:
        connection.execute("UPDATE runs SET pid_started = pid_started - 100")
    connection.close()
    with Catalog(project) as made:
        assert made.last_run().state == "interrupted"


def test_processes_may_create_and_use_one_project_at_once(tmp_path):
    processes = [start(tmp_path, 15, "finish") for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    with Catalog(Project.open(tmp_path)) as made:
        assert len(made.queries()) == 3
        assert [(run.state, run.n_trials) for run in made.runs()] == [("finished", 15)] * 3
        assert sorted(int(text.split()[1]) for text in outputs) == [run.id for run in made.runs()]


def killed_at(tmp_path, moment):
    process = start(tmp_path, 100_000, "hang")
    line = process.stdout.readline()
    time.sleep(moment)
    process.kill()
    rest = process.communicate()[0]
    run = int(line.split()[1])
    acknowledged = [int(text.split()[1]) for text in rest.splitlines() if text.startswith("ack ") and text.split()[1:]]
    with Catalog(Project.open(tmp_path)) as made:
        assert made.run(run).state == "interrupted"
        kept = made.trials(run)
        assert [t.number for t in kept] == list(range(len(kept)))
        assert len(kept) >= len(acknowledged)
        store = made.project.store()
        assert all(store.get(t.artifacts[0]) == [t.number] * 50 for t in kept[-20:])
        assert not store.findings
        again = made.start_run(made.queries()[-1].id)
        assert made.record_trial(again, Trial(0))
        made.finish_run(again)
    with sqlite3.connect(tmp_path / ".mile" / "catalog.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_no_acknowledged_trial_is_lost_when_a_run_is_killed(tmp_path):
    for i in range(12):
        killed_at(tmp_path, (i * 37 % 13) / 100)


@pytest.mark.slow
def test_no_acknowledged_trial_is_lost_at_50_moments(tmp_path):
    for i in range(50):
        killed_at(tmp_path, (i * 37 % 51) / 100)


def test_a_full_disk_does_not_end_a_run(tmp_path):
    code = (
        "import resource, sys\n"
        "from mileage.catalog import Catalog, Project\n"
        "from mileage.results import Trial\n"
        "catalog = Catalog(Project.open(sys.argv[1]))\n"
        "run = catalog.start_run(catalog.add_query('q', 'h').id)\n"
        "assert catalog.record_trial(run, Trial(0, describe='x' * 1000))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "kept = [catalog.record_trial(run, Trial(i, describe='x' * 5000)) for i in range(1, 100)]\n"
        "catalog.finish_run(run, 'finished')\n"
        "print(sum(kept), len(catalog.trials(run)), catalog.runs()[0].state, catalog.degraded)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    kept, known, state, said = done.stdout.split(maxsplit=3)
    assert 0 < int(kept) < 99 and int(known) == 100 and state == "finished"
    assert "cannot be written" in said and "not kept" in said
    with Catalog(Project.open(tmp_path)) as made:
        assert made.last_run().n_trials >= int(kept) + 1


def test_trials_are_strict_json(catalog):
    run = catalog.start_run(catalog.add_query("q", "h").id)
    catalog.record_trial(run, trial(0))
    with sqlite3.connect(catalog.project.catalog_file) as connection:
        record = connection.execute("SELECT record FROM trials").fetchone()[0]
    connection.close()

    def refuse(name):
        raise AssertionError(name)

    json.loads(record, parse_constant=refuse)
