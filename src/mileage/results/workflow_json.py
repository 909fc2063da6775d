"""Workflows as plain JSON, to be kept with a trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mileage.core.domains import Value
from mileage.operators.base import Branch, StepSpec
from mileage.results.encoding import value_from_json, value_to_json
from mileage.workflow import Step, Workflow


def workflow_to_json(workflow: Workflow) -> dict[str, Any]:
    """Return a workflow as plain values."""
    return {
        "task": workflow.task,
        "steps": [_step_to_json(step) for step in workflow.steps],
        "slots": [[slot, [_spec(spec) for spec in specs]] for slot, specs in workflow.slots],
    }


def workflow_from_json(data: Mapping[str, Any]) -> Workflow:
    """Return the workflow that :func:`workflow_to_json` wrote."""
    slots = tuple((slot, tuple(_read_spec(spec) for spec in specs)) for slot, specs in data["slots"])
    return Workflow(tuple(_read_step(step) for step in data["steps"]), data["task"], slots)


def _step_to_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "spec": _spec(step.spec) if step.spec is not None else None,
        "inputs": list(step.inputs),
        "branch": str(step.branch),
        "columns": list(step.columns),
        "context": [[name, _context_value(value)] for name, value in step.context],
    }


def _read_step(data: Mapping[str, Any]) -> Step:
    context = tuple((name, _read_context(name, value)) for name, value in data["context"])
    spec = _read_spec(data["spec"]) if data["spec"] is not None else None
    return Step(data["name"], spec, tuple(data["inputs"]), Branch(data["branch"]), tuple(data["columns"]), context)


def _context_value(value: Any) -> Any:
    return str(value) if isinstance(value, Branch) else value_to_json(value)


def _read_context(name: str, value: Any) -> Value:
    return Branch(value) if name == "branch" else value_from_json(value)


def _spec(spec: StepSpec) -> list[Any]:
    return [spec.operator, [[name, value_to_json(value)] for name, value in spec.params]]


def _read_spec(data: list[Any]) -> StepSpec:
    return StepSpec(data[0], tuple((name, value_from_json(value)) for name, value in data[1]))
