"""Files that are empty, broken, oddly named or oddly filled: one clear message, or a defined result."""

from __future__ import annotations

import io
import json
import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def lines(header: str, *makers, n: int = 28) -> str:
    return "\n".join([header, *(",".join(str(make(i)) for make in makers) for i in range(n))]) + "\n"


def parquet() -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(100)), "y": ["p", "q"] * 50}), held)
    return held.getvalue()


def number(i: int) -> int:
    return i % 7


def name(i: int) -> str:
    return "pqr"[i % 3]


def label(i: int) -> str:
    return ("low", "high")[i % 7 // 4]


# --- files that are no table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "exit_code", "code", "says"),
    [
        ("", 4, "D410", ("'t.csv' is empty", "query:1:16", "a table needs a header line")),
        ("\n \n\n", 4, "D410", "'t.csv' is empty"),
        ("a,b,y\n", 4, "D410", ("'t.csv' has no rows", "query:1:16")),
        ("a,b,y\n1,p,low\n", 4, "D423", "the target y has one class only"),
        ("a,b,y\n1,p,low\n2,q,high\n", 4, "D433", ("class 'high' of y has one row", "two rows or more")),
        ("a,b,y\n1,p,low\n2,q,high\n3,q,high\n", 4, "D433", "class 'low' of y has one row"),
        (b"\0" * 500, 4, "D403", ("'t.csv' is no text", "save it as UTF-8")),
        (bytes(range(256)) * 20, 4, "D403", "'t.csv' is no text"),
        ("a,b,y\n1,p,low\n2,q,high\n".encode("utf-16-le"), 4, "D403", "'t.csv' is no text"),
        (lines("a,b,y", number, name, lambda _: "low"), 4, "D423", "the target y has one class only"),
        (lines("a,b,y", number, name, lambda _: ""), 4, "D420", "the target y has no value"),
        (lines("a,b,y", lambda _: "", lambda _: "", label), 4, "D430", ("no column is left", "a: it has no value")),
        (lines("y", label), 4, "D430", "the target is the only column"),
        (lines("a,y", number, lambda i: i * 1e306), 4, "D434", ("values up to 3e+307", "FROM (SELECT ...)")),
    ],
)
def test_a_table_that_says_nothing_is_one_error(mile, ask, content, exit_code, code, says):
    mile(ask(), files={"t.csv": content}).fails(exit_code, code, says=says)


def test_a_line_that_is_too_long_is_named(mile, ask):
    text = lines("a,y", number, label, n=25_000) + "1,low,more\n"
    mile(ask(), files={"t.csv": text}).fails(4, "D403", says="'t.csv' cannot be read: line 25002")


@pytest.mark.parametrize(
    ("files", "source", "code", "says"),
    [
        ({}, "gone.csv", "D402", ("no file 'gone.csv'", "query:1:16", "looked in")),
        ({"penguins.csv": "a\n1\n"}, "pengins.csv", "D402", "did you mean 'penguins.csv'?"),
        ({}, "no/where.csv", "D402", ("no file 'no/where.csv'", "there is no folder")),
        ({}, "*.parquet", "D402", "no file matches '*.parquet'"),
        ({"d/t.csv": "a\n1\n"}, "d", "D402", ("'d' is a folder", "'d/*.csv'")),
        ({"d.csv/t.csv": "a\n1\n"}, "d.csv", "D402", "'d.csv' is a folder"),
        ({"t.csv": "a\n1\n"}, "t.csv/x.csv", "D402", "no file 't.csv/x.csv'"),
        ({"t.docx": "a\n1\n"}, "t.docx", "D403", ("of no known format", "CSV, TSV, Parquet")),
        ({"p1.csv": "a,y\n1,x\n", "p2.json": "{}"}, "p*", "D403", "files of several formats"),
        ({"p1.csv": "a,y\n1,x\n", "p2.csv": "b,y\n1,x\n"}, "p*.csv", "D403", "'p2.csv' has no column 'a'"),
        ({"t.parquet": parquet()[:400]}, "t.parquet", "D403", ("'t.parquet' cannot be read", "file is whole")),
        ({"t.parquet": "a,y\n1,x\n"}, "t.parquet", "D403", ("'t.parquet' cannot be read", "its name says")),
        ({"t.json": '[{"a": 1, "y": "p"}, {"a": 2 "y": "q"}]'}, "t.json", "D403", "Malformed JSON"),
        ({"t.jsonl": '{"a": 1, "y": "p"}\n{"a": 2, "y": \n'}, "t.jsonl", "D403", "Malformed JSON"),
        ({"t.json": "[]"}, "t.json", "D410", "'t.json' has no rows"),
        ({"t.csv.gz": "a,y\n1,x\n"}, "t.csv.gz", "D403", "'t.csv.gz' cannot be read"),
        ({"t.duckdb": b"nothing of the kind" * 500}, "t.duckdb", "D403", "database 't.duckdb' cannot be read"),
        ({"t.db": "a,y\n1,x\n"}, "t.db", "D403", "database 't.db' cannot be read"),
        ({"t.sqlite": b"SQLite format 3\0" + b"junk" * 500}, "t.sqlite", "D403", "database 't.sqlite' cannot be read"),
    ],
)
def test_what_is_no_file_of_its_format_is_one_error(mile, ask, files, source, code, says):
    mile(ask(source=f"'{source}'"), files=files).fails(4, code, says=says)


