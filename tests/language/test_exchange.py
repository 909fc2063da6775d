"""The exchange form: its published schema, and the document of the design."""

from __future__ import annotations

import json
from typing import Any

import pytest
from examples import EXAMPLES
from hypothesis import HealthCheck, given, settings
from strategies import scripts

from mileage.errors import ParseError
from mileage.language import ast, format_query, from_json, from_yaml, json_schema, parse, semantic_hash, to_json

# As the design writes it, its comment included.
DOCUMENT = """\
mileage: 1
predict: {target: cancer_type, task: classification}
from: records.parquet
validate: {folds: 5, together: [patient_id]}
knowing:
  - false_negatives: {of: lung, cost: 10, because: lung cancer is more often fatal}   # belief: certainly
  - noisy: {columns: [age, pack_years], sd: 5%}
prefer: [{interpretable: {within: 2%}}, {robust: {to: noise, in: [age, pack_years]}}]
require: [{metric: "recall('lung')", op: ">=", value: 0.90, confidence: 95%}, {metric: "gap(recall, sex)", op: "<=", value: 0.05}]
"""
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
}  # fmt: skip


def mismatches(data: Any, schema: dict[str, Any], at: str = "$") -> list[str]:
    """Return where data does not fit a schema: the keywords that ours uses, as draft 2020-12 means them."""
    unknown = set(schema) - {
        "$schema", "title", "type", "const", "enum", "minimum", "items", "minItems", "properties", "required",
        "additionalProperties", "minProperties", "maxProperties", "oneOf", "anyOf",
    }  # fmt: skip
    assert not unknown, unknown
    found = []
    if "const" in schema and data != schema["const"]:
        found.append(f"{at}: not {schema['const']}")
    if "enum" in schema and data not in schema["enum"]:
        found.append(f"{at}: not one of {schema['enum']}")
    if "type" in schema and not any(_is(data, kind) for kind in _many(schema["type"])):
        return [*found, f"{at}: no {schema['type']}"]
    if isinstance(data, int | float) and data < schema.get("minimum", data):
        found.append(f"{at}: too small")
    if isinstance(data, list):
        found += [f"{at}: too short"] if len(data) < schema.get("minItems", 0) else []
        found += [m for i, item in enumerate(data) for m in mismatches(item, schema.get("items", {}), f"{at}[{i}]")]
    if isinstance(data, dict):
        found += _mapping(data, schema, at)
    for word, fits in (("oneOf", lambda n: n == 1), ("anyOf", lambda n: n > 0)):
        if word in schema and not fits(sum(not mismatches(data, part, at) for part in schema[word])):
            found.append(f"{at}: {word} does not hold")
    return found


def _mapping(data: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{at}: lacks {key}" for key in schema.get("required", []) if key not in data]
    size = schema.get("minProperties", 0) <= len(data) <= schema.get("maxProperties", len(data))
    found += [] if size else [f"{at}: wrong number of keys"]
    for key, value in data.items():
        if key in properties:
            found += mismatches(value, properties[key], f"{at}.{key}")
        elif more is False:
            found.append(f"{at}: unknown key {key}")
        elif isinstance(more, dict):
            found += mismatches(value, more, f"{at}.{key}")
    return found


def _many(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _is(data: Any, kind: str) -> bool:
    return isinstance(data, TYPES[kind]) and (kind == "boolean" or not isinstance(data, bool))


def test_the_document_of_the_design_is_accepted_as_written() -> None:
    query = from_yaml(DOCUMENT)
    assert isinstance(query, ast.Predict)
    assert format_query(query) == (
        "PREDICT cancer_type AS CLASSIFICATION FROM 'records.parquet'\n"
        "VALIDATE BY 5 FOLDS KEEPING patient_id TOGETHER\n"
        "KNOWING FALSE NEGATIVES OF 'lung' COST 10 BECAUSE 'lung cancer is more often fatal',\n"
        "        age AND pack_years ARE NOISY (sd = 5%)\n"
        "PREFER interpretable WITHIN 2%, robust TO noise IN (age, pack_years)\n"
        "REQUIRE recall('lung') >= 0.9 WITH CONFIDENCE 95%, gap(recall, sex) <= 0.05"
    )
    assert mismatches(to_json(query), json_schema()) == []


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_fits_the_published_schema(text: str) -> None:
    script = parse(text)
    assert mismatches(to_json(script), json_schema()) == []
    for statement in script.statements:
        assert mismatches(to_json(statement), json_schema()) == []


@settings(suppress_health_check=list(HealthCheck))
@given(scripts)
def test_whatever_is_written_fits_the_schema(script: ast.Script) -> None:
    assert mismatches(json.loads(json.dumps(to_json(script))), json_schema()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"mileage": 2, "predict": {"target": "y"}},
        {"mileage": 1, "predict": {}},
        {"mileage": 1, "predict": {"target": "y", "task": "guessing"}},
        {"mileage": 1, "predict": {"target": "y"}, "sead": 7},
        {"mileage": 1, "predict": {"target": "y"}, "seed": "x"},
        {"mileage": 1, "predict": {"target": "y"}, "validate": {"fold": 5}},
        {"mileage": 1, "predict": {"target": "y"}, "knowing": [{"leakey": {"columns": "a"}}]},
        {"mileage": 1, "predict": {"target": "y"}, "return": {"diverse": True}},
        {"mileage": 1, "predict": {"target": "y"}, "require": [{"metric": "recall", "op": "=>", "value": 1}]},
    ],
)
def test_what_the_schema_refuses_is_refused_when_read(wrong: dict[str, Any]) -> None:
    assert mismatches(wrong, json_schema())
    with pytest.raises(ParseError):
        from_json(wrong)


def test_the_faces_of_a_query_have_one_identity() -> None:
    query = from_yaml(DOCUMENT)
    assert isinstance(query, ast.Predict)
    again = from_json(to_json(query))
    assert isinstance(again, ast.Predict)
    assert semantic_hash(again) == semantic_hash(query)
