"""Running the automaton over a text: where it stops, and where it could be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mileage.language.automaton import END
from mileage.language.lexer import Token, next_token, skip_blank

if TYPE_CHECKING:
    from mileage.language.automaton import Automaton, Stack

# Deeper text is no query, and the tree's functions are recursive.
MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Step:
    """A token, the stack before it, and how many parentheses were open before it."""

    token: Token
    stack: Stack
    depth: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps that fit; ``bad`` is the first token that does not, or None if the text was read to its end."""

    steps: tuple[Step, ...]
    bad: Step | None

    @property
    def reach(self) -> int:
        """The place up to which the text fits."""
        return self.bad.token.start if self.bad else (self.steps[-1].token.end if self.steps else 0)


def scan(
    machine: Automaton, text: str, *, at: int = 0, stack: Stack | None = None, depth: int = 0, limit: int | None = None
) -> Trace:
    """Read ``text`` from ``at`` until a token does not fit, the end, or ``limit`` tokens."""
    stack = stack or machine.start
    steps: list[Step] = []
    while limit is None or len(steps) < limit:
        at = skip_blank(text, at)
        token = next_token(machine, stack, text, at)
        step = Step(token, stack, depth)
        after = machine.feed(stack, token.kind)
        depth += (token.text in ("(", "{")) - (token.text in (")", "}"))
        if after is None or depth > MAX_DEPTH:
            return Trace(tuple(steps), step)
        steps.append(step)
        if token.kind == END:
            break
        stack, at = after, token.end
    return Trace(tuple(steps), None)