def test_a_damaged_page_of_a_parquet_file_is_an_error_of_the_data(mile, ask):
    whole = bytearray(parquet())
    whole[100:126] = b"x" * 26
    seen = mile(ask(source="'t.parquet'"), files={"t.parquet": bytes(whole)})
    seen.fails(4, "D412", says=("the data cannot be read", "t.parquet"))


def test_a_database_with_several_tables_lists_them(mile, ask, folder):
    with duckdb.connect(str(folder / "w.duckdb")) as other:
        other.execute("CREATE TABLE one AS SELECT 1 AS a; CREATE TABLE two AS SELECT 2 AS a")
    mile(ask(source="'w.duckdb'")).fails(4, "D406", says=("'w.duckdb' has 2 tables", "w.one, w.two"))


def test_a_database_without_tables_is_an_error(mile, ask, folder):
    with closing(sqlite3.connect(folder / "s.sqlite")) as other:
        other.execute("VACUUM")
    mile(ask(source="'s.sqlite'")).fails(4, "D406", says="'s.sqlite' has 0 tables")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (PermissionError(13, "Permission denied"), "D407", "'t.csv' may not be read"),
        (OSError(5, "Input/output error"), "D403", "'t.csv' cannot be read: Input/output error"),
    ],
)
def test_what_may_not_be_read_says_so(mile, ask, table, folder, monkeypatch, error, code, said):
    (folder / "t.csv").write_text(table())
    opened = Path.open

    def refuse(self, *args, **options):
        if self.name == "t.csv":
            raise error
        return opened(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    mile(ask()).fails(4, code, says=said)


# --- names of columns ---------------------------------------------------------------------------------------------------

ODD = [
    "größe",
    "温度",
    "select",
    'a"b',
    "x; drop table t",
    "from",
    "rowid",
    "new\nline",
    "it's",
    "a,b",
    "c",
    "*",
    "mile_row",
]


@pytest.mark.parametrize("odd", ODD)
def test_any_name_is_a_name(mile, ask, odd):
    text = lines(f'"{odd.replace(chr(34), chr(34) * 2)}",b,y', number, name, label)
    answer = mile("--json", ask(), files={"t.csv": text}).answers()
    assert answer["leaderboard"][0]["score"] > 0.9
    assert not [f for f in answer["findings"] if f["code"] == "W331"]


@pytest.mark.parametrize("odd", ["übel", "select", 'x"; drop', "new\nline", "budget"])
def test_any_name_can_be_the_target(mile, ask, odd):
    quoted = '"' + odd.replace('"', '""') + '"'
    answer = mile("--json", ask(quoted), files={"t.csv": lines(f"a,b,{quoted}", number, name, label)}).answers()
    assert answer["target"] == odd


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("a,a,y", "W331 there are two columns a: column 2 is called a_1"),
        (",a,y", "W331 column 1 has no name: it is called column0"),
        ("A,a,y", "W331 there are two columns a: column 2 is called a_1"),
        (",b,y", "W331 column 1 has no name: it is called column0"),
    ],
)
def test_names_that_are_changed_are_told(mile, ask, header, note):
    seen = mile("--json", ask(), files={"t.csv": lines(header, number, name, label)})
    seen.answers()
    assert note in seen.findings


