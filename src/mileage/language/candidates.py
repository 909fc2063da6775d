"""Edits that may mend a text at the token where parsing stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.core.units import UNITS
from mileage.language.automaton import END
from mileage.language.candidate import Candidate
from mileage.language.habits import CLAUSE_WORDS, habits
from mileage.language.lexer import BAD, Token, sql_open_quote
from mileage.language.near_words import near_keywords, near_units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mileage.language.automaton import Automaton
    from mileage.language.scan import Step, Trace

_WORD = re.compile(r"[^\W\d]\w*")
_SIGNS = {"==": "=", "=>": ">=", "=<": "<=", "≥": ">=", "≤": "<=", ":=": "=", "->": ">>", "||": "|"}
_CLOSERS = {"(": ")", "{": "}"}
# Words that begin a clause of ours and are no words of SQL, so an open SELECT may end before them.
_AFTER_SQL = re.compile(
    r"\b(VALIDATE|OPTIMIZE|KNOWING|PREFER|REQUIRE|BUDGET|EXCLUDING|FEATURES|WITHOUT|REUSE|SEED|NAMED|HINT|BECAUSE)\b",
    re.IGNORECASE,
)


def candidates(machine: Automaton, text: str, trace: Trace) -> Iterator[Candidate]:
    """Yield edits to try, in no order."""
    bad = trace.bad
    assert bad is not None
    yield from _typos(machine, trace, bad)
    yield from _units(machine, trace, bad)
    yield from _signs(text, bad)
    yield from _unclosed(text, trace, bad)
    yield from _closers(trace, bad)
    yield from _bare_path(text, trace, bad)
    yield from habits(machine, text, trace)
    if bad.token.kind == END:
        yield from _ended(machine, trace, bad)
    else:
        yield from _inserted(machine, trace, bad)
        yield from _stand_ins(machine, bad)
        yield _removed(bad.token)


def _typos(machine: Automaton, trace: Trace, bad: Step) -> Iterator[Candidate]:
    keywords = tuple(sorted({part for word in machine.words for part in word.split()}))
    for back, step in enumerate((bad, *trace.steps[:-3:-1])):
        token = step.token
        if not _WORD.fullmatch(token.text) or (bad.token.kind == END and token.kind != "IDENT"):
            continue
        extra = 0.1 * back + (0.0 if token.kind == "IDENT" else 0.9)
        for far, keyword in near_keywords(token.text, keywords):
            # A changed first letter is the rarest slip; it settles ties such as AS / IS.
            cost = far + extra + (0.2 if keyword[0] != token.text[0].upper() else 0.0)
            yield Candidate(
                token.start, token.end, keyword, "E101", f"unknown word {token.text}", cost, (token.start, token.end)
            )


def _units(machine: Automaton, trace: Trace, bad: Step) -> Iterator[Candidate]:
    token = bad.token
    if not trace.steps or trace.steps[-1].token.kind != "NUMBER" or not _WORD.fullmatch(token.text):
        return
    if machine.feed(bad.stack, "UNIT") is None:
        return
    number = trace.steps[-1].token
    message = f"unknown unit {_cut(token.text)}"
    for unit in near_units(token.text):
        start = number.end if unit == "%" else token.start
        glued = " " if number.end == token.start and unit != "%" else ""
        yield Candidate(start, token.end, glued + unit, "E104", message, 0.4, (token.start, token.end))
    if not near_units(token.text):
        place = (token.start, token.end)
        hint = f"units: {', '.join(UNITS)}"
        yield Candidate(*place, "", "E104", message, 2.1, place, silent=True, hint=hint)


def _signs(text: str, bad: Step) -> Iterator[Candidate]:
    for start in (bad.token.start - 1, bad.token.start):
        for wrong, right in _SIGNS.items():
            if start >= 0 and text.startswith(wrong, start):
                place = (start, start + len(wrong))
                yield Candidate(*place, right, "E107", f"{wrong} is no sign here", 0.5, place)


def _unclosed(text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    token = bad.token
    if token.kind == BAD and token.text in ("'", '"'):
        yield from _close_quote(text, token)
    elif token.kind == BAD and token.text == "(":
        stops = [match.start() for match in _AFTER_SQL.finditer(text, token.end)][:20]
        message = "the ( that opens this SQL is never closed"
        for stop in (*stops, len(text)):
            at = len(text[:stop].rstrip().rstrip(";")) if stop == len(text) else len(text[:stop].rstrip())
            # Inside an unclosed string or comment a closer does not help, and the next stop is tried.
            yield Candidate(at, at, ")", "E103", message, 1.0 + stop / (len(text) + 1), (token.start, token.end))
        quote = sql_open_quote(text, token.start)
        if quote is not None:
            yield from _close_quote(text, Token(BAD, text[quote], quote, quote + 1))
    elif text.startswith("/*", token.start):
        yield Candidate(
            len(text), len(text), "*/", "E103", "this comment is never closed", 0.5, (token.start, token.start + 2)
        )
    for step in (bad, *trace.steps[:-3:-1]):
        # A quote that was left open swallows the text up to the next one.
        if step.token.kind in ("STRING", "QUOTED") and re.search(r"\s", step.token.text):
            yield from _close_quote(text, step.token)


def _close_quote(text: str, token: Token) -> Iterator[Candidate]:
    sign = token.text[0]
    stops = [match.start() for match in re.compile(r"(?<=[^\s,;)(])(?=[\s,;)]|$)").finditer(text, token.start + 2)][:40]
    line_end = text.find("\n", token.start)
    ends = [len(text[:end].rstrip()) for end in {line_end, len(text)} if end > token.end]
    stops += [end for end in ends if end not in stops]
    for rank, stop in enumerate(stops):
        after_line = 1.0 if -1 < line_end < stop else 0.0
        cost = 1.0 + 0.01 * rank + after_line
        yield Candidate(stop, stop, sign, "E103", f"this {sign} is never closed", cost, (token.start, token.start + 1))


def _closers(trace: Trace, bad: Step) -> Iterator[Candidate]:
    opened: list[Token] = []
    for step in trace.steps:
        if step.token.text in _CLOSERS and step.token.kind != "SQL":
            opened.append(step.token)
        elif step.token.text in (")", "}") and opened:
            opened.pop()
    at = trace.steps[-1].token.end if trace.steps else 0
    text = ""
    for token in opened[::-1]:
        text += _CLOSERS[token.text]
        message = f"this {token.text} is never closed"
        yield Candidate(at, at, text, "E103", message, 1.1 + 0.1 * len(text), (token.start, token.end))
    if opened and bad.token.kind != END and bad.token.text in (")", "}"):
        right = _CLOSERS[opened[-1].text]
        place = (bad.token.start, bad.token.end)
        yield Candidate(*place, right, "E103", f"{bad.token.text} does not close {opened[-1].text}", 1.0, place)


def _bare_path(text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    if not trace.steps or bad.token.text[:1] not in tuple(".-:*/\\") or bad.token.kind == END:
        return
    before = trace.steps[-1].token
    start = before.start if before.kind == "IDENT" else bad.token.start
    while start > 0 and not text[start - 1].isspace() and text[start - 1] not in "(,;'":
        start -= 1
    match = re.compile(r"[^\s;,()']+").match(text, start)
    if match and match.end() > bad.token.start and re.search(r"[./\\]", match.group()):
        place = (start, match.end())
        message = f"a file is named in quotes: {_cut(match.group())}"
        yield Candidate(*place, f"'{match.group()}'", "E103", message, 0.8, place)


def _inserted(machine: Automaton, trace: Trace, bad: Step) -> Iterator[Candidate]:
    after = trace.steps[-1].token.end if trace.steps else 0
    token, place = bad.token, (bad.token.start, bad.token.end)
    accepted = machine.accepts(bad.stack)
    for terminal in accepted:
        for spelling in machine.spellings(terminal)[:3]:
            message = f"a '{spelling}' is missing before {_shown(token)}"
            if spelling in (",", ";", ")", "}"):
                code = "E103" if spelling in _CLOSERS.values() else "E107"
                yield Candidate(after, after, spelling, code, message, 1.2, place)
            elif _WORD.match(spelling):
                message = f"{spelling} is missing before {_shown(token)}"
                guess = spelling in CLAUSE_WORDS or spelling == "PREDICT"
                yield Candidate(token.start, token.start, f"{spelling} ", "E107", message, 2.5, place, guess=guess)
            else:
                text, cost = (spelling, 1.6) if spelling == "(" else (f"{spelling} ", 1.3 if spelling == "=" else 1.6)
                yield Candidate(token.start, token.start, text, "E107", message, cost, place)


def _ended(machine: Automaton, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """Yield the one word that must follow where the text ends."""
    at = trace.steps[-1].token.end if trace.steps else 0
    words = [w for t in machine.accepts(bad.stack) for w in machine.spellings(t) if _WORD.match(w)]
    for word in words if len(words) <= 3 else ():
        yield Candidate(
            at, at, f" {word}", "E102", f"{word} is missing at the end", 2.2, (bad.token.start, bad.token.end)
        )


def _stand_ins(machine: Automaton, bad: Step) -> Iterator[Candidate]:
    place = (bad.token.start, bad.token.end)
    if not _WORD.fullmatch(bad.token.text):
        return
    for terminal in machine.accepts(bad.stack):
        for spelling in machine.spellings(terminal)[:1]:
            if _WORD.match(spelling):
                yield Candidate(
                    *place, spelling, "E101", f"unknown word {_cut(bad.token.text)}", 2.6, place, silent=True
                )


def _removed(token: Token) -> Candidate:
    place = (token.start, token.end)
    if _WORD.fullmatch(token.text):
        # Reading goes on without the word; to drop a word is no advice.
        return Candidate(*place, "", "E101", f"unknown word {_shown(token)}", 2.2, place, silent=True)
    return Candidate(*place, "", "E107", f"unexpected {_shown(token)}", 2.2, place)


def _shown(token: Token) -> str:
    return "the end" if token.kind == END else _cut(token.text)


def _cut(text: str) -> str:
    text = text.split("\n", 1)[0]
    return text if len(text) <= 30 else f"{text[:30]}…"
