"""Edits for what people write out of habit: words of SQL and Python, other brackets and quotes, another order.

They are candidates as those of :mod:`mileage.language.candidates`, and compete with them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mileage.language.candidate import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mileage.language.automaton import Automaton
    from mileage.language.scan import Step, Trace

CLAUSE_WORDS = frozenset({
    "FROM", "FEATURES", "EXCLUDING", "VALIDATE", "OPTIMIZE", "KNOWING", "USING", "PREFER", "REQUIRE", "BUDGET", "WITH",
    "WITHOUT", "REUSE", "RETURN", "SEED", "NAMED", "HINT",
})  # fmt: skip
_SYNONYMS = {
    "EXCEPT": "EXCLUDING", "EXCLUDE": "EXCLUDING", "IGNORE": "EXCLUDING", "IGNORING": "EXCLUDING",
    "MAXIMIZE": "OPTIMIZE", "MINIMIZE": "OPTIMIZE", "METRIC": "OPTIMIZE", "EVALUATE": "VALIDATE", "USE": "WITH",
    "LIMIT": "BUDGET", "WITHIN": "BUDGET", "KNOW": "KNOWING", "GIVEN": "KNOWING", "COLUMNS": "FEATURES",
    "BINARY": "CLASSIFICATION", "MULTICLASS": "CLASSIFICATION", "CLASS": "CLASSIFICATION",
    "CATEGORY": "CATEGORICAL", "NOMINAL": "CATEGORICAL", "NUMBER": "NUMERIC", "ID": "IDENTIFIER", "KEY": "IDENTIFIER",
    "LEAKAGE": "LEAKY", "USELESS": "IRRELEVANT", "ORDERED": "ORDINAL", "DESCRIBE": "EXPLAIN", "SAVE": "EXPORT",
    "MODELS": "WORKFLOWS", "RESULTS": "WORKFLOWS", "STRATIFY": "STRATIFIED", "CV": "FOLDS", "FOLD": "FOLDS",
}  # fmt: skip
# What a word that has no place here is meant to do, and where MILEAGE does it.
ALIENS = {
    "WHERE": "rows are chosen in SQL: FROM (SELECT * FROM 'file.csv' WHERE ...)",
    "JOIN": "tables are joined in SQL: FROM (SELECT ... FROM a JOIN b USING (id))",
    "GROUP": "rows are grouped in SQL: FROM (SELECT ... GROUP BY ...)",
    "ORDER": "rows are ordered in SQL, or by VALIDATE BY 5 FOLDS IN ORDER OF column",
    "AS": "the task stands right after the column: PREDICT y AS CLASSIFICATION FROM ...",
    "SELECT": "SQL stands in parentheses: PREDICT column FROM (SELECT ...)",
    "FROM": "a query begins with PREDICT column, then FROM",
    "HELP": "a query looks so: PREDICT column FROM 'file.csv' BUDGET 1 min",
}
_SMART = "“”„‟\u2018\u2019\u201a\u201b«»"
_SMART_TEXT = re.compile(rf"[{_SMART}]([^{_SMART}'\"\n]*)[{_SMART}'\"]")
_NAME = re.compile(r"[^\W\d]\w*")
_CLAUSE = re.compile(rf"\b({'|'.join(sorted(CLAUSE_WORDS))})\b|;", re.IGNORECASE)
_IN_SET = re.compile(r"IN\s*[\[{(]([^\]})]*)[\]})]", re.IGNORECASE)
_TASKS = frozenset({"CLASSIFICATION", "REGRESSION", "RANKING", "FORECAST", "QUANTILES"})
_PAIRS = {"[": "]", "(": ")", "{": "}"}


def habits(machine: Automaton, text: str, trace: Trace) -> Iterator[Candidate]:
    """Yield edits to try, in no order."""
    bad = trace.bad
    assert bad is not None
    yield from _smart_quotes(text, bad)
    yield from _synonyms(bad)
    yield from _names(machine, bad)
    yield from _brackets(text, trace, bad)
    yield from _bare_select(text, trace, bad)
    yield from _ranges(machine, text, trace, bad)
    yield from _joints(machine, trace, bad)
    yield from _order(machine, text, trace, bad)
    yield from _no_target(trace)


def _smart_quotes(text: str, bad: Step) -> Iterator[Candidate]:
    """``“a.csv”`` becomes ``'a.csv'``, or a name where a name stands."""
    match = _SMART_TEXT.match(text, bad.token.start) if bad.token.text[:1] in tuple(_SMART) else None
    if match is None:
        return
    inside, place = match[1], (match.start(), match.end())
    message = f"{match.group()} has typographic quotes"
    named = inside if _NAME.fullmatch(inside) else '"' + inside + '"'
    for written, cost in ((f"'{inside}'", 0.3), (named, 0.35)):
        yield Candidate(*place, written, "E103", message, cost, place)


def _synonyms(bad: Step) -> Iterator[Candidate]:
    word = _SYNONYMS.get(bad.token.text.upper())
    if word is not None:
        place = (bad.token.start, bad.token.end)
        yield Candidate(*place, word, "E101", f"unknown word {bad.token.text}", 0.6, place)


def _names(machine: Automaton, bad: Step) -> Iterator[Candidate]:
    """``w1`` for ``@w1``, ``k1`` for ``#k1``, ``'y'`` for the column ``y``, and a REFINE that names no query."""
    token, place = bad.token, (bad.token.start, bad.token.end)
    if token.kind == "STRING" and machine.feed(bad.stack, "IDENT") and not machine.feed(bad.stack, "STRING"):
        inside = token.text[1:-1]
        named = inside if _NAME.fullmatch(inside) else '"' + inside + '"'
        message = f"a name stands here, and {token.text[:30]} is a text"
        yield Candidate(*place, named, "E107", message, 0.7, place)
    if not _NAME.fullmatch(token.text):
        return
    if machine.feed(bad.stack, "REF"):
        if re.fullmatch(r"(?i)[qws]\d+|last|best", token.text):
            yield Candidate(*place, f"@{token.text}", "E107", f"{token.text} lacks its @", 0.4, place)
        else:
            message = f"which query or workflow? a reference is missing before {token.text}"
            yield Candidate(token.start, token.start, "@last ", "E107", message, 1.5, place)
    if machine.feed(bad.stack, "HANDLE") and re.fullmatch(r"(?i)[kicp]\d+", token.text):
        yield Candidate(*place, f"#{token.text}", "E107", f"{token.text} lacks its #", 0.4, place)