def test_a_target_of_another_case_is_another_name(mile, ask, table):
    mile(ask("Y"), files={"t.csv": table()}).fails(
        3, "E204", says=("no column in 't.csv' named 'Y'", "did you mean y?")
    )


# --- texts and codes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("latin-1", "W331 't.csv' is not UTF-8: it is read as Latin-1"),
        ("utf-16", "W331 't.csv' is not UTF-8: it is read as UTF-16"),
        ("utf-8-sig", None),
    ],
)
def test_texts_of_other_codes_are_read(mile, ask, code, note):
    text = lines("a,b,y", number, lambda i: "éàü"[i % 3], label).encode(code)
    seen = mile("--json", ask(), files={"t.csv": text})
    seen.answers()
    assert [f for f in seen.findings if f.startswith("W331")] == ([note] if note else [])


def test_a_zero_byte_in_a_value_is_part_of_it(mile, ask):
    mile("--json", ask(), files={"t.csv": lines("a,b,y", number, lambda i: "p\0q"[: i % 3 + 1], label)}).answers()


@pytest.mark.parametrize("classes", [("no", "yes"), ("f", "t"), ("N", "Y"), ("No", "Yes")])
def test_the_users_words_stay(mile, ask, table, classes):
    seen = mile("--json", ask(), files={"t.csv": table(classes=classes)})
    assert any(f"'{classes[1]}' is the positive class" in a["text"] for a in seen.answers()["assumptions"])
    mile("apply", "@w1", "t.csv", "--into", "out.csv").is_clean()
    head, first, *_ = Path("out.csv").read_text().splitlines()
    assert head.endswith(f"predicted_y,probability_{classes[0]},probability_{classes[1]}")
    assert first.split(",")[3] == classes[0]


def test_true_and_false_stay_what_they_are(mile, ask, table):
    seen = mile("--json", ask(), files={"t.csv": table(classes=("false", "true"))})
    assert any("'true' is the positive class" in a["text"] for a in seen.answers()["assumptions"])


# --- values -------------------------------------------------------------------------------------------------------------


def test_a_column_without_values_is_left_out_and_told(mile, ask):
    seen = mile("--json", ask(), files={"t.csv": lines("a,b,y", lambda _: "", name, label)})
    seen.answers()
    assert "W325 a has no value" in seen.findings


@pytest.mark.parametrize("blank", ["", '""'])
def test_rows_without_a_target_are_left_out_and_told(mile, ask, blank):
    seen = mile(
        "--json", ask(), files={"t.csv": lines("a,b,y", number, name, lambda i: blank if i % 4 == 0 else label(i))}
    )
    seen.answers()
    assert "W327 7 of 28 rows have no y and are left out" in seen.findings


def test_a_blank_of_spaces_is_a_class_of_its_own(mile, ask):
    seen = mile(
        "--json", ask(), files={"t.csv": lines("a,b,y", number, name, lambda i: "   " if i % 4 == 0 else label(i))}
    )
    assert seen.answers()["task"] == "multiclass"


def test_gaps_among_numbers_are_missing(mile, ask):
    text = lines("a,b,y", lambda i: "n/a" if i % 5 == 0 else i, name, label, n=40)
    answer = mile("--json", ask(), files={"t.csv": text}).answers()
    assert any("median" in row["describe"] for row in answer["leaderboard"])


def test_words_among_numbers_make_names_and_a_fact_makes_numbers(mile, ask):
    text = lines("a,b,y", lambda i: "many" if i % 5 == 0 else i, name, label, n=40)
    answer = mile("--json", ask(), files={"t.csv": text}).answers()
    assert not any("median" in row["describe"] for row in answer["leaderboard"])
    answer = mile("--json", ask("y", "'t.csv'", "KNOWING a IS NUMERIC")).answers()
    assert any("8 of 40 values of a are no numbers, such as 'many'" in a["text"] for a in answer["assumptions"])


