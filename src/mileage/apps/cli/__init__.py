"""The command ``mile``: one-shot queries, scripts, small commands and the REPL.

``main`` is the entry point; nothing heavy is imported before a command needs it.
"""

from mileage.apps.cli.main import main

__all__ = ["main"]
