"""The artifact store: exact values back, nothing untrusted, safe for many processes."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from mileage.catalog import ArtifactStore, Project
from mileage.catalog.formats import encode
from mileage.catalog.locks import Lease
from mileage.catalog.room import Room
from mileage.errors import CatalogError

KEY = b"k" * 32


@dataclass(frozen=True)
class Made:
    kind: str
    values: np.ndarray


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "artifacts", key=KEY)


def noise(n):
    """Return numbers that take as many bytes packed as they do plain."""
    return np.random.default_rng(0).random(n)


def frame():
    return pd.DataFrame(
        {
            "i": np.array([1, 2, 3], dtype="int32"),
            "f": [1.5, np.nan, -0.0],
            "b": [True, False, True],
            "s": pd.Series(["a", None, "ü"], dtype="str"),
            "t": np.array(["2020-01-01", "NaT", "2021-05-05T10:11:12.000001"], dtype="datetime64[us]"),
            "n": pd.to_datetime(["2020-01-01"] * 3).astype("datetime64[ns]"),
        }
    )


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.zeros((0, 3)),
        np.array(["a", "bcd"]),
        np.array(3.0),
        np.asfortranarray(np.eye(3)),
        np.array([1, "a"], dtype=object),
    ],
    ids=["matrix", "empty", "texts", "scalar", "fortran", "objects"],
)
def test_arrays_come_back_as_they_were(store, array):
    store.put("aa.out", array)
    got = store.get("aa.out")
    assert got.dtype == array.dtype and got.shape == array.shape
    assert np.array_equal(got, array)
    assert got.flags.f_contiguous == array.flags.f_contiguous


def test_arrays_are_read_only_maps_of_the_file(store):
    store.put("aa.out", np.arange(1000.0))
    got = store.get("aa.out")
    assert not got.flags.writeable and not got.flags.owndata


def test_frames_come_back_with_their_types_and_their_nan(store):
    for made in (frame(), frame().iloc[:0].reset_index(drop=True)):
        store.put("aa.out", made)
        got = store.get("aa.out")
        pd.testing.assert_frame_equal(got, made, check_exact=True, check_index_type=True)
        assert list(got.dtypes) == list(made.dtypes)
    store.put("aa.out", frame())
    assert np.isnan(store.get("aa.out")["f"].to_numpy()[1]) and np.signbit(store.get("aa.out")["f"].to_numpy()[2])


@pytest.mark.parametrize(
    "made",
    [
        frame().set_index("i"),
        frame().rename(columns={"f": 7}),
        frame().assign(c=pd.Categorical(["x", "y", "x"])),
        frame().assign(o=pd.Series([1, "a", None], dtype=object)),
        frame().assign(z=pd.to_datetime(["2020-01-01"] * 3, utc=True)),
        frame().assign(m=pd.array([1, None, 3], dtype="Int64")),
    ],
    ids=["index", "names", "categories", "objects", "zones", "nullable"],
)
def test_frames_that_arrow_would_change_come_back_exactly_too(store, made):
    store.put("aa.out", made)
    pd.testing.assert_frame_equal(store.get("aa.out"), made, check_exact=True)


def test_a_change_of_a_frame_never_reaches_the_file(store):
    store.put("aa.out", frame())
    got = store.get("aa.out")
    with pytest.raises(ValueError, match="read-only"):
        got.loc[0, "f"] = 9.0
    got["i"] = 0
    pd.testing.assert_frame_equal(store.get("aa.out"), frame())


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_matrix])
def test_sparse_matrices_come_back_with_their_kind(store, kind):
    made = kind(sp.random(20, 30, 0.2, random_state=0))
    store.put("aa.out", made)
    got = store.get("aa.out")
    assert type(got) is type(made) and got.indices.dtype == made.indices.dtype
    assert (got != made).nnz == 0
    assert np.array_equal(got @ np.ones(30), made @ np.ones(30))


@pytest.mark.parametrize(
    "value",
    [None, 1, True, 1.5, "ü", [1, "a"], {"a": [1.0, None]}, (1, 2), {1: 2}, float("nan"), float("inf"), b"x"],
    ids=repr,
)
def test_plain_values_come_back_with_their_types(store, value):
    store.put("aa.out", value)
    got = store.get("aa.out")
    assert type(got) is type(value) and repr(got) == repr(value)


def test_tables_dataclasses_and_fitted_estimators_come_back(store):
    from sklearn.linear_model import LogisticRegression

    table = pa.table({"a": [1, None, 3], "b": ["x", "y", None]})
    store.put("aa.out", table)
    assert store.get("aa.out").equals(table)
    store.put("bb.out", Made("proba", np.arange(4.0)))
    assert store.get("bb.out").kind == "proba" and np.array_equal(store.get("bb.out").values, np.arange(4.0))
    X, y = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2
    model = LogisticRegression().fit(X, y)
    store.put("cc.state", model)
    assert np.array_equal(store.get("cc.state").predict_proba(X), model.predict_proba(X))


def test_a_missing_key_is_a_key_error(store):
    assert not store.has("nothing.out")
    with pytest.raises(KeyError):
        store.get("nothing.out")
    store.delete("nothing.out")


def test_a_key_cannot_leave_the_folder(store):
    with pytest.raises(ValueError, match="no key"):
        store.put("../a", 1)


class Trap:
    """Says so when it is unpickled."""

    sprung = False

    def __reduce__(self):
        return (spring, ())


def spring():
    Trap.sprung = True


def test_what_another_project_wrote_is_absent_and_never_unpickled(tmp_path):
    ArtifactStore(tmp_path, key=b"o" * 32).put("aa.state", Trap())
    store = ArtifactStore(tmp_path, key=KEY)
    assert not store.has("aa.state")
    with pytest.raises(KeyError):
        store.get("aa.state")
    assert not Trap.sprung
    assert [f.key for f in store.findings] == ["aa.state"] and "not written by this project" in store.findings[0].why
    store.put("aa.state", 1)
    assert store.get("aa.state") == 1


def test_a_raw_pickle_in_the_folder_is_never_unpickled(store):
    path = store._path("aa.state")
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(KeyError):
        store.get("aa.state")
    assert not Trap.sprung


@pytest.mark.parametrize(
    "value",
    [np.arange(5000.0), frame(), Made("x", np.arange(5000.0)), {"a": 1}],
    ids=["array", "frame", "object", "plain"],
)
@pytest.mark.parametrize("left", [0, 5, 40, 0.5, -1])
def test_a_file_cut_short_is_absent(store, value, left):
    store.put("aa.out", value)
    path = store._path("aa.out")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if isinstance(left, float) else left])
    assert not store.has("aa.out")
    with pytest.raises(KeyError):
        store.get("aa.out")
    assert store.findings


@pytest.mark.parametrize("value", [np.arange(50.0), Made("x", np.arange(50.0))], ids=["array", "object"])
def test_a_changed_byte_anywhere_makes_a_file_absent(store, value):
    store.put("aa.out", value)
    path = store._path("aa.out")
    content = path.read_bytes()
    head = content.index(b"}") if b"}" in content else 0
    for at in (0, 9, 20, head + 3, len(content) // 2):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(KeyError):
            store.get("aa.out")


@pytest.mark.parametrize("quota_bytes", [None, 300_000])
def test_what_an_object_holds_may_be_written_to_and_no_other_reader_sees_it(tmp_path, quota_bytes):
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=quota_bytes)
    store.put("aa.out", Made("drawn", np.zeros(20_000)))
    mine, other = store.get("aa.out"), store.get("aa.out")
    mine.values[0] = 1.0
    assert (other.values[0], store.get("aa.out").values[0]) == (0.0, 0.0)


@pytest.mark.parametrize("quota_bytes", [2_500_000, 5_000_000])
def test_what_takes_much_of_the_room_is_packed_and_comes_back_as_it_was(tmp_path, quota_bytes):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({
        "whole": rng.integers(-100, 100, 50_000), "step": np.arange(50_000) * 7 - 10**12, "text": ["one", None] * 25_000,
        "far": rng.choice([-(2**63), 2**63 - 1], 50_000), "zero": np.array([0.0, -0.0] * 25_000), "same": [np.nan] * 50_000,
    })  # fmt: skip
    plain = ArtifactStore(tmp_path / "plain", key=KEY)
    scarce = ArtifactStore(tmp_path / "scarce", key=KEY, quota_bytes=quota_bytes)
    model = {"model": wide["zero"].to_numpy()}
    for value in (
        wide,
        wide["step"],
        wide["far"].to_numpy(),
        sp.csr_matrix(np.arange(80_000).reshape(80, -1) % 7),
        model,
    ):
        assert scarce.put("aa.out", value) < plain.put("aa.out", value) / 2
        assert pickle.dumps(scarce.get("aa.out")) == pickle.dumps(plain.get("aa.out"))
    assert scarce.size_of("aa.out") == scarce.put("aa.out", model)
    assert not scarce.get("aa.out")["model"].flags.writeable


def test_the_more_a_value_would_take_of_the_room_the_smaller_it_is_packed(tmp_path):
    frame = pd.DataFrame({"a": np.random.default_rng(0).integers(0, 50, 100_000) / 4})
    rooms = (None, 40_000_000, 4_000_000, 1_000_000)
    stores = [ArtifactStore(tmp_path / str(i), key=KEY, quota_bytes=quota) for i, quota in enumerate(rooms)]
    sizes = [store.put("aa.out", frame) for store in stores]
    assert sizes[0] > sizes[2] > sizes[3] and sizes[1] in {sizes[0], sizes[2]}
    for store in stores:
        pd.testing.assert_frame_equal(store.get("aa.out"), frame)


def test_what_would_fill_most_of_the_room_is_packed_harder_and_what_has_no_chance_is_not(tmp_path):
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("etaoinshrdlu"), 7)) for _ in range(3000)])
    text = pd.DataFrame({"words": [" ".join(rng.choice(words, 60)) for _ in range(4000)]})
    sizes = {}
    for quota in (1_500_000, 700_000, 600_000):
        store = ArtifactStore(tmp_path / str(quota), key=KEY, quota_bytes=quota)
        sizes[quota] = store.put("aa.out", text)
        pd.testing.assert_frame_equal(store.get("aa.out"), text)
    assert sizes[700_000] == sizes[600_000] < 600_000 < sizes[1_500_000]
    room = Room(tmp_path, 1000)
    assert [room.is_tight_for(size) for size in (500, 501, 1200, 1201)] == [False, True, True, False]
    assert not Room(tmp_path).is_tight_for(10**12)


def test_the_least_recently_used_go_first_and_small_ones_last(tmp_path):
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=1_000_000)
    store.put("small.out", 1)
    for i in range(9):
        store.put(f"a{i}.out", noise(12_500))
        os.utime(store._path(f"a{i}.out"), (i + 1000, i + 1000))
    os.utime(store._path("small.out"), (1, 1))
    store.get("a0.out")
    store.put("b0.out", noise(12_500))
    assert store.bytes_used() <= 1_000_000
    assert store.has("small.out") and store.has("a0.out") and store.has("b0.out")
    assert not store.has("a1.out")


def test_what_a_run_holds_is_not_evicted_and_what_does_not_fit_is_refused(tmp_path):
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=250_000)
    other = ArtifactStore(tmp_path, key=KEY, quota_bytes=250_000)
    hold = other.hold()
    store.put("a.out", noise(12_500))
    store.put("b.out", noise(12_500))
    with pytest.raises(CatalogError, match="does not fit the quota"):
        store.put("c.out", noise(12_500))
    assert store.has("a.out") and store.has("b.out") and not store.has("c.out")
    hold.release()
    for path in store.folder.glob("*/*"):
        os.utime(path, (1000, 1000))
    store.put("c.out", noise(12_500))
    assert store.has("c.out") and store.bytes_used() <= 250_000


def test_a_run_that_knows_what_it_reads_lets_go_of_the_rest(tmp_path):
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=250_000)
    with store.hold({"a.out"}):
        for name in "abc":
            store.put(f"{name}.out", noise(12_500))
        assert store.has("a.out") and store.has("c.out") and not store.has("b.out")


def test_a_hold_where_nothing_can_be_written_holds_nothing_up(tmp_path):
    (tmp_path / "artifacts").write_text("no folder")
    with ArtifactStore(tmp_path / "artifacts", key=KEY).hold() as hold:
        assert hold.lease is None


def test_what_comes_is_refused_where_all_else_is_worth_more(tmp_path):
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=250_000)
    store.order = lambda kept, need, incoming: None
    store.put("a.out", noise(20_000))
    with pytest.raises(CatalogError, match="does not fit the quota"):
        store.put("b.out", noise(20_000))
    assert store.has("a.out")


def test_a_budget_holds_without_locks_of_the_kernel_too(tmp_path, monkeypatch):
    monkeypatch.setattr(Lease, "kernel", False)
    store = ArtifactStore(tmp_path, key=KEY, quota_bytes=250_000)
    for i in range(6):
        store.put(f"a{i}.out", noise(12_500))
    assert store.has("a5.out") and store.bytes_used() <= 250_000


def test_protected_keys_stay(tmp_path):
    store = ArtifactStore(tmp_path, key=KEY)
    for name in "abc":
        store.put(f"{name}.out", noise(20_000))
    assert set(store.evict(0, protect={"b.out"})) == {"a.out", "c.out"}


def test_a_full_disk_leaves_a_clear_error_and_nothing_behind(store, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CatalogError, match="No space left on device"):
        store.put("aa.out", np.zeros(10))
    monkeypatch.undo()
    assert not store.has("aa.out")
    assert [p.name for p in store.folder.rglob("*") if p.is_file() and p.name != "used"] == []


def test_a_file_size_limit_leaves_a_clear_error(tmp_path):
    code = (
        "import resource, sys, numpy as np\n"
        "from mileage.catalog import ArtifactStore\n"
        "from mileage.errors import CatalogError\n"
        "store = ArtifactStore(sys.argv[1], key=b'k' * 32)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "store.put('small.out', 1)\n"
        "try:\n    store.put('big.out', np.zeros(100_000))\n"
        "except CatalogError as error:\n    print(error.code, store.has('small.out'), store.has('big.out'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["C720", "True", "False"]


def test_leftovers_of_killed_writers_are_swept(store):
    store.put("aa.out", 1)
    left, writing = (store.folder / ".aside" / f"aa.out.{i}.part" for i in (1, 2))
    left.write_bytes(b"x")
    handle = store.room.reserve(writing, 100, "aa.out")
    store.sweep()
    assert not left.exists() and writing.stat().st_size == 100 and store.has("aa.out")
    os.close(handle)
    store.sweep()
    assert not writing.exists()


def write_many(store, seed):
    for i in range(30):
        store.put("aa.out", np.full(5000, seed * 100 + i, dtype=float), durable=False)


def test_many_processes_may_write_one_key_while_others_read(store):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(store, seed)) for seed in range(2)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        if store.has("aa.out"):
            got = store.get("aa.out")
            assert (got == got[0]).all()
            seen += 1
        time.sleep(0.001)
    assert all(writer.exitcode == 0 for writer in writers) and seen and not store.findings
    assert not list(store.folder.rglob("*.part"))


def test_a_store_travels_to_workers(store):
    store.put("aa.out", Made("x", np.arange(3.0)))
    assert pickle.loads(pickle.dumps(store)).get("aa.out").kind == "x"


def test_the_projects_key_is_private_and_made_once(tmp_path):
    project = Project.open(tmp_path)
    assert project.secret() == Project.open(tmp_path).secret()
    assert (project.path / "key").stat().st_mode & 0o777 == 0o600


def _texts(n: int) -> pd.DataFrame:
    words = [None if i % 7 == 3 else f"é{i % 5}" * (i % 4) for i in range(n)]
    return pd.DataFrame({"w": pd.array(words, dtype="str"), "x": np.arange(float(n)), "b": np.arange(n) % 2 == 0})


@pytest.mark.parametrize(
    "made",
    [
        _texts(40)[_texts(40)["x"] > 5],
        _texts(40).iloc[3:17],
        _texts(40).iloc[::-1],
        _texts(40).set_index("w"),
        _texts(9).rename_axis("row"),
        _texts(40).iloc[:0],
        _texts(40)[[]],
        pd.concat([_texts(5), _texts(6)]),
        pd.DataFrame({"t": pd.to_datetime(["2020-01-01", None]).astype("datetime64[us]")}),
    ],
    ids=["filtered", "slice", "reversed", "text index", "named index", "no rows", "no columns", "twice", "times"],
)
def test_frames_and_series_of_any_plain_index_are_read_without_a_pickle(store, made):
    for i, value in enumerate([made, *(made[name] for name in made.columns)]):
        encoded = encode(value)
        assert encoded.format == "columns"
        store.put(f"a{i}.out", value)
        same = pd.testing.assert_frame_equal if isinstance(value, pd.DataFrame) else pd.testing.assert_series_equal
        same(store.get(f"a{i}.out"), value, check_exact=True, check_index_type="exact")


@pytest.mark.parametrize(
    "made",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(20)[::3],
        np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
        np.float64(3.5).reshape(()),
        np.empty((0, 5), "f4"),
        np.array(["é", "bc"]),
        np.array([b"a", b"bc"]),
        np.array(["2020-01-01", "NaT"], "datetime64[D]"),
        np.array([1, 2], "timedelta64[s]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([1 + 2j]),
    ],
    ids=lambda made: f"{made.dtype.str}{made.shape}",
)
def test_arrays_of_any_layout_come_back_as_they_were(store, made):
    store.put("aa.out", made)
    got = store.get("aa.out")
    assert (got.dtype, got.shape) == (made.dtype, made.shape)
    np.testing.assert_array_equal(got, made)
    assert got.flags.f_contiguous or not made.flags.f_contiguous
