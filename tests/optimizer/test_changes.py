"""What is changed often is expected to change; what is read then is what readers of the change need."""

from __future__ import annotations

import pytest

from mileage.optimizer.changes import ChangeModel, expected_reads
from mileage.optimizer.policies import Part

PARTS = {"clean": Part.PREPROCESSING, "fit": Part.LEARNING, "score": Part.POSTPROCESSING}
INPUTS = {"clean": (), "fit": ("clean",), "score": ("fit",)}


def test_chances_add_up_and_start_from_the_parts():
    chances = ChangeModel().chances(PARTS)
    assert sum(chances.values()) == pytest.approx(1.0)
    assert chances["fit"] > chances["score"] > chances["clean"]


def test_a_history_moves_the_chances_of_a_step_and_of_its_part():
    model = ChangeModel()
    for _ in range(8):
        model.observe(["clean"])
    parts = {**PARTS, "join": Part.PREPROCESSING}
    chances = model.chances(parts)
    assert chances["clean"] > 0.5 and chances["join"] > 0.01
    assert chances["clean"] > 3 * ChangeModel().chances(parts)["clean"]


def test_older_changes_count_less():
    model = ChangeModel()
    model.observe(["clean"])
    for _ in range(10):
        model.observe(["fit"])
    assert model.steps["clean"] == pytest.approx(0.9**10)


def test_undoing_is_learned():
    model = ChangeModel()
    before = model.undo
    model.observe(["fit"], undo=True)
    assert model.undo > before
    for _ in range(20):
        model.observe(["fit"])
    assert model.undo < before


def test_what_a_likely_change_reads_is_expected_to_be_read():
    reads = expected_reads(INPUTS, {"clean": 0.0, "fit": 1.0, "score": 0.0}, {"score"}, undo=0.0)
    assert reads["clean"] == pytest.approx(1 / (1 - 0.75)) and reads["fit"] == 0.0 and reads["score"] == 0.0
    reads = expected_reads(INPUTS, {"clean": 0.0, "fit": 0.0, "score": 1.0}, {"score"}, undo=0.0)
    assert reads["fit"] > 0 and reads["clean"] == 0.0


def test_what_may_be_undone_is_read_again():
    chances = {"clean": 1.0, "fit": 0.0, "score": 0.0}
    assert expected_reads(INPUTS, chances, {"score"}, 0.0)["fit"] == 0.0
    assert expected_reads(INPUTS, chances, {"score"}, 0.3)["fit"] > 0.0


def test_a_flow_too_large_to_look_at_pairs_expects_the_same_of_all():
    inputs = {str(i): (str(i - 1),) if i else () for i in range(1000)}
    assert set(expected_reads(inputs, {}, (), 0.1).values()) == {0.7}


def test_the_part_is_known_as_older_catalogs_wrote_it() -> None:
    assert Part("postprocessing") is Part.POSTPROCESSING
    with pytest.raises(ValueError, match="not a valid Part"):
        Part("reporting")
