"""Operators of the family ``scale``: one file each."""
