"""What a later process knows of the data without reading it again, and when it does read it."""

import os
import time
from pathlib import Path

import pandas as pd
import pytest

import mileage
from mileage.catalog import ArtifactStore
from mileage.core.content import hash_file
from mileage.data import Database, Profile, SourceSpec, profile
from mileage.session import known_data, known_files
from mileage.session.known_data import known_profile
from mileage.session.known_files import known_hash
from mileage.workflow.flow import contents


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


def settle(path: Path) -> None:
    """Let a file be old enough for its time stamps to be trusted; only waiting makes the inode's own stamp old."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


class Reads:
    """Counts how often something is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        home = known_files if name == "hash_file" else known_data
        self.n, real = 0, getattr(home, name)

        def read(what: object) -> object:
            self.n += 1
            return real(what)

        monkeypatch.setattr(home, name, read)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time
    monkeypatch.setattr(known_files.time, "time", lambda: now() + seconds)


def test_a_file_is_hashed_once(store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    reads = Reads(monkeypatch, "hash_file")
    later(monkeypatch, 60)
    assert known_hash(store, path) == known_hash(store, path) == hash_file(path)
    assert reads.n == 1


def test_a_file_that_was_just_written_is_not_trusted_to_stay(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    reads = Reads(monkeypatch, "hash_file")
    known_hash(store, path)
    known_hash(store, path)
    assert reads.n == 2


def test_a_file_changed_in_place_is_hashed_again_though_its_size_and_time_are_the_same(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    settle(path)
    later(monkeypatch, 60)
    before = known_hash(store, path)
    path.write_text("a\n2\n")
    settle(path)
    assert known_hash(store, path) == hash_file(path) != before


def test_a_profile_is_made_once_for_equal_content(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch, "profile")
    seen = []
    for name, last in (("a", "x"), ("b", "x"), ("c", "y")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"n,word,day\n1,x,2024-01-01\n2.5,,2024-01-02\n,{last},\n")
        dataset = Database(tmp_path).bind(SourceSpec("file", str(path)))
        seen.append((known_profile(store, dataset), profile(dataset)))
    assert all(kept == made for kept, made in seen)
    assert reads.n == 2
    assert isinstance(seen[1][0], Profile)


def test_an_answer_is_opened_without_a_look_at_its_data(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.to_parquet(tmp_path / "t.parquet")
    with mileage.connect(tmp_path, backend="inline") as session:
        query = (
            f"PREDICT y FROM '{tmp_path / 't.parquet'}' VALIDATE BY 2 FOLDS WITH PIPELINE = median >> one_hot >> ridge"
        )
        expected = session.run(query)["w1"].predict(table.drop(columns="y"))
    reads = Reads(monkeypatch, "profile")
    with mileage.connect(tmp_path, backend="inline") as session:
        assert (session["w1"].predict(table.drop(columns="y")) == expected).all()
    assert reads.n == 0


def test_a_flow_reads_a_large_file_once_for_all_its_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\n" + "1\n" * 600_000)
    settle(path)
    reads = Reads(monkeypatch, "hash_file")

    def run() -> int:
        contents._HASHES.clear()  # as a new process has it
        with mileage.connect(tmp_path) as session:
            n: int = mileage.compute(mileage.step(len)(mileage.read(path)), session=session, flow="rows")
            return n

    later(monkeypatch, 60)
    assert run() == run() == 600_000
    assert reads.n == 1
    path.write_text("a\n" + "2\n" * 599_999)
    assert run() == 599_999 and reads.n == 2
