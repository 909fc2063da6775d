"""Operators of the family ``models``: one file each."""