@pytest.mark.parametrize("word", ["inf", "-inf", "NaN", "NA"])
def test_numbers_that_are_none_are_missing(mile, ask, word):
    text = lines("a,b,y", lambda i: word if i % 7 == 0 else i % 5, lambda i: i / 3, label)
    answer = mile("--json", ask(), files={"t.csv": text}).answers()
    assert "median" in answer["leaderboard"][0]["describe"]


def test_an_infinite_target_is_left_out_and_told(mile, ask):
    text = lines("a,y,o", number, lambda i: "inf" if i % 4 == 0 else i * 1.5, lambda i: i)
    query = "PREDICT y FROM 't.csv' {} WITH MODEL = ridge BUDGET 1 trials"
    seen = mile("--json", query.format("VALIDATE BY 2 FOLDS"), files={"t.csv": text})
    assert seen.answers()["task"] == "regression"
    assert "W327 7 of 28 rows have no y and are left out" in seen.findings
    mile("--json", query.format("VALIDATE BY HOLDOUT 25% IN ORDER OF o")).answers()


def test_huge_numbers_give_an_answer_and_say_what_they_broke(mile, ask):
    text = lines("a,b,y", lambda i: ("1e308", "-1e308", i)[i % 3], lambda i: 2**63 + number(i) * 10**20, label)
    query = ask(tail="VALIDATE BY 2 FOLDS WITH MODEL = decision_tree(max_depth = 3) | hist_gbm BUDGET 2 trials")
    answer = mile("--json", query, files={"t.csv": text}).answers()
    assert answer["task"] == "binary"


def test_nested_values_are_left_out_and_told(mile, ask):
    rows = [{"a": i % 7, "l": [1, i], "d": {"x": i}, "y": label(i)} for i in range(28)]
    answer = mile("--json", ask(source="'t.json'"), files={"t.json": json.dumps(rows)}).answers()
    said = [a["text"] for a in answer["assumptions"]]
    assert any(text.startswith("l is left out: no operator reads") for text in said)
    assert any(text.startswith("d is left out: no operator reads its STRUCT") for text in said)


def test_a_glob_goes_by_names_and_tells_what_is_empty(mile, ask, table):
    files = {"p1.csv": table(), "p2.csv": "b,a,y\n" + "p,1,no\nq,6,yes\n" * 4, "p3.csv": "", "p4.csv": "a,b,y\n"}
    seen = mile("--json", ask(source="'p*.csv'"), files=files)
    assert seen.answers()["leaderboard"][0]["score"] > 0.9
    assert "W331 'p*.csv': p3.csv is empty and left out" in seen.findings


# --- size ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_columns_are_a_table(process, n):
    row = ",".join(str(i % 9) for i in range(n))
    text = ",".join(f"c{i}" for i in range(n)) + ",y\n" + "".join(f"{i % 7}{row[1:]},{label(i)}\n" for i in range(24))
    query = f"PREDICT y FROM 't.csv' FEATURES (c0, c1, c{n - 1}) VALIDATE BY HOLDOUT 25% WITH MODEL = decision_tree BUDGET 1 trials"
    process("--json", "--backend", "inline", query, files={"t.csv": text}).answers()
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    assert used < 2, f"{used:.1f} GB"


@pytest.mark.parametrize("n", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_many_thousand_levels_are_a_column(mile, ask, n):
    text = lines("a,b,y", number, lambda i: f"level{i // 2}", label, n=2 * n)
    tail = "VALIDATE BY HOLDOUT 20% WITH ENCODE = hashing | target, MODEL = logistic(C = 1.0) BUDGET 1 trials"
    seen = mile("--json", ask("y", "'t.csv'", "KNOWING b IS CATEGORICAL", tail=tail), files={"t.csv": text})
    assert seen.answers()["leaderboard"][0]["score"] > 0.9
