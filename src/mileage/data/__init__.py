"""Tables: sources, schema, profile, splits into blocks of rows, samples. Next: :mod:`mileage.operators`."""

from mileage.data.bounds import bounds_of
from mileage.data.dataset import Dataset, canonical_sql
from mileage.data.kinds import CODES, COMMA_NUMBERS, UNCLEAR_DATES, is_entity
from mileage.data.profile import PROFILE_VERSION, ColumnProfile, Profile, TargetProfile, profile, profile_target
from mileage.data.rowset import RowSet
from mileage.data.samples import nested_sample, sampled
from mileage.data.schema import Column, DType, Kind, Schema
from mileage.data.source import Database, SourceSpec
from mileage.data.splits import Split, Splits, SplitSpec, check_split, deal
from mileage.data.sqltext import SqlError, literal, quote

__all__ = [
    "CODES",
    "COMMA_NUMBERS",
    "PROFILE_VERSION",
    "UNCLEAR_DATES",
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
    "bounds_of",
    "canonical_sql",
    "check_split",
    "deal",
    "is_entity",
    "literal",
    "nested_sample",
    "profile",
    "profile_target",
    "quote",
    "sampled",
]
