"""What is known of the data, kept so that a later process need not read it again: profiles; for hashes see :mod:`.known_files`.

Nothing depends on it: what is not kept, or cannot be, is found out again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mileage.core.fingerprint import fingerprint
from mileage.data import PROFILE_VERSION, Dataset, Profile, profile
from mileage.errors import CatalogError

if TYPE_CHECKING:
    from mileage.catalog import ArtifactStore


def known_profile(store: ArtifactStore, dataset: Dataset) -> Profile:
    """Return the profile of a dataset: the kept one where one of this content was made before."""
    types = [(column.name, column.sql_type) for column in dataset.schema]
    key = f"{fingerprint('profile', PROFILE_VERSION, dataset.fingerprint, types)}.profile"
    with suppress(KeyError):
        return Profile.from_json(store.get(key))
    made = profile(dataset)
    with suppress(CatalogError):  # no room: it is made again next time
        store.put(key, made.to_json(), durable=False)
    return made
