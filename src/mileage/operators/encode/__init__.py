"""Operators of the family ``encode``: one file each."""
