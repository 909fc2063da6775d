"""The faces of MILE: what people and programs touch. They start sessions and show answers; they decide nothing.

``cli`` is the command ``mile`` with its REPL; ``notebook`` is ``%load_ext mileage.apps.notebook``.
"""
