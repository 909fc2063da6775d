"""Schema changes of the catalog, by Alembic, from the files of this package; no ini file is needed.

A new catalog is created as the tables stand and marked with :data:`HEAD`; a test holds that the migrations lead to the
very same tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD = "0005"
KNOWN = ("0001", "0002", "0003", "0004", "0005")


def upgrade(connection: Connection) -> None:
    """Bring an older catalog to the tables of this version, within the caller's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
