"""The content of a value as a hash, where that is cheap: to see that a step gave what it gave before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_PICKLED_BYTES = 2**20  # an object without a format of its own is looked at up to this size


def digest_of(values: Sequence[Any]) -> str | None:
    """Return the hash of a step's outputs; None if that would be dear, or say nothing.

    Two lists of values with the same digest are of the same types, shapes and bytes.

    Examples
    --------
    >>> import numpy as np
    >>> digest_of([np.arange(3)]) == digest_of([np.arange(3)]) != digest_of([np.arange(3.0)])
    True
    >>> digest_of([np.array(["a", None], dtype=object).repeat(10**6)]) is None
    True
    """
    from blake3 import blake3

    hasher = blake3()
    for value in values:
        encoded = _encoded(value)
        if encoded is None:
            return None
        lengths = [len(part) for part in encoded.parts]
        hasher.update(json.dumps([encoded.format, encoded.meta, lengths], sort_keys=True).encode())
        for part in encoded.parts:
            hasher.update(part)
    return str(hasher.hexdigest(length=16))


def _encoded(value: Any) -> Any:
    from mileage.catalog.formats import encode
    from mileage.catalog.frame_format import encode_frame, encode_series
    from mileage.engine.values import size_of

    kind, module = type(value).__name__, type(value).__module__.partition(".")[0]
    if module == "pandas" and kind in {"DataFrame", "Series"}:
        made = encode_frame(value) if kind == "DataFrame" else encode_series(value)
        return made if made is not None or size_of(value) > _PICKLED_BYTES else encode(value)
    plain = module == "numpy" and kind == "ndarray" and not value.dtype.hasobject
    if plain or (module == "scipy" and getattr(value, "format", "") == "csr") or size_of(value) <= _PICKLED_BYTES:
        return encode(value)
    return None
