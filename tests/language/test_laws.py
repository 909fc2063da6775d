"""What holds for every tree."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import queries, scripts

from mileage.core.units import Quantity
from mileage.language import (
    apply_refine,
    ast,
    diff,
    format_script,
    from_json,
    from_yaml,
    parse,
    parse_query,
    predict,
    semantic_hash,
    to_json,
    to_yaml,
)
from mileage.language.identity import key

quick = settings(suppress_health_check=list(HealthCheck))


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
def test_order_names_and_comments_are_no_identity(query: ast.Predict, random: Random) -> None:
    wishes = [clause for clause in query.clauses if isinstance(clause, ast.Prefer)]
    others = [_shuffled(c, random) for c in query.clauses if not isinstance(c, ast.Prefer | ast.Named | ast.Hint)]
    random.shuffle(others)
    other = replace(query, clauses=(*others, ast.Named(ast.Name("other")), *wishes), comments=("new",))
    assert semantic_hash(query) == semantic_hash(other)


@quick
@given(queries())
def test_writing_a_query_down_keeps_its_identity(query: ast.Predict) -> None:
    written = parse(format_script(ast.Script((query,)))).statements[0]
    assert isinstance(written, ast.Predict)
    assert semantic_hash(written) == semantic_hash(query)


@quick
@given(queries(), st.data())
def test_each_clause_is_identity(query: ast.Predict, data: st.DataObject) -> None:
    telling = [i for i, clause in enumerate(query.clauses) if not isinstance(clause, ast.Named | ast.Hint)]
    assume(telling)
    at = data.draw(st.sampled_from(telling))
    less = replace(query, clauses=query.clauses[:at] + query.clauses[at + 1 :])
    assert semantic_hash(less) != semantic_hash(query)


@quick
@given(queries(), queries())
def test_applying_a_difference_reaches_the_other_query(before: ast.Predict, after: ast.Predict) -> None:
    after = replace(after, targets=before.targets, task=before.task)
    assert semantic_hash(apply_refine(before, diff(before, after))) == semantic_hash(after)
    assert diff(after, after) == ()


@quick
@given(queries(), queries())
def test_a_typed_difference_is_the_same_edit(before: ast.Predict, after: ast.Predict) -> None:
    edits = diff(before, replace(after, targets=before.targets, task=before.task))
    assume(edits)
    typed = parse(format_script(ast.Script((ast.Refine(ast.Ref("q1"), edits),)))).statements[0]
    assert isinstance(typed, ast.Refine)
    assert typed.deltas == edits


@quick
@given(
    st.lists(st.sampled_from(["age", "net income", "from", "größe"]), min_size=1, max_size=3, unique=True),
    st.integers(2, 20), st.integers(0, 10**6), st.integers(1, 500), st.booleans(),
)  # fmt: skip
def test_what_python_builds_is_what_its_text_says(
    columns: list[str], folds: int, seed: int, trials: int, diverse: bool
) -> None:
    built = predict(columns[0]).from_("a.csv").excluding(*columns).validate(folds=folds)
    built = built.with_(model="logistic | knn(n_neighbors IN 1..9)").seed(seed).budget(trials=trials)
    built = built.returning(3, diverse=diverse)
    assert parse_query(str(built)) == built.query
    assert str(replace(built, query=parse_query(str(built)))) == str(built)


def _shuffled(clause: ast.Clause, random: Random) -> ast.Clause:
    """Return a clause with the items of its list in another order, where order says nothing."""
    lists = {ast.Excluding: "columns", ast.Features: "columns", ast.Knowing: "facts", ast.UsingKnowledge: "names",
             ast.Require: "items", ast.With: "assignments", ast.Without: "ops", ast.Budget: "items"}  # fmt: skip
    attribute = lists.get(type(clause))
    if attribute is None:
        return clause
    items = list(getattr(clause, attribute))
    random.shuffle(items)
    return replace(clause, **{attribute: tuple(items)})


def test_a_zero_has_no_sign() -> None:
    for unit in ("", "%", "s", "GB"):
        assert key(Quantity(-0.0, unit)) == key(Quantity(0, unit))
