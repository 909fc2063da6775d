"""What holds for every tree."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import queries, scripts

from mileage.language import (
    apply_refine,
    ast,
    diff,
    format_script,
    from_json,
    from_yaml,
    parse,
    semantic_hash,
    to_json,
    to_yaml,
)

quick = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(scripts)
def test_parsing_undoes_printing(script: ast.Script) -> None:
    text = format_script(script)
    again = parse(text)
    assert again == script
    assert format_script(again) == text


@quick
@given(scripts)
def test_plain_data_keeps_everything(script: ast.Script) -> None:
    again = from_json(to_json(script))
    assert again == script
    assert format_script(again) == format_script(script)


@settings(quick, max_examples=40)
@given(scripts)
def test_yaml_keeps_everything(script: ast.Script) -> None:
    assert from_yaml(to_yaml(script)) == script


@quick
@given(queries(), st.randoms(use_true_random=False))
def test_order_of_clauses_names_and_comments_are_no_identity(query: ast.Predict, random) -> None:
    clauses = [c for c in query.clauses if not isinstance(c, ast.Prefer | ast.Without | ast.With)]
    query = replace(query, clauses=tuple(clauses))
    random.shuffle(clauses)
    named = [c for c in clauses if not isinstance(c, ast.Named | ast.Hint)]
    other = replace(query, clauses=(*named, ast.Named(ast.Name("other"))), comments=("new",))
    assert semantic_hash(query) == semantic_hash(other)


@quick
@given(queries(), queries())
def test_applying_a_difference_reaches_the_other_query(before: ast.Predict, after: ast.Predict) -> None:
    after = replace(after, targets=before.targets, task=before.task)
    assert semantic_hash(apply_refine(before, diff(before, after))) == semantic_hash(after)
    assert diff(after, after) == ()
