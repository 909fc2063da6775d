"""The language front end: MILEAGE text to trees and back.

It knows the grammar and no meaning: no operator, no metric, no data. Lark and YAML are loaded when first used. The tree
is in :mod:`mileage.language.ast`.
"""

from mileage.language import ast
from mileage.language.parser import check, parse, parse_query
from mileage.language.printer import format_node, format_query, format_script, handles

__all__ = ["ast", "check", "format_node", "format_query", "format_script", "handles", "parse", "parse_query"]
