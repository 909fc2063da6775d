"""Splits of a configuration's own: the parts of one deal, put together anew for each.

The rows are dealt once, by scikit-learn's splitter, to more parts than there are folds. Round by round, as many parts as there are
folds are shuffled and given one to each: so strata and sizes are as even as the splitter makes them, whole groups stay together, and
what was summed up for a part serves every configuration.

References
----------
Nagler, Schneider, Bischl and Feurer 2024, Reshuffling resampling splits can improve generalization of hyperparameter optimization.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from mileage.data.rowset import RowSet
from mileage.data.splits import Split, Splits

if TYPE_CHECKING:
    import numpy as np

_PARTS = 64  # about so many parts: enough for deals that differ, few enough for sums of each
_FINEST = 32  # a holdout is a share that such a number of parts can give


def shares_of(n_folds: int | None, size: float = 0.0) -> tuple[int, int]:
    """Return how many parts a round has, and how many of them are scored: of folds one, each in turn.

    Examples
    --------
    >>> shares_of(5), shares_of(None, 0.2), shares_of(None, 0.3)
    ((5, 1), (5, 1), (10, 3))
    """
    if n_folds is not None:
        return n_folds, 1
    share = max(Fraction(size).limit_denominator(_FINEST), Fraction(1, _FINEST))
    return share.denominator, share.numerator


def n_parts(per_round: int, n_units: int) -> int:
    """Return how many parts rows are dealt to, about 64, in whole rounds; ``n_units`` rows or groups are what can be dealt.

    Examples
    --------
    >>> n_parts(5, 1000), n_parts(5, 12), n_parts(10, 12)
    (65, 10, 10)
    """
    return per_round * max(1, min(round(_PARTS / per_round), n_units // per_round))


def places_of(n: int, per_round: int, *, private: int, deal: int = 0) -> tuple[int, ...]:
    """Return for each of ``n`` parts its place in its round; parts at one place are a fold.

    ``private`` is the seed of a configuration, ``deal`` which of several deals of it.

    Examples
    --------
    >>> places = places_of(6, 3, private=7)
    >>> sorted(places[:3]), sorted(places[3:]), places == places_of(6, 3, private=8)
    ([0, 1, 2], [0, 1, 2], False)
    """
    import numpy as np

    made: np.ndarray = np.random.default_rng([private, deal]).permuted(_rounds(n, per_round), axis=1)
    return tuple(made.ravel().tolist())


def _rounds(n: int, per_round: int) -> np.ndarray:
    import numpy as np

    return np.tile(np.arange(per_round), (n // per_round, 1))


def parts_tested(n: int, per_round: int, n_tested: int, *, private: int, repeat: int) -> list[tuple[bool, ...]]:
    """Return for each split which parts score it; the others train.

    Parameters
    ----------
    n, per_round : int
        Parts in all, and in a round.
    n_tested : int
        Places that a holdout scores; 0 for folds, where each place does in turn.
    private, repeat : int
        Seed of a configuration, and how often its rows are dealt.

    Examples
    --------
    >>> [sum(tested) for tested in parts_tested(6, 3, 0, private=7, repeat=2)]
    [2, 2, 2, 2, 2, 2]
    """
    deals = [places_of(n, per_round, private=private, deal=deal) for deal in range(repeat)]
    if n_tested:
        return [tuple(place < n_tested for place in places) for places in deals]
    return [tuple(place == i for place in places) for places in deals for i in range(per_round)]


def reshuffled(splits: Splits, *, per_round: int, n_tested: int, private: int, repeat: int) -> Splits:
    """Return splits of a configuration's own from a deal of the rows to parts.

    Parameters
    ----------
    splits : Splits
        A fold for each part.
    per_round, n_tested, private, repeat : int
        As in :func:`parts_tested`.

    Examples
    --------
    >>> from mileage.data.splits import SplitSpec, deal
    >>> parts = deal(SplitSpec("folds", n=60), n_rows=600)
    >>> one, other = (reshuffled(parts, per_round=5, n_tested=0, private=seed, repeat=1) for seed in (1, 2))
    >>> [pair.test.n for pair in one.pairs], one.pairs[0].test == other.pairs[0].test
    ([120, 120, 120, 120, 120], False)
    """
    import numpy as np

    n = len(splits.pairs)
    part_of_row = (
        splits.block_of_row // splits.blocks_a_region
    )  # a region is what a fold tests, and all rows are tested once
    masks = [np.array(t)[part_of_row] for t in parts_tested(n, per_round, n_tested, private=private, repeat=repeat)]
    pairs = tuple(Split(RowSet.where(~mask), RowSet.where(mask)) for mask in masks)
    code = _code(splits.code, n, per_round, n_tested, private, repeat)
    imports = tuple(dict.fromkeys(("import numpy as np", *splits.imports)))
    return Splits(pairs, splits.block_of_row, code, imports, splits.notes, splits.blocks_a_region)


def _code(dealt: str, n: int, per_round: int, n_tested: int, private: int, repeat: int) -> str:
    """Return an expression that gives the same pairs of row numbers, for a script."""
    rounds = f"np.tile(np.arange({per_round}), ({n // per_round}, 1))"
    places = f"np.random.default_rng([{private}, deal]).permuted({rounds}, axis=1).ravel()"
    tested, each = (f"places < {n_tested}", "") if n_tested else ("places == i", f" for i in range({per_round})")
    joined = "np.sort(np.concatenate([part for part, its in zip(parts, tested) if {}]))"
    return (
        f"[({joined.format('not its')}, {joined.format('its')}) for parts in [[part for _, part in {dealt}]] "
        f"for deal in range({repeat}) for places in [{places}]{each} for tested in [{tested}]]"
    )
