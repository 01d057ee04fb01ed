"""The OpenAPI document: every operation declares its response, its errors and a description."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from faceloom.analyze.attributes import SLIDERS
from faceloom.web.api_page import STATUSES, TAGS, error_codes, rest_reference_markdown
from faceloom.web.extra_schemas import STREAMS
from faceloom.web.openapi import openapi_document

DOCUMENT = openapi_document()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def successes(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the successful responses of an operation by status."""
    return {status: response for status, response in operation["responses"].items() if status.startswith("2")}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_a_response_schema(name: str):
    ((status, response),) = successes(OPERATIONS[name]).items()
    if status == "204":
        assert "content" not in response
        return
    assert response["content"]
    for kind, content in response["content"].items():
        schema = content.get("schema") or content["itemSchema"]
        assert schema, kind
        if kind == "application/json":
            assert schema.get("$ref") or schema.get("anyOf") or schema.get("items"), schema
        elif kind == "text/event-stream":
            assert all("contentSchema" in event["properties"]["data"] for event in schema["oneOf"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_declares_its_errors_and_a_description(name: str):
    operation = OPERATIONS[name]
    for statuses in ("4XX", "5XX"):
        schema = operation["responses"][statuses]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorBody"}
    assert operation["description"].endswith(".")
    assert operation["tags"][-1] in TAGS


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def test_every_event_stream_names_its_payloads():
    streams = {
        name.removeprefix("GET ")
        for name, operation in OPERATIONS.items()
        if "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    }
    assert streams == set(STREAMS)
    assert {model.__name__ for events in STREAMS.values() for models in events.values() for model in models} <= set(
        DOCUMENT["components"]["schemas"]
    )


def test_every_reference_has_a_schema():
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    schemas = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references(DOCUMENT) <= schemas


def test_the_preview_has_one_parameter_for_each_slider():
    parameters = OPERATIONS["GET /api/v1/people/{id}/preview"]["parameters"]
    by_name = {parameter["name"]: parameter["schema"] for parameter in parameters}
    for name, slider in SLIDERS.items():
        (number,) = (option for option in by_name[name]["anyOf"] if option["type"] == "number")
        assert (number["minimum"], number["maximum"]) == (slider.low, slider.high)


def test_every_status_of_an_error_is_explained():
    assert set(error_codes()) == set(STATUSES)


def test_the_reference_names_every_operation():
    reference = rest_reference_markdown()
    assert all(f"### `{name}`" in reference for name in OPERATIONS)


def test_the_document_is_printed_without_torch():
    code = "import faceloom.web.openapi as o, sys; o.main(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_programs_authenticate_with_a_bearer_token():
    assert DOCUMENT["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    protected = {name for name, operation in OPERATIONS.items() if operation.get("security") == [{"token": []}]}
    assert protected >= {"POST /api/v1/encode", "POST /api/v1/child", "POST /api/v1/likenesses/{id}/film"}
    assert "POST /api/v1/visits" not in protected


def test_pictures_are_declared_as_binary():
    image = successes(OPERATIONS["GET /api/v1/likenesses/{id}/image"])["200"]["content"]
    assert image == {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
    frame = OPERATIONS["POST /api/v1/visit/detect"]["requestBody"]["content"]["image/jpeg"]
    assert frame["schema"]["format"] == "binary"
