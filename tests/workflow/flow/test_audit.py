"""Steps that run at the same time are each told of what they read themselves."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mileage.workflow.flow.audit import watching


@pytest.fixture
def files(tmp_path):
    made = [tmp_path / "one.txt", tmp_path / "other.txt"]
    for file in made:
        file.write_text("1")
    return made


def in_its_own_thread(read):
    read()


def in_a_thread_of_the_step(read):
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()


def in_a_pool_of_the_step(read):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(read).result()


@pytest.mark.parametrize("way", [in_its_own_thread, in_a_thread_of_the_step, in_a_pool_of_the_step])
def test_what_a_step_reads_is_no_others(files, way):
    meet, found = threading.Barrier(2, timeout=10), {}

    def step(file):
        with watching() as watch:
            meet.wait()
            way(file.read_text)
            meet.wait()
        found[file] = [notice.what for notice in watch.notices()]

    threads = [threading.Thread(target=step, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found[file]) for file in files] == [1, 1]
    assert all(file.name in found[file][0] for file in files)


def test_a_thread_that_outlives_its_step_reads_for_those_that_run(files):
    go, done = threading.Event(), threading.Event()

    def later():
        go.wait(10)
        files[0].read_text()
        done.set()

    with watching() as first:
        threading.Thread(target=later).start()
    with watching() as second:
        go.set()
        done.wait(10)
    assert first.notices() == []
    assert [notice.kind for notice in second.notices()] == ["file"]


def test_a_file_is_told_by_its_real_path_however_a_step_names_it(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "one.txt").write_text("1")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "real" / "other.txt").symlink_to("one.txt")
    monkeypatch.chdir(tmp_path)
    for name in ("linked/one.txt", "linked/../real/one.txt", "real/other.txt", tmp_path / "linked" / "one.txt"):
        with watching() as watch:
            open(name).close()  # noqa: PTH123  (as a step may name it)
        [notice] = watch.notices()
        assert "real/one.txt" in notice.what


def test_a_step_may_walk_through_the_folders_of_libraries():
    with watching() as watch:
        names = os.listdir(os.path.dirname(threading.__file__))  # noqa: PTH120, PTH208  (heard by this name)
    assert "threading.py" in names
    assert watch.notices() == []
