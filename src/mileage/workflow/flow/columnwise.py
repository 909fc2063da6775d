"""Which transformers work column by column, and how many columns make one task.

A class of your own says so itself: ``__mileage_columnwise__ = True``, if what it does to a column depends on that column
alone, and not on y. What is not known to be columnwise is one task for each branch, which is never wrong, only dearer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Columnwise:
    """What is declared of a transformer.

    ``width`` is how many columns make a task: a task costs about 1 ms, whatever it does, and a changed column costs its
    task. ``by_matrix``: the columns of a branch are converted to one type before it sees them; else each keeps its own.
    ``holds`` says for which parameters it is true.
    """

    width: int
    by_matrix: bool = True
    holds: Callable[[Any], bool] = lambda _: True


def _is_seeded(transformer: Any) -> bool:
    return transformer.subsample is None or isinstance(transformer.random_state, int)


_KNOWN: Mapping[str, Columnwise] = {
    "StandardScaler": Columnwise(16),
    "MinMaxScaler": Columnwise(16),
    "MaxAbsScaler": Columnwise(16),
    "RobustScaler": Columnwise(8),
    "Binarizer": Columnwise(16),
    "PowerTransformer": Columnwise(4),
    "QuantileTransformer": Columnwise(6, holds=_is_seeded),
    "KBinsDiscretizer": Columnwise(6, holds=_is_seeded),
    "SimpleImputer": Columnwise(8, holds=lambda t: not t.add_indicator and isinstance(t.strategy, str)),
    "OneHotEncoder": Columnwise(
        4, by_matrix=False, holds=lambda t: _is_text(t.categories) and (t.drop is None or _is_text(t.drop))
    ),
    "OrdinalEncoder": Columnwise(4, by_matrix=False, holds=lambda t: _is_text(t.categories)),
}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def columnwise(transformer: Any) -> Columnwise | None:
    """Return what is declared of a transformer, or of a pipeline of such; None if it must see all columns at once.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> columnwise(make_pipeline(SimpleImputer(), StandardScaler())).width, columnwise(PCA())
    (8, None)
    """
    steps = getattr(transformer, "steps", None)
    if type(transformer).__name__ == "Pipeline" and steps is not None:
        found = [columnwise(step) for _, step in steps if step not in {None, "passthrough"}]
        known = [one for one in found if one is not None]
        if not known or len(known) < len(found):
            return None
        return Columnwise(min(one.width for one in known), any(one.by_matrix for one in known))
    if getattr(type(transformer), "__mileage_columnwise__", False):
        return Columnwise(8)
    known_class = type(transformer).__module__.startswith("sklearn.")
    declared = _KNOWN.get(type(transformer).__name__) if known_class else None
    return declared if declared is not None and declared.holds(transformer) else None


def blocks(columns: Sequence[str], width: int) -> list[list[str]]:
    """Return columns in blocks of about ``width``, in their order; one more or less changes the block it is in alone.

    A block ends where the hash of a name says so, not after a count. It has two columns or more: the sum of a single
    column may differ in the last bit from that of the same column beside others.

    Examples
    --------
    >>> names = [f"c{i}" for i in range(40)]
    >>> before, after = blocks(names, 4), blocks([*names[:20], "new", *names[20:]], 4)
    >>> len(before), len([block for block in after if block not in before])
    (10, 1)
    """
    made: list[list[str]] = [[]]
    for name in columns:
        made[-1].append(name)
        ends = crc32(name.encode()) % width == 0 and len(made[-1]) >= max(2, width // 2)
        if ends or len(made[-1]) >= 2 * width:
            made.append([])
    if len(made) > 1 and len(made[-1]) < 2:
        last = made.pop()
        made[-1] += last
    return [block for block in made if block]
