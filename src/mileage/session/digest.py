"""The content of a value as a hash, where that is cheap: to see that a step gave what it gave before."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Sequence
from types import FunctionType
from typing import Any

from mileage.workflow.identity.library import is_library

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

    kind, module = type(value).__name__, type(value).__module__.partition(".")[0]
    if module == "pandas" and kind in {"DataFrame", "Series"}:
        made = encode_frame(value) if kind == "DataFrame" else encode_series(value)
        return made if made is not None else _encoded_object(value)
    plain = module == "numpy" and kind == "ndarray" and not value.dtype.hasobject
    if plain or (module == "scipy" and getattr(value, "format", "") == "csr"):
        return encode(value)
    return _encoded_object(value)


def _encoded_object(value: Any) -> Any:
    """Encode an object if it is small, and if its bytes say all: the code of the user's classes is not in them."""
    from mileage.catalog.formats import encode
    from mileage.engine.values import size_of

    return encode(value) if size_of(value) <= _PICKLED_BYTES and not _holds_own_code(value) else None


def _holds_own_code(value: Any) -> bool:
    try:
        _Look(io.BytesIO(), protocol=5).dump(value)
    except Exception:  # noqa: BLE001  (what cannot be pickled, for whatever reason, cannot be compared)
        return True
    return False


class _Look(pickle.Pickler):
    """Refuse to pickle what refers to code that is no library's."""

    def persistent_id(self, obj: Any) -> None:
        """Look at each object on the way."""
        if isinstance(obj, type | FunctionType) and not is_library(str(obj.__module__)):
            raise pickle.PicklingError(obj.__qualname__)
