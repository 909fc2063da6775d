"""A run hands results over and goes on; they are there at once, and kept as they were."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pandas as pd
import pytest

from mileage.catalog import ArtifactStore, WriteBehind
from mileage.errors import CatalogError

KEY = b"k" * 32


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "artifacts", key=KEY)


@pytest.fixture
def gate(store, monkeypatch):
    """Let writes begin only once it is set."""
    opened = threading.Event()
    put = store.put_encoded

    def slow(*args, **options):
        assert opened.wait(10)
        return put(*args, **options)

    monkeypatch.setattr(store, "put_encoded", slow)
    yield opened
    opened.set()


def test_what_waits_is_served_from_memory(store, gate):
    with WriteBehind(store) as behind:
        behind.put("aa.out", {"a": 1})
        assert behind.has("aa.out") and behind.get("aa.out") == {"a": 1} and not store.has("aa.out")
        gate.set()
        behind.flush()
        assert store.get("aa.out") == behind.get("aa.out") == {"a": 1}


@pytest.mark.parametrize("kind", ["array", "frame", "dict", "model"])
def test_a_change_after_the_hand_over_is_never_kept_nor_seen(store, gate, kind):
    from sklearn.linear_model import LinearRegression

    value = {
        "array": np.zeros(10), "frame": pd.DataFrame({"a": np.zeros(10)}), "dict": {"a": [0.0]}, "model": LinearRegression()
    }[kind]  # fmt: skip
    changes = {
        "array": lambda v: v.__setitem__(0, 1.0), "frame": lambda v: v.__setitem__("a", 1.0),
        "dict": lambda v: v["a"].append(1.0), "model": lambda v: setattr(v, "fit_intercept", False),
    }  # fmt: skip
    with WriteBehind(store) as behind:
        behind.put("aa.out", value)
        changes[kind](value)
        seen = behind.get("aa.out")
        if kind in {"frame", "dict", "model"}:
            changes[kind](seen)
        gate.set()
    got = store.get("aa.out")
    assert {
        "array": lambda: got.sum() == 0, "frame": lambda: got["a"].sum() == 0, "dict": lambda: got == {"a": [0.0]},
        "model": lambda: got.fit_intercept,
    }[kind]()  # fmt: skip


def test_a_full_queue_waits_for_the_disk(store, gate):
    value = np.zeros(1000)
    value.setflags(write=False)
    with WriteBehind(store, queue_bytes=10_000) as behind:
        behind.put("aa.out", value)
        second = threading.Thread(target=behind.put, args=("bb.out", value))
        second.start()
        second.join(0.05)
        assert second.is_alive()
        gate.set()
        second.join(10)
        assert not second.is_alive()
    assert store.has("aa.out") and store.has("bb.out")


def test_what_cannot_be_written_is_told_and_nothing_is_raised(store, monkeypatch):
    def full(*args, **options):
        raise CatalogError("the disk is full", code="C720")

    monkeypatch.setattr(store, "put_encoded", full)
    with WriteBehind(store) as behind:
        behind.put("aa.out", 1)
        behind.flush()
        assert [(item.key, item.why) for item in behind.failed] == [("aa.out", "the disk is full")]
        assert not behind.has("aa.out")


def test_what_has_no_room_is_declined_and_no_failure(tmp_path):
    with WriteBehind(ArtifactStore(tmp_path, key=KEY, quota_bytes=20_000)) as behind:
        behind.put("aa.out", np.random.default_rng(0).random(10_000))
        behind.flush()
        assert behind.declined == {"aa.out"} and not behind.failed


def test_another_process_gets_the_store_itself(store):
    with WriteBehind(store) as behind:
        assert isinstance(pickle.loads(pickle.dumps(behind)), ArtifactStore)


def test_a_claim_lasts_until_the_result_is_written(store, gate):
    other = ArtifactStore(store.folder, key=KEY)
    with WriteBehind(store) as behind:
        with behind.claim("aa"):
            behind.put("aa.out", 1)
        found = []
        asking = threading.Thread(target=lambda: found.append((other.claim("aa"), other.has("aa.out"))))
        asking.start()
        asking.join(0.1)
        assert asking.is_alive()
        gate.set()
        asking.join(10)
    ((claim, there),) = found
    assert claim.waited and there
    claim.release()
