"""Operators of the family ``dates``: one file each."""
