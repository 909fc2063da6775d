"""Repair and continue: one report for one mistake, then reading goes on.

At the token that does not fit, many small edits are tried (a close keyword in its place or in that of a neighbor, a
missing sign, a closing quote, ...). The edit after which the text parses furthest is reported and kept. If none helps,
the clause is blanked up to the next word that begins one, so that later mistakes are found as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mileage.core.diagnostics import Diagnostic, Fix
from mileage.core.spans import Span
from mileage.language.automaton import END, automaton
from mileage.language.candidate import Candidate
from mileage.language.candidates import candidates
from mileage.language.habits import ALIENS, CLAUSE_WORDS
from mileage.language.scan import MAX_DEPTH, Step, Trace, scan

if TYPE_CHECKING:
    from mileage.language.automaton import Automaton

MAX_PROBLEMS = 50
HORIZON = 40
_LANDMARK = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|(?P<mark>;|[^\W\d]\w*)""", re.DOTALL)
_PLACEHOLDERS = {"IDENT": "a name", "QUOTED": "", "STRING": "a string", "NUMBER": "a number", "SQL": "SQL in parentheses",
                 "REF": "a reference such as @q1", "HANDLE": "a handle such as #k1", "UNIT": "a unit",
                 "CMP": "one of >= <= > < =", END: "the end"}  # fmt: skip


