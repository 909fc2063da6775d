"""Texts to trees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from examples import EXAMPLES

import mileage.language
from mileage.core.units import Quantity
from mileage.errors import ParseError
from mileage.language import (
    ast,
    check,
    format_script,
    from_json,
    from_yaml,
    json_schema,
    parse,
    parse_query,
    to_json,
    to_yaml,
)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_survives_all_faces(text: str) -> None:
    script = parse(text)
    assert parse(format_script(script)) == script
    assert format_script(parse(format_script(script))) == format_script(script)
    assert from_json(json.loads(json.dumps(to_json(script)))) == script
    assert from_yaml(to_yaml(script)) == script


def test_there_are_sixteen_examples() -> None:
    assert len(EXAMPLES) == 16


def test_no_word_is_reserved() -> None:
    query = parse_query("PREDICT from FROM text EXCLUDING budget, with, seed BUDGET 2 min")
    assert query.targets == (ast.Name("from"),)
    assert query.clause(ast.Excluding) == ast.Excluding((ast.Name("budget"), ast.Name("with"), ast.Name("seed")))
    assert query.clause(ast.Budget) == ast.Budget((ast.BudgetQuantity(Quantity(2, "min")),))


def test_spans_cut_what_was_written() -> None:
    text = "PREDICT y FROM (SELECT ')' -- )\n FROM t) WITH MODEL = knn(k IN 1..3)"
    query = parse_query(text)
    source = query.clause(ast.From).source
    assert source.sql.span.cut(text) == source.sql.text == "SELECT ')' -- )\n FROM t"
    assert query.clause(ast.With).span.cut(text) == "WITH MODEL = knn(k IN 1..3)"


def test_comments_stay_with_their_nodes() -> None:
    text = (
        "-- all\nPREDICT y FROM t -- rows\n-- known\nKNOWING\n  -- first\n  a IS TEXT,\n  b IS TEXT -- second\n-- end\n"
    )
    script = parse(text)
    query = script.statements[0]
    knowing = query.clause(ast.Knowing)
    assert (query.comments, query.clauses[0].comments, knowing.comments) == (("all",), ("rows",), ("known",))
    assert [fact.comments for fact in knowing.facts] == [("first",), ("second",)]
    assert script.comments == ("end",)


def test_comments_stay_with_items_of_a_list() -> None:
    text = (
        "PREDICT y FROM t\nWITH MODEL = knn, -- few rows\n     -- all in mm\n     SCALE = none\n"
        "PREFER fast, -- live\n       simple\nREQUIRE recall >= 0.9, -- by law\n        fair"
    )
    script = parse(text)
    query = script.statements[0]
    assert [a.comments for a in query.clause(ast.With).assignments] == [("few rows",), ("all in mm",)]
    assert [i.comments for i in query.clause(ast.Prefer).intents] == [("live",), ()]
    assert [i.comments for i in query.clause(ast.Require).items] == [("by law",), ()]
    written = format_script(script)
    assert "     -- all in mm\n     SCALE = none\n" in written
    assert format_script(parse(written)) == written
    assert format_script(from_yaml(to_yaml(script))) == written


def test_log_and_then_are_recorded() -> None:
    query = parse_query("PREDICT y OPTIMIZE a, b THEN c WITH M = l(C IN LOG 1..2, D IN 1..2)")
    assert [len(level) for level in query.clause(ast.Optimize).metrics] == [2, 1]
    (op,) = query.clause(ast.With).assignments[0].chain.ops()
    assert [param.domain.log for param in op.params] == [True, False]


def test_bound_confidence_and_next_clause_are_told_apart() -> None:
    query = parse_query("PREDICT y REQUIRE a >= 1 WITH CONFIDENCE 95% WITH confidence = x")
    assert query.clause(ast.Require).items[0].confidence == Quantity(95, "%")
    assert query.clause(ast.With).assignments[0].slot == ast.Name("confidence")


def test_parse_query_wants_one_query() -> None:
    for text, code in [("", "E102"), ("SHOW history", "E106"), ("PREDICT y; PREDICT z", "E106")]:
        with pytest.raises(ParseError) as caught:
            parse_query(text)
        assert caught.value.code == code
    assert check("") == ()


def test_importing_the_face_loads_no_lark() -> None:
    code = "import sys, mileage.language; print([m for m in ('lark', 'ruamel', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_published_schema_is_current() -> None:
    path = Path(mileage.language.__file__).with_name("schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema()


def test_unknown_keys_name_the_near_ones() -> None:
    with pytest.raises(ParseError, match=r"unknown key 'sead' in the query\n  did you mean 'seed'"):
        from_json({"mileage": 1, "predict": {"target": "y"}, "sead": 7})
    with pytest.raises(ParseError, match="unknown key 'fold' in validate"):
        from_yaml("mileage: 1\npredict: {target: y}\nvalidate: {fold: 5}\n")
    for text in (
        "",
        "[1]",
        "a: [",
        "mileage: 2",
        "mileage: 1\npredict: 5",
        "mileage: 1\npredict: {target: y}\nknowing: 3",
    ):
        with pytest.raises(ParseError):
            from_yaml(text)
