"""Who holds a file is known as long as the owner lives; a stuck or dead one stops nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from mileage.catalog import locks
from mileage.catalog.claims import claim
from mileage.catalog.locks import Lease, is_dead, wait_for
from mileage.errors import CatalogError

HOLD = """
import sys, time
from pathlib import Path
from mileage.catalog.locks import Lease
lease = Lease.take(Path(sys.argv[1]))
print(lease is not None, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[True, False], ids=["kernel", "files"])
def path(request, tmp_path, monkeypatch):
    monkeypatch.setattr(Lease, "kernel", request.param)
    return tmp_path / "a.claim"


def test_one_has_it_and_it_can_be_given_on(path):
    with Lease.take(path) as lease:
        assert lease is not None and Lease.take(path) is None and not is_dead(path)
    assert not path.exists()
    with Lease.take(path) as again:
        assert again is not None


def test_a_lease_of_a_silent_owner_is_taken_by_one_and_not_removed_by_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(Lease, "kernel", False)
    path = tmp_path / "a.claim"
    old = Lease.take(path)
    os.utime(path, (1, 1))
    new = Lease.take(path)
    assert new is not None
    old.release()
    assert path.exists() and Lease.take(path) is None
    new.release()


def test_a_killed_owner_holds_nothing(tmp_path):
    path = tmp_path / "a.claim"
    owner = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout.readline().strip() == "True"
        assert Lease.take(path) is None
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()
    assert is_dead(path)
    with Lease.take(path) as lease:
        assert lease is not None


def test_nobody_waits_for_an_owner_that_is_stuck(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "SILENT_S", 5.0)
    with Lease.take(tmp_path / "a.claim") as lease:
        os.utime(lease.path, (time.time() - 60, time.time() - 60))
        found = claim(tmp_path, "a")
        assert found.lease is None and found.waited


def test_a_lease_that_is_never_free_is_an_error(tmp_path):
    with Lease.take(tmp_path / "room.lock"), pytest.raises(CatalogError, match="is held by another process"):
        wait_for(tmp_path / "room.lock", 0.02)


def test_a_long_owner_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_S", 0.01)
    monkeypatch.setattr(locks, "_heart", locks._Heart())
    with Lease.take(tmp_path / "a.claim") as lease:
        os.utime(lease.path, (1, 1))
        until = time.monotonic() + 10
        while lease.path.stat().st_mtime == 1 and time.monotonic() < until:
            time.sleep(0.01)
        assert lease.path.stat().st_mtime > 1
