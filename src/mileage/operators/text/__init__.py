"""Operators of the family ``text``: one file each."""
