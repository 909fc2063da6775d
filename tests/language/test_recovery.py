"""Mistakes: one report each, with the right fix first, and never a traceback."""

from __future__ import annotations

import random
import time

import pytest
from examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from mileage.errors import ParseError
from mileage.language import check, parse
from mileage.language.automaton import automaton
from mileage.language.scan import scan

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SEEDED = 400


def _typo(rng: random.Random, word: str) -> str:
    while True:
        at, letter = rng.randrange(len(word)), rng.choice(LETTERS)
        head, tail = word[:at], word[at + 1 :]
        made = rng.choice(
            [head + tail, head + letter + word[at:], head + letter + tail, head + tail[:1] + word[at] + tail[1:]]
        )
        if made not in ("", word):
            return made


def test_one_letter_typos_get_one_report_with_the_right_fix_first(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(7)
    spots = []
    for text in EXAMPLES:
        tokens = (step.token for step in scan(automaton(), text).steps)
        spots += [(text, token) for token in tokens if token.text.isalpha() and token.kind not in ("IDENT", "UNIT")]
    right = 0
    for _ in range(SEEDED):
        text, token = rng.choice(spots)
        wrong = text[: token.start] + _typo(rng, token.text) + text[token.end :]
        problems = check(wrong)
        right += (
            len(problems) == 1 and bool(problems[0].fixes) and problems[0].fixes[0].apply(wrong).split() == text.split()
        )
    with capsys.disabled():
        print(f"\ntypos: {right} of {SEEDED} have exactly one report with the right fix first")
    assert right >= 0.95 * SEEDED


PINNED = {
    "PREDICT y FROM t KNOWNG a IS TEXT": [("E101", "unknown word KNOWNG", "KNOWING")],
    "PREDICT y FORM t BUDGT 2 min": [("E101", "unknown word FORM", "FROM"), ("E101", "unknown word BUDGT", "BUDGET")],
    "PREDICT y FROM t BUDGET 10 mins SEED 7": [("E104", "unknown unit mins", "min")],
    "PREDICT y FROM t BUDGET 10minutes": [("E104", "unknown unit minutes", " min")],
    "PREDICT y FROM 'a.csv BUDGET 1 min": [("E103", "this ' is never closed", "'")],
    "PREDICT y FROM a.csv BUDGET 1 min": [("E103", "a file is named in quotes: a.csv", "'a.csv'")],
    "PREDICT y FROM (SELECT * FROM t BUDGET 1 min": [("E103", "the ( that opens this SQL is never closed", ")")],
    "PREDICT y WITH M = knn(n = 3 SEED 1": [("E103", "a ')' is missing before SEED", ")")],
    "PREDICT y WITH M = knn(n = 3": [("E103", "this ( is never closed", ")")],
    "PREDICT y FROM t PREFER fast interpretable": [("E107", "a ',' is missing before interpretable", ",")],
    "PREDICT y FROM t VALIDATE 5 FOLDS": [("E107", "BY is missing before 5", "BY ")],
    "PREDICT y REQUIRE recall => 0.9": [("E107", "=> is no sign here", ">=")],
    "PREDICT y FROM t SHOW history": [("E107", "a ';' is missing before SHOW", ";")],
    "PREDICT y BUDGET 1 min BUDGET 2 min": [("E105", "BUDGET may stand only once in a query", "")],
    "PREDICT y VALIDATE BY 2.5 FOLDS": [("E104", "FOLDS needs a whole number, not 2.5", "2")],
    "PREDICT": [("E102", "the text ends too early: expected a name", None)],
    "PREDICT y BUDGET": [("E102", "the text ends too early: expected a number, PATIENCE or UNTIL", None)],
}


@pytest.mark.parametrize("text", PINNED)
def test_reports_say_what_is_wrong_and_what_to_write(text: str) -> None:
    found = [(d.code, d.message, d.fixes[0].text if d.fixes else None) for d in check(text)]
    assert found == PINNED[text]


def test_a_report_shows_the_line_and_the_fix() -> None:
    with pytest.raises(ParseError) as caught:
        parse("PREDICT y FROM t\nKNOWNG a IS TEXT")
    assert str(caught.value) == (
        "error[E101]: unknown word KNOWNG\n  --> query:2:1\n 2 | KNOWNG a IS TEXT\n   | ^^^^^^ did you mean KNOWING?"
    )


def test_a_fix_makes_the_text_parse() -> None:
    for text in PINNED:
        problems = check(text)
        if len(problems) == 1 and problems[0].fixes:
            assert check(problems[0].fixes[0].apply(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "PREDICT y WITH M = " + "(" * 5000 + "a" + ")" * 5000,
        "PREDICT " + "a," * 50_000,
        "'" * 9999,
        "/*" * 9999,
        "PREDICT y FROM (" + "(" * 5000,
        "\x00" * 100,
        "PREDICT y SEED " + "9" * 10_000,
        "PREDICT y SEED 1e999",
        "PREDICT y KNOWING " + "age IS BLUE, " * 8000,
    ],
    ids=lambda text: text[:20],
)
def test_monstrous_texts_end_in_reports(text: str) -> None:
    begun = time.monotonic()
    assert check(text)
    assert time.monotonic() - begun < 20


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_text_parses_or_is_reported(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(EXAMPLES), st.randoms(use_true_random=False))
def test_damaged_examples_parse_or_are_reported(text: str, rng: random.Random) -> None:
    letters = list(text)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(letters))
        letters[at : at + rng.randrange(4)] = rng.choice(
            ["", "'", '"', "(", ")", ",", "=", "#", "E", "1", " ", ".", "{"]
        )
        letters = letters or ["x"]
    damaged = "".join(letters)
    for problem in check(damaged):
        assert problem.span is None or 0 <= problem.span.start <= problem.span.end <= len(damaged)
