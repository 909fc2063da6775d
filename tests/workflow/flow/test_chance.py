"""Only what really has no seed is noticed, wherever it is drawn."""

# ruff: noqa: NPY002, PLW0108  (the old ways are what is tested, and their names change while a watch is on)

from __future__ import annotations

import copy
import pickle
import random
import tempfile
import threading

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, train_test_split

from mileage.workflow.flow.audit import watching

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2


def noticed(draw):
    with watching() as watch:
        draw()
    return {notice.what for notice in watch.notices()}


def in_a_thread(draw):
    def run():
        thread = threading.Thread(target=draw)
        thread.start()
        thread.join()

    return run


def seeded_global():
    np.random.seed(0)
    random.seed(0)
    np.random.rand()
    random.random()


def seeded_late():
    np.random.rand()
    np.random.seed(0)


def forest(seed):
    return lambda: RandomForestClassifier(n_estimators=2, random_state=seed).fit(X, Y)


SEEDED = {
    "RandomState": lambda: np.random.RandomState(0).rand(),
    "RandomState of an array": lambda: np.random.RandomState([1, 2]).rand(),
    "RandomState of a generator": lambda: np.random.RandomState(np.random.PCG64(1)).rand(),
    "RandomState seeded at once": lambda: np.random.RandomState().seed(3),
    "default_rng": lambda: np.random.default_rng(0).random(),
    "spawned": lambda: np.random.default_rng(0).spawn(2)[1].random(),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(1)).random(),
    "SeedSequence": lambda: np.random.SeedSequence(5).spawn(2)[0].generate_state(2),
    "copy": lambda: pickle.loads(pickle.dumps(np.random.RandomState(0))).rand(),
    "copy of a generator": lambda: copy.deepcopy(np.random.default_rng(0)).random(),
    "global seeded first": seeded_global,
    "Random": lambda: random.Random(0).random(),
    "train_test_split": lambda: train_test_split(X, random_state=0),
    "shuffled folds": lambda: list(KFold(2, shuffle=True, random_state=0).split(X)),
    "plain folds": lambda: list(KFold(2).split(X)),
    "make_blobs": lambda: make_blobs(random_state=0),
    "forest": forest(0),
    "forest in threads": lambda: RandomForestClassifier(n_estimators=4, n_jobs=2, random_state=0).fit(X, Y),
    "thread": in_a_thread(lambda: np.random.RandomState(0).rand()),
    "name of a temporary file": lambda: tempfile.NamedTemporaryFile().close(),
    "no numbers": lambda: None,
}
GENERATOR = "makes a generator of numpy.random without a seed"
GLOBAL = "draws random numbers of numpy.random without a seed"
UNSEEDED = {
    "RandomState": (lambda: np.random.RandomState().rand(), GENERATOR),
    "RandomState between others": (
        lambda: [np.random.RandomState(seed) for seed in (0, None, 1)],
        GENERATOR,
    ),
    "RandomState whose numbers are used up": (lambda: np.random.RandomState(None).rand(2000), GENERATOR),
    "default_rng": (lambda: np.random.default_rng().random(), GENERATOR),
    "MT19937": (lambda: np.random.Generator(np.random.MT19937()).random(), GENERATOR),
    "SeedSequence": (lambda: np.random.SeedSequence().generate_state(1), GENERATOR),
    "global": (lambda: np.random.rand(), GLOBAL),
    "global of Python": (lambda: random.random(), "draws random numbers of random without a seed"),
    "seed after draw": (seeded_late, GLOBAL),
    "seed of None": (lambda: np.random.seed(), GLOBAL),
    "Random": (lambda: random.Random().random(), "makes a generator of random without a seed"),
    "train_test_split": (lambda: train_test_split(X), GLOBAL),
    "make_blobs": (lambda: make_blobs(random_state=None), GLOBAL),
    "forest": (forest(None), GLOBAL),
    "default_rng in a thread": (in_a_thread(lambda: np.random.default_rng().random()), GENERATOR),
    "RandomState in a thread": (in_a_thread(lambda: np.random.RandomState().rand()), GENERATOR),
    "Random in a thread": (in_a_thread(lambda: random.Random()), "makes a generator of random without a seed"),
}


@pytest.mark.parametrize("name", SEEDED)
def test_what_has_a_seed_is_not_noticed(name):
    assert noticed(SEEDED[name]) == set()


@pytest.mark.parametrize("name", UNSEEDED)
def test_what_has_no_seed_is_noticed(name):
    draw, what = UNSEEDED[name]
    assert what in noticed(draw)


def test_numbers_are_the_same_with_and_without_a_watch():
    def draw():
        return np.random.RandomState(7).rand(3).tolist(), train_test_split(X, random_state=1)[0].tolist()

    with watching():
        watched = draw()
    assert draw() == watched


def test_libraries_are_as_before_when_the_last_watch_ends():
    before = (
        np.random.seed,
        np.random.bit_generator.randbits,
        np.random.mtrand._MT19937,
        random.Random.seed,
        random.seed,
    )
    with watching(), watching():
        pass
    after = (
        np.random.seed,
        np.random.bit_generator.randbits,
        np.random.mtrand._MT19937,
        random.Random.seed,
        random.seed,
    )
    assert after == before


def test_a_watch_hears_on_when_another_in_a_thread_has_ended():
    started, ended = threading.Event(), threading.Event()

    def other():
        with watching():
            started.set()
            ended.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    started.wait(10)
    with watching() as watch:
        ended.set()
        thread.join()
        np.random.default_rng()
    assert [notice.what for notice in watch.notices()] == [GENERATOR]