def _brackets(text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """Parentheses where none stand, none where they must, and brackets of another kind."""
    token = bad.token
    close = _PAIRS.get(token.text)
    if close is not None:
        end = text.find(close, token.end, token.end + 2000)
        if end > 0:
            inside, place = text[token.end : end], (token.start, token.end)
            wanted = ((inside.strip(), 0.8), ("{" + inside + "}", 0.7), ("(" + inside + ")", 0.75))
            for written, cost in wanted:
                message = f"{token.text}{close} does not fit here"
                yield Candidate(token.start, end + 1, written, "E107", message, cost, place)
            yield from _alternatives(token.start, end + 1, "", inside, place)
    elif token.text.upper() == "IN" and (match := _IN_SET.match(text, token.start)):
        yield from _alternatives(*match.span(), "= ", match[1], (token.start, token.end))
    elif token.kind in ("IDENT", "QUOTED") and trace.steps and trace.steps[-1].token.kind in ("FEATURES", "HINT"):
        word = trace.steps[-1].token.text
        stops = [m.start() for m in _CLAUSE.finditer(text, token.end)][:12]
        for rank, stop in enumerate((*stops, len(text))):
            body = text[token.start : stop].rstrip()
            message = f"{word} wants its list in parentheses"
            place = (token.start, token.start + len(body))
            yield Candidate(*place, f"({body})", "E107", message, 0.9 + 0.01 * rank, place)


def _alternatives(start: int, end: int, head: str, inside: str, place: tuple[int, int]) -> Iterator[Candidate]:
    written = head + " | ".join(part.strip() for part in inside.split(","))
    yield Candidate(start, end, written, "E107", "alternatives are parted by |", 1.0, place)


def _bare_select(text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """``FROM SELECT ...`` without parentheses."""
    for step in trace.steps[:-4:-1]:
        if step.token.text.upper() != "SELECT":
            continue
        start = step.token.start
        stops = [
            m.start() for m in _CLAUSE.finditer(text, bad.token.start) if m.group().upper() not in ("FROM", "USING")
        ]
        for rank, stop in enumerate((*stops[:8], len(text))):
            body = text[start:stop].rstrip()
            place = (start, step.token.end)
            message = "SQL stands in parentheses"
            yield Candidate(start, start + len(body), f"({body})", "E103", message, 0.6 + 0.01 * rank, place)


def _ranges(machine: Automaton, text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """``1-10``, ``1:10``, ``1 to 10`` for ``1..10``."""
    if not machine.feed(bad.stack, "UP_TO") or not trace.steps:
        return
    match = re.compile(r"\s*(\.\.\.|-|:|\u2013|\bto\b|\band\b)\s*(?=[\d.+-])", re.IGNORECASE).match(
        text, trace.steps[-1].token.end
    )
    if match:
        place = (match.start(1), match.end(1))
        message = f"a range is written with .. and not with {match[1]}"
        yield Candidate(match.start(), match.end(), "..", "E107", message, 0.5, place)


def _joints(machine: Automaton, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """AND and OR between items, a comma between alternatives, and one that nothing follows."""
    place = (bad.token.start, bad.token.end)
    for word, sign, terminal in (("AND", ",", "COMMA"), ("OR", "|", "VBAR")):
        if bad.token.text.upper() == word and machine.feed(bad.stack, terminal):
            yield Candidate(*place, sign, "E107", f"write {sign} and not {bad.token.text} between these", 0.6, place)
    for at in range(len(trace.steps) - 1, max(-1, len(trace.steps) - 9), -1):
        token = trace.steps[at].token
        if token.text != ",":
            continue
        comma = (token.start, token.end)
        if machine.feed(trace.steps[at].stack, "VBAR"):
            message = "a , begins the next slot: alternatives are parted by |"
            yield Candidate(*comma, " |", "E107", message, 1.4, comma)
        after = trace.steps[at + 1].token if at + 1 < len(trace.steps) else bad.token
        if any(step.token.kind == after.text.upper() for step in trace.steps[:at][-40:]):
            message = f"{after.text} is said already: its items are parted by ,"
            yield Candidate(after.start, after.end, "", "E107", message, 0.7, (after.start, after.end))
        if after.text.upper() in CLAUSE_WORDS or after.text == ";":
            yield Candidate(*comma, "", "E107", "nothing follows this ,", 0.8, comma)
        return


def _order(machine: Automaton, text: str, trace: Trace, bad: Step) -> Iterator[Candidate]:
    """``FOLDS 5`` for ``5 FOLDS``, a task without AS, ``net income`` for ``"net income"``."""
    token = bad.token
    place = (token.start, token.end)
    if token.text.upper() in ("FOLDS", "FOLD", "WORKFLOWS"):
        match = re.compile(r"\s+(\d+)").match(text, token.end)
        if match:
            turned = f"{match[1]} {token.text}"
            message = f"the number stands first: {turned}"
            yield Candidate(token.start, match.end(), turned, "E107", message, 0.5, (token.start, match.end()))
    if token.text.upper() in _TASKS and machine.feed(bad.stack, "AS"):
        yield Candidate(token.start, token.start, "AS ", "E107", f"AS is missing before {token.text}", 0.6, place)
    before = trace.steps[-1].token if trace.steps else None
    if before is None or before.kind != "IDENT" or token.kind != "IDENT" or token.text.upper() in machine.words:
        return
    gap = text[before.end : token.start]
    if gap and not gap.strip(" "):
        both = f'"{before.text}{gap}{token.text}"'
        message = f"a name with a blank stands in double quotes: {both}"
        yield Candidate(before.start, token.end, both, "E107", message, 1.25, (before.start, token.end))


def _no_target(trace: Trace) -> Iterator[Candidate]:
    """``PREDICT FROM 'a.csv'``: FROM was read as the column."""
    kinds = [step.token for step in trace.steps[-2:]]
    if len(kinds) == 2 and kinds[0].kind == "PREDICT" and kinds[1].text.upper() == "FROM":
        place = (kinds[1].start, kinds[1].end)
        message = "no column to predict is named: it stands between PREDICT and FROM"
        hint = "for example PREDICT species FROM 'penguins.csv'"
        yield Candidate(kinds[1].start, kinds[1].start, "y ", "E107", message, 0.4, place, silent=True, hint=hint)
