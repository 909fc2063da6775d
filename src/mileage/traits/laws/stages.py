"""Laws of stages: what an early stage made does not depend on a parameter that is read later."""

from __future__ import annotations

from mileage.traits.declaration import Claim, Declaration
from mileage.traits.exactness import Exactness
from mileage.traits.gather import gather, informed
from mileage.traits.laws.evidence import Evidence, measured, weakest
from mileage.traits.restrict import cut_back
from mileage.traits.subject import state_of, with_ties


def binds(declared: Declaration, claim: Claim) -> Evidence:
    """Another value of the parameter leaves the states of all earlier stages as they are.

    What is read at no stage (how much is printed, how many threads) changes no answer either.
    """
    s = declared.subject
    plain = s.fit(*s.data())
    states = declared.states_before(claim.stage)
    found = [Evidence(Exactness.BITWISE)]
    for value in claim.values:
        other = s.fit(
            *s.data(), **{claim.argument: value}
        )  # of rows of its own: one that copies nothing writes into them
        before, after = state_of(plain, states), state_of(other, states)
        found += [measured(after[n], before[n], f"{claim.argument} = {value} changes {n}") for n in states]
        if claim.stage == "never":
            answers = [s.answer(fitted, s.data()[0]) for fitted in (other, plain)]
            found.append(measured(answers[0], answers[1], f"{claim.argument} = {value} has an effect"))
    return weakest(found)


def cuts(declared: Declaration, claim: Claim) -> Evidence:
    """The fit with the largest value, cut back, answers as the fit with a smaller one, also where many choices are equally good.

    The first of the claim's values is that of the large fit.
    """
    s = declared.subject
    X, y = s.data()
    largest, *values = claim.values
    found = []
    for rows in with_ties(X):
        large = s.fit(rows, y, **{claim.argument: largest})
        before = s.answer(large, rows)
        for value in values:
            got = s.answer(cut_back(s.short, claim.argument, large, value), rows)
            plain = s.answer(s.fit(rows, y, **{claim.argument: value}), rows)
            found.append(measured(got, plain, f"cut back to {claim.argument} = {value} it answers otherwise"))
        found.append(measured(s.answer(large, rows), before, "cutting it back has changed it"))
    return weakest(found)


def gathers(declared: Declaration, claim: Claim) -> Evidence:
    """What is gathered with the largest value answers for a smaller one, also where many rows are equally good.

    The first of the claim's values is the largest.
    """
    s = declared.subject
    X, y = s.data()
    largest, *values = claim.values
    found = []
    for rows in with_ties(X):
        gathered = gather(s.short, claim.argument, s.fit(rows, y, **{claim.argument: largest}), rows)
        for value in values:
            plain = s.fit(rows, y, **{claim.argument: value})
            got = s.answer(informed(s.short, claim.argument, plain, gathered), rows)
            why = f"from what was gathered for {largest}, {claim.argument} = {value} answers otherwise"
            found.append(measured(got, s.answer(plain, rows), why))
    return weakest(found)
