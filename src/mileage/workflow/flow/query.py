"""The text of a SELECT as far as it matters: what it says, not how it is written."""

from __future__ import annotations

# Keywords that cannot name a column, so that their case is seen nowhere; others might.
_KEYWORDS = frozenset(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
        "ORDER",
        "HAVING",
        "LIMIT",
        "OFFSET",
        "AS",
        "AND",
        "OR",
        "NOT",
        "ON",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "WITH",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "IN",
        "DISTINCT",
        "ASC",
        "DESC",
        "ALL",
        "USING",
        "QUALIFY",
        "WINDOW",
        "JOIN",
        "LEFT",
        "RIGHT",
        "INNER",
        "OUTER",
        "FULL",
        "CROSS",
        "NATURAL",
        "LIKE",
        "ILIKE",
        "IS",
        "NULL",
    ]
)
_UNSTABLE = frozenset(
    [
        "random",
        "uuid",
        "uuidv4",
        "uuidv7",
        "gen_random_uuid",
        "now",
        "today",
        "current_date",
        "current_time",
        "current_timestamp",
        "get_current_timestamp",
        "get_current_time",
        "transaction_timestamp",
        "localtime",
        "localtimestamp",
        "nextval",
        "getenv",
    ]
)


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the words of a query, each with its kind, comments left out.

    Examples
    --------
    >>> tokens("select 'a  b' -- all")
    [('keyword', 'select'), ('string_const', "'a  b'")]
    """
    import duckdb

    found = [(str(kind).rpartition(".")[2], start) for start, kind in duckdb.tokenize(text)]
    data = text.encode()  # DuckDB counts bytes
    ends = [start for _, start in found[1:]] + [len(data)]
    words = [(kind, data[start:end].decode().strip()) for (kind, start), end in zip(found, ends, strict=True)]
    return [(kind, word) for kind, word in words if kind != "comment"]


def normal_sql(text: str) -> tuple[str, ...]:
    """Return the words of a query; spaces, comments and the case of keywords leave no trace.

    Examples
    --------
    >>> normal_sql("select a  from t /* all */") == normal_sql("SELECT a FROM t")
    True
    >>> normal_sql("SELECT A FROM t") == normal_sql("SELECT a FROM t")  # a column is called as it is written
    False
    """
    found: list[str] = []
    for kind, word in tokens(text):
        upper = word.upper()
        names = found[-1:] in (["AS"], ["."])
        found.append(upper if kind == "keyword" and upper in _KEYWORDS and not names else word)
    return tuple(found[:-1] if found[-1:] == [";"] else found)


def unstable_in(text: str) -> tuple[str, ...]:
    """Return what in a query may give something else each time: functions of chance or time, samples without a seed.

    Examples
    --------
    >>> unstable_in("SELECT random() FROM t USING SAMPLE 10%"), unstable_in("SELECT 'now()' FROM t")
    (('random', 'SAMPLE'), ())
    """
    words = [word for kind, word in tokens(text) if kind in {"keyword", "identifier"}]
    found = [word for word in words if word.lower() in _UNSTABLE]
    if "REPEATABLE" not in [word.upper() for word in words]:
        found += [word for word in words if word.upper() in {"SAMPLE", "TABLESAMPLE"}]
    return tuple(dict.fromkeys(found))
