"""Tables: sources, schema, profile, splits into blocks of rows, samples. Next: :mod:`mileage.operators`."""

from mileage.data.profile import ColumnProfile, Profile, TargetProfile, profile, profile_target
from mileage.data.schema import Column, DType, Kind, Schema
from mileage.data.source import Database, Dataset, SourceSpec, SqlError, literal, quote
from mileage.data.splits import RowSet, Split, Splits, SplitSpec, deal

__all__ = [
    "Column",
    "ColumnProfile",
    "DType",
    "Database",
    "Dataset",
    "Kind",
    "Profile",
    "RowSet",
    "Schema",
    "SourceSpec",
    "Split",
    "SplitSpec",
    "Splits",
    "SqlError",
    "TargetProfile",
    "deal",
    "literal",
    "profile",
    "profile_target",
    "quote",
]
