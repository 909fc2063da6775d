"""Operators of the family ``reduce``: one file each."""
