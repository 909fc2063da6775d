"""The JSON Schema of the exchange form, for editors; ``schema.json`` beside this file is its published copy."""

from __future__ import annotations

from typing import Any

from mileage.language.exchange_read import CLAUSE_KEYS, FIELDS, KINDS, OTHER_FACTS

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
QUANTITY: Schema = {"type": ["number", "string"]}
TEXTS: Schema = {"type": "array", "items": TEXT}
NAMES: Schema = {"oneOf": [TEXT, {**TEXTS, "minItems": 1}]}
VALUE: Schema = {"type": ["string", "number", "boolean", "object"]}


def json_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of a query or script as plain data.

    Examples
    --------
    >>> json_schema()["properties"]["mileage"]
    {'const': 1}
    """
    statement = {
        "type": "object",
        "properties": {"statement": TEXT},
        "required": ["statement"],
        "additionalProperties": False,
    }
    query = _closed(_query_properties(), required=["predict"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "MILEAGE query",
        "type": "object",
        "properties": {
            "mileage": {"const": 1},
            **_query_properties(),
            "comments": {"anyOf": [_query_properties()["comments"], TEXTS]},  # of a query, or after a script
            "statement": TEXT,
            "script": {"type": "array", "items": {"anyOf": [query, statement]}},
        },
        "required": ["mileage"],
        "additionalProperties": False,
    }


def _closed(properties: Schema, **more: object) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def _query_properties() -> Schema:
    clauses = _clause_properties()
    head = {
        "target": NAMES,
        "task": {"enum": ["classification", "regression", "ranking", "forecast", "quantiles"]},
        "options": TEXTS,
    }
    notes = {"type": "object", "properties": dict.fromkeys(("predict", *CLAUSE_KEYS), TEXTS)}
    return {
        "predict": _closed(head, required=["target"]),
        **clauses,
        "clauses": {"type": "array", "items": _closed(clauses)},
        "comments": notes | {"additionalProperties": False},
    }


def _clause_properties() -> Schema:
    source = {"oneOf": [TEXT, _closed(dict.fromkeys(FIELDS["source"], TEXT), minProperties=1, maxProperties=1)]}
    validate = {"folds": WHOLE, "holdout": QUANTITY, "bootstrap": WHOLE, "on": source, "repeat": WHOLE}
    validate |= {"confirm": WHOLE, "together": NAMES, "in_order_of": TEXT, "stratified_by": NAMES}
    validate |= {"reshuffled": {"type": "boolean"}}
    goal = {"metric": TEXT, "op": {"enum": [">=", "<=", ">", "<", "="]}, "value": QUANTITY}
    wish = {"to": TEXT, "across": NAMES, "in": NAMES, "within": QUANTITY, "by": TEXT, "note": TEXTS}
    intent = {"oneOf": [TEXT, {"type": "object", "maxProperties": 1, "additionalProperties": _closed(wish)}]}
    bound = _closed({**goal, "where": TEXT, "confidence": QUANTITY, "note": TEXTS}, required=["metric", "op", "value"])
    limit = {"anyOf": [QUANTITY, _closed({"until": _closed(goal), "patience": QUANTITY}, maxProperties=1)]}
    return {
        "from": source,
        "features": NAMES,
        "excluding": NAMES,
        "validate": _closed(validate),
        "optimize": {"anyOf": [TEXT, {"type": "array", "items": NAMES}]},
        "knowing": {"type": "array", "items": _fact()},
        "using_knowledge": NAMES,
        "prefer": {"type": "array", "items": intent},
        "require": {"type": "array", "items": {"anyOf": [bound, intent]}},
        "with": {
            "anyOf": [{"type": "object", "additionalProperties": TEXT}, {"type": "array", "items": {"type": "object"}}]
        },
        "without": TEXTS,
        "reuse": NAMES,
        "budget": {"anyOf": [TEXT, {"type": "array", "items": limit}]},
        "return": _closed({"workflows": WHOLE, "diverse": {"type": "boolean"}}, required=["workflows"]),
        "seed": WHOLE,
        "named": TEXT,
        "hint": TEXTS,
    }


def _fact() -> Schema:
    common = {"belief": {"enum": ["certainly", "likely", "maybe"]}, "because": TEXT, "note": TEXTS}
    types: Schema = {"mechanism": {"enum": ["at_random", "not_at_random"]}, "codes": {"type": "array", "items": VALUE}}
    types |= {"values": {"type": "array", "items": VALUE}, "low": NUMBER, "high": NUMBER, "cost": NUMBER, "with": NAMES}
    types |= {"of": VALUE, "actual": VALUE, "predicted": VALUE}
    facts: Schema = {}
    for name, keys in KINDS.items():
        properties = {
            "columns": NAMES,
            "labels": {"type": "boolean"},
            **{k: types.get(k, TEXT) for k in keys},
            **common,
        }
        # The options of NOISY are named by the user.
        facts[name] = {"type": "object", "properties": properties} if name == "noisy" else _closed(properties)
    for name, keys in OTHER_FACTS.items():
        facts[name] = _closed({**{k: types.get(k, TEXT) for k in keys}, **common})
    return _closed(facts, minProperties=1, maxProperties=1)
