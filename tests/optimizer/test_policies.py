"""Policies keep within a quota what saves most; what is worth more never leaves for what is worth less."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from mileage.optimizer.policies import Item, Known, Part, Policy, make_room, policies
from mileage.optimizer.policies.density import Density

MB = 1_000_000


def known(**items):
    return Known(items)


def chain():
    """Return read (kept) → clean → fit."""
    return known(
        read=Item(10.0, 50 * MB, kept=True, last_used=1.0),
        clean=Item(1.0, 50 * MB, ("read",), last_used=2.0),
        fit=Item(5.0, MB, ("clean",), Part.LEARNING, last_used=3.0),
    )


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "policies.py"
    spec = importlib.util.spec_from_file_location("benchmark_policies", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_each_policy_is_found_by_its_name():
    assert policies.names() == ("all", "density", "helix", "lima", "lru", "none")


def test_computing_again_counts_what_is_not_kept_upstream_only():
    k = chain()
    assert k.again_s("fit") == pytest.approx(6.0 + k.items["read"].load_s)
    k.items["clean"].kept = True
    assert k.again_s("fit") == pytest.approx(5.0 + k.items["clean"].load_s)
    k.items["clean"].kept = k.items["read"].kept = False
    assert k.again_s("fit") == k.whole_s("fit") == 16.0


def test_a_shared_ancestor_counts_once():
    k = known(a=Item(4.0), b=Item(1.0, 0, ("a",)), c=Item(1.0, 0, ("a",)), d=Item(1.0, 0, ("b", "c")))
    assert k.again_s("d") == k.whole_s("d") == 7.0


def test_density_wants_what_saves_more_than_its_write_and_all_that_is_small():
    k = known(cheap=Item(0.05, 100 * MB), dear=Item(5.0, 100 * MB), metric=Item(0.0001, 100))
    density = policies.get("density")
    assert [density.wants(k, name) for name in k.items] == [False, True, True]


def test_superseded_results_are_worth_the_chance_to_go_back_and_less_with_every_version():
    k = known(**{f"v{age}": Item(5.0, MB, age=age) for age in range(3)})
    scores = [Density().score(k, name) for name in k.items]
    assert scores[0] > scores[1] and scores[2] == pytest.approx(0.6 * scores[1])
    k.undo *= 2
    assert Density().score(k, "v1") == pytest.approx(2 * scores[1])


def test_what_is_packed_takes_less_room_and_longer_to_read():
    k = known(plain=Item(5.0, 50 * MB, disk_bytes=50 * MB), packed=Item(5.0, 50 * MB, disk_bytes=5 * MB, small=True))
    plain, packed = k.items.values()
    assert packed.load_s > plain.load_s and packed.write_s > plain.write_s
    assert Density().score(k, "packed") > 5 * Density().score(k, "plain")


def test_small_results_leave_after_all_others():
    k = known(metric=Item(0.001, 100, kept=True), frame=Item(100.0, MB, kept=True), new=Item(1000.0, MB))
    assert make_room(Density(), k, MB, incoming="new") == ["frame"]


def test_models_and_predictions_are_small_in_proportion_to_the_quota():
    k = Known({"model": Item(0.1, MB, part=Part.LEARNING), "frame": Item(0.1, MB)}, quota_bytes=1000 * MB)
    assert k.is_small("model") and not k.is_small("frame")


def test_the_least_dense_leaves_and_nothing_is_changed_by_asking():
    k = known(
        light=Item(1.0, 50 * MB, kept=True), dense=Item(10.0, 50 * MB, kept=True), new=Item(5.0, 50 * MB)
    )  # fmt: skip
    assert make_room(Density(), k, 10 * MB, incoming="new") == ["light"]
    assert k.items["light"].kept and k.items["dense"].kept


def test_what_is_worth_more_does_not_leave():
    k = known(dense=Item(10.0, 50 * MB, kept=True), new=Item(1.0, 50 * MB))
    assert make_room(Density(), k, 50 * MB, incoming="new") is None


def test_what_a_plan_still_loads_stays():
    k = known(a=Item(0.1, 50 * MB, kept=True), b=Item(0.2, 50 * MB, kept=True), new=Item(50.0, 50 * MB))
    assert make_room(Density(), k, 50 * MB, incoming="new", stays={"a"}) == ["b"]
    assert make_room(Density(), k, 60 * MB, incoming="new", stays={"a"}) is None


def test_a_result_is_worth_more_once_what_it_rests_on_has_left():
    k = known(
        a=Item(3.0, 100 * MB, kept=True, reuse=0.1),
        b=Item(0.35, 20 * MB, ("a",), kept=True),
        new=Item(900.0, 100 * MB),
    )
    before = Density().score(k, "b")
    k.items["a"].kept = False
    assert Density().score(k, "b") > 5 * before


def test_lru_lets_go_what_was_used_longest_ago():
    k = known(old=Item(9.0, MB, kept=True, last_used=1.0), new=Item(0.1, MB, last_used=2.0))
    assert make_room(policies.get("lru"), k, MB, incoming="new") == ["old"]


def test_lima_counts_own_cost_and_uses():
    k = known(a=Item(1.0, MB, kept=True, hits=5), b=Item(2.0, MB, kept=True), new=Item(9.0, MB))
    assert make_room(policies.get("lima"), k, MB, incoming="new") == ["b"]


def test_helix_lets_go_what_is_superseded_only():
    k = known(now=Item(0.1, MB, kept=True), old=Item(9.0, MB, kept=True, age=1), new=Item(9.0, MB))
    helix = policies.get("helix")
    assert make_room(helix, k, MB, incoming="new") == ["old"]
    k.items["old"].kept = False
    assert make_room(helix, k, MB, incoming="new") is None


def test_all_and_none_are_what_they_say():
    k = known(a=Item(0.1, MB, kept=True), new=Item(9.0, MB))
    assert policies.get("all").wants(k, "new") and make_room(policies.get("all"), k, MB, incoming="new") is None
    assert not policies.get("none").wants(k, "new")


@pytest.mark.parametrize("policy", list(policies), ids=lambda policy: policy.name)
def test_no_policy_keeps_more_than_its_budget_or_costs_more_than_keeping_nothing(benchmark, policy: Policy):
    versions = benchmark.trace(1, benchmark.MIXES["mixed"])
    nothing = benchmark.Simulation(policies.get("none"), None).run(versions)
    quota = benchmark.RUN_BYTES // 4
    made = benchmark.Simulation(policy, quota)
    assert made.run(versions) <= nothing and made.most_bytes <= quota


def test_more_budget_never_costs_more(benchmark):
    table = {}
    traces = [benchmark.trace(seed, benchmark.MIXES["mixed"]) for seed in range(4)]
    for share in (0.05, 0.25, 1.0):
        quota = int(share * benchmark.RUN_BYTES)
        table[str(share)] = sum(benchmark.Simulation(Density(), quota).run(versions) for versions in traces)
    assert benchmark.rises(table) <= 0.02
