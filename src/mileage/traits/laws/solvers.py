"""Laws of solvers: what they ask of the data, and whether a start elsewhere ends in the same place."""

from __future__ import annotations

import numpy as np

from mileage.traits.declaration import Claim, Declaration
from mileage.traits.exactness import Exactness
from mileage.traits.laws.evidence import Evidence, measured, weakest
from mileage.traits.losses import LOSSES, minimized
from mileage.traits.stacked import fit_stacked

_LOSS_TOLERANCE = 1e-5


def path(declared: Declaration, claim: Claim) -> Evidence:
    """Going on from the fit with the value before ends where a fresh fit does."""
    s = declared.subject
    X, y = s.data()
    warm = s.make(warm_start=True)
    found = []
    for value in claim.values:
        warm.set_params(**{claim.argument: value}).fit(X, y)
        found.append(
            measured(
                s.answer(warm, X),
                s.answer(s.fit(X, y, **{claim.argument: value}), X),
                f"a warm start ends elsewhere for {claim.argument} = {value}",
            )
        )
    return weakest(found)


def stacks(declared: Declaration, claim: Claim) -> Evidence:
    """Fits that go through one stream of batches with several values of a parameter are those that are made alone."""
    s = declared.subject
    X, y = s.data()
    made = fit_stacked([s.make(**{claim.argument: value}) for value in claim.values], X, y)
    return weakest(
        measured(
            s.answer(one, X),
            s.answer(s.fit(X, y, **{claim.argument: value}), X),
            f"on one stream of batches it is another one for {claim.argument} = {value}",
        )
        for one, value in zip(made, claim.values, strict=True)
    )


def gram_only(declared: Declaration, claim: Claim) -> Evidence:
    """Other rows with the same sums and products give the same fit.

    Rows are mixed by an orthogonal matrix that leaves a column of ones as it is: no product of two columns changes.
    """
    del claim
    s = declared.subject
    X, y = s.data()
    mix = _mixing(len(X))
    fitted = s.fit(X, y)
    mixed = s.fit(mix @ X, None if y is None else mix @ y)
    return measured(np.abs(s.answer(mixed, X)), np.abs(s.answer(fitted, X)), "more than sums and products is read")


def _mixing(n: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    ones = np.ones((n, 1)) / np.sqrt(n)
    basis, _ = np.linalg.qr(np.hstack([ones, rng.normal(size=(n, n - 1))]))
    turn, _ = np.linalg.qr(rng.normal(size=(n - 1, n - 1)))
    inner = basis[:, 1:]
    made: np.ndarray = ones @ ones.T + inner @ turn @ inner.T
    return made


def hist_only(declared: Declaration, claim: Claim) -> Evidence:
    """Ranks in the place of values give the same predictions: only the order within a column is read."""
    del claim
    s = declared.subject
    X, y = s.data()
    ranks = np.argsort(np.argsort(X, axis=0), axis=0).astype(float)
    return measured(
        s.answer(s.fit(ranks, y), ranks), s.answer(s.fit(X, y), X), "more than the order of the values is read"
    )


def oracle_loss(declared: Declaration, claim: Claim) -> Evidence:
    """A general minimizer that is told losses and gradients at ``X @ w`` finds a loss as small as the class's own."""
    del claim
    s = declared.subject
    X, y = s.data()
    loss = LOSSES[s.short]
    fitted = s.fit(X, y)
    own = loss.at(loss.weights(fitted), X, y, fitted)
    best = minimized(loss, X, y, fitted)
    gap = abs(own - best) / max(abs(best), 1e-12)
    holds = gap <= _LOSS_TOLERANCE
    return Evidence(Exactness.OPT_EQUAL if holds else Exactness.BROKEN, gap, "" if holds else "its loss is another one")
