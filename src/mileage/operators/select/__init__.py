"""Operators of the family ``select``: one file each."""