@dataclass(slots=True)
class Repaired:
    """The text as edited so far, and the way back to places of the original."""

    text: str
    edits: list[tuple[int, int, int]] = field(default_factory=list)

    def edit(self, start: int, end: int, text: str) -> None:
        """Put ``text`` at ``[start, end)``."""
        self.text = self.text[:start] + text + self.text[end:]
        self.edits.append((start, end, len(text)))

    def original(self, at: int) -> int:
        """Return the place in the original text."""
        for start, end, length in reversed(self.edits):
            if at >= start + length:
                at += end - start - length
            elif at > start:
                at = min(at, end)
        return at

    def span(self, start: int, end: int) -> Span:
        """Return a place of the original text."""
        first = self.original(start)
        return Span(first, max(first, self.original(end)))

    def back(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a report with its places in the original text."""
        span = diagnostic.span and self.span(diagnostic.span.start, diagnostic.span.end)
        fixes = tuple(Fix(self.span(f.span.start, f.span.end), f.text) for f in diagnostic.fixes)
        return replace(diagnostic, span=span, fixes=fixes)


def repair(text: str, trace: Trace) -> tuple[Repaired, tuple[Diagnostic, ...]]:
    """Return the mended text and one report for each mistake; ``trace`` ends at the first one."""
    machine = automaton()
    mended = Repaired(text)
    problems: list[Diagnostic] = []
    while trace.bad is not None and len(problems) < MAX_PROBLEMS:
        choice = _best(machine, mended.text, trace)
        if choice:
            before = trace.steps[-1].token.text if trace.steps else ""
            wanted = expected(machine, trace.bad, before)
            problems.append(_report(mended, choice, wanted))
            first = choice[0]
            mended.edit(first.start, first.end, first.text)
            resume = _resume_at(trace, first.start)
        else:
            problems.append(mended.back(_unmended(machine, trace)))
            resume = _blank(machine, mended, trace)
        trace = _continued(machine, mended.text, trace, resume)
    return mended, tuple(problems)


def _continued(machine: Automaton, text: str, trace: Trace, resume: int) -> Trace:
    step = _steps(trace)[resume]
    at = trace.steps[resume - 1].token.end if resume else 0
    rest = scan(machine, text, at=at, stack=step.stack, depth=step.depth)
    return Trace((*trace.steps[:resume], *rest.steps), rest.bad)


def _steps(trace: Trace) -> tuple[Step, ...]:
    return trace.steps if trace.bad is None else (*trace.steps, trace.bad)


def _resume_at(trace: Trace, start: int) -> int:
    """Return the step from which an edit at ``start`` is read: one before it, as tokens may join."""
    at = len(trace.steps)
    while at > 0 and trace.steps[at - 1].token.end > start:
        at -= 1
    return max(0, at - 1)


def _best(machine: Automaton, text: str, trace: Trace) -> list[Candidate]:
    """Return the edits after which the text parses furthest, the cheapest first; none if no edit passes the bad token."""
    bad = trace.bad
    assert bad is not None
    if _too_deep(machine, bad):
        return []
    scored: list[tuple[float, float, Candidate]] = []
    for candidate in candidates(machine, text, trace):
        reach = _reach(machine, text, trace, candidate)
        if reach > bad.token.start or reach == float("inf"):
            scored.append((-reach, candidate.cost, candidate))
    if not scored:
        return []
    # The order in which candidates come is that of a hash table: ties are settled by the text.
    scored.sort(key=lambda item: (*item[:2], len(item[2].text), item[2].text))
    furthest, cost, first = scored[0]
    level = [c for reach, price, c in scored if reach == furthest and price <= cost + 0.95]
    if first.guess and sum(c.guess for c in level) > 1:
        return [replace(first, silent=True, message=f"unknown word {bad.token.text}", code="E101")]
    return [c for c in level if not c.guess or c is first][:3]


def _reach(machine: Automaton, text: str, trace: Trace, candidate: Candidate) -> float:
    edited = text[: candidate.start] + candidate.text + text[candidate.end :]
    resume = _resume_at(trace, candidate.start)
    step = _steps(trace)[resume]
    at = trace.steps[resume - 1].token.end if resume else 0
    found = scan(machine, edited, at=at, stack=step.stack, depth=step.depth, limit=HORIZON)
    if found.bad is None:
        # All of the horizon fits; a shorter edit must not win because it leaves room for one token more.
        return float("inf")
    if candidate.cost >= 2 and len(found.steps) < 4:
        # To drop or add a whole word is a poor guess unless a few more tokens fit after it.
        return -1
    return found.reach - (len(edited) - len(text))


def _report(mended: Repaired, choice: list[Candidate], wanted: str) -> Diagnostic:
    first = choice[0]
    if first.silent:
        hint = first.hint or _hint(first.message)
        message = first.message if first.hint else f"{first.message}: expected {wanted}"
        return Diagnostic(first.code, message, mended.span(*first.at), hint=hint)
    fixes: dict[tuple[int, int, str], Fix] = {}
    for candidate in (c for c in choice if not c.silent):
        span = mended.span(candidate.start, candidate.end)
        fixes.setdefault((span.start, span.end, candidate.text), Fix(span, candidate.text))
    return Diagnostic(first.code, first.message, mended.span(*first.at), tuple(fixes.values()), first.hint)


def _hint(message: str) -> str | None:
    """Return where MILEAGE says what a word of another language says."""
    return ALIENS.get(message.rsplit(" ", 1)[-1].upper())


def _too_deep(machine: Automaton, bad: Step) -> bool:
    return bad.depth >= MAX_DEPTH and machine.feed(bad.stack, bad.token.kind) is not None


def _unmended(machine: Automaton, trace: Trace) -> Diagnostic:
    bad = trace.bad
    assert bad is not None
    token = bad.token
    span = Span(token.start, token.end)
    if _too_deep(machine, bad):
        return Diagnostic(
            "E103", f"more than {MAX_DEPTH} parentheses are open here", span, (), "name a part, or write it flat"
        )
    wanted = expected(machine, bad, trace.steps[-1].token.text if trace.steps else "")
    if token.kind == END:
        return Diagnostic("E102", f"the text ends too early: expected {wanted}", span)
    text = token.text.split("\n", 1)[0][:30]
    if re.fullmatch(r"[^\W\d]\w*", text):
        message = f"unknown word {text}"
        return Diagnostic("E101", f"{message}: expected {wanted}", span, hint=_hint(message))
    return Diagnostic("E107", f"unexpected {text}: expected {wanted}", span)


# What a name stands for after a word: more help than "a name".
_NAMED = {
    "PREDICT": "the column to predict", "FROM": "a table", "OPTIMIZE": "a metric, such as accuracy",
    "THEN": "a metric, such as accuracy", "WITH": "a slot, such as MODEL = ...", "EXCLUDING": "a column",
    "SHOW": "what to show, such as leaderboard", "WITHOUT": "an operator, such as svm", "KNOWING": "a column",
    "PREFER": "a wish, such as interpretable", "PIN": "a slot, such as MODEL", "UNPIN": "a slot, such as MODEL",
}  # fmt: skip


def expected(machine: Automaton, step: Step, after: str = "") -> str:
    """Return in words what fits at a place, after a word."""
    words: list[str] = []
    signs: list[str] = []
    shown: list[str] = []
    for terminal in machine.accepts(step.stack):
        if terminal == "IDENT":
            shown.append(_NAMED.get(after.upper(), _PLACEHOLDERS[terminal]))
        elif terminal in _PLACEHOLDERS:
            (signs if terminal == END else shown).append(_PLACEHOLDERS[terminal])
        else:
            for option in machine.spellings(terminal):
                (words if option[0].isalpha() else signs).append(option if option[0].isalpha() else f"'{option}'")
    shown = list(dict.fromkeys(option for option in (*shown, *_grouped(sorted(set(words)))) if option))
    if not any("statement" in option for option in shown):  # a ; or the end may always stand where one may begin
        shown += signs
    if len(shown) > 18:
        shown = [*shown[:17], "…"]
    return " or ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _grouped(words: list[str]) -> list[str]:
    """Return words with those that begin statements or clauses said as one."""
    groups: list[str] = []
    for members, said in (
        (_VERBS, "a statement (PREDICT, EXPLAIN, SHOW, ...)"),
        (CLAUSE_WORDS, "a clause (FROM, WITH, BUDGET, ...)"),
    ):
        if len(members & set(words)) > 4:
            words = [word for word in words if word not in members]
            groups.append(said)
    return [*groups, *words]


def _blank(machine: Automaton, mended: Repaired, trace: Trace) -> int:
    """Blank from the last place where the text could go on to the word it goes on with; return the step to resume at."""
    bad = trace.bad
    assert bad is not None
    steps = _steps(trace)
    for tries, match in enumerate(_LANDMARK.finditer(mended.text, bad.token.start)):
        mark = match.group("mark")
        if mark is None or tries > 400:
            continue
        kinds = ("SEMICOLON",) if mark == ";" else _clause_kinds(machine, mark)
        back = next(
            (at for at in _candidates_back(steps) if any(machine.feed(steps[at].stack, k) for k in kinds)), None
        )
        if back is not None and (match.start() > bad.token.start or back < len(trace.steps)):
            _wipe(mended, steps[back].token.start, match.start())
            return back
    back = next((at for at in _candidates_back(steps) if machine.feed(steps[at].stack, END)), 0)
    _wipe(mended, steps[back].token.start, len(mended.text))
    return back


def _candidates_back(steps: tuple[Step, ...]) -> range | list[int]:
    return range(len(steps) - 1, -1, -1) if len(steps) < 500 else [*range(len(steps) - 1, len(steps) - 400, -1), 0]


def _clause_kinds(machine: Automaton, word: str) -> tuple[str, ...]:
    upper = word.upper()
    return tuple(kind for kind in machine.words.get(upper, ()) if upper in _BEGINNERS)


_BEGINNERS = CLAUSE_WORDS | {"ADD", "SET", "DROP", "PIN", "UNPIN", "ACCEPT", "REJECT"}
_VERBS = frozenset({
    "PREDICT", "REFINE", "EXPLAIN", "SHOW", "COMPARE", "APPLY", "EXPORT", "ACCEPT", "REJECT", "CREATE", "DEFINE", "SUGGEST",
    "PAUSE", "RESUME", "STOP", "EXTEND", "FOCUS", "PRUNE", "ATTACH",
})  # fmt: skip


def _wipe(mended: Repaired, start: int, end: int) -> None:
    blank = re.sub(r"[^\n]", " ", mended.text[start:end])
    mended.text = mended.text[:start] + blank + mended.text[end:]
