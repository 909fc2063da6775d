"""Operators of the family ``impute``: one file each."""
