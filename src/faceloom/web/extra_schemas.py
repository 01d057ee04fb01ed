"""Schemas that FastAPI does not add to the OpenAPI document by itself: of errors, and of server-sent events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from faceloom.web.booth.events import VISIT_EVENTS, Payload
from faceloom.web.booth.views import API, ErrorBody

Json = dict[str, Any]
EventModels = Mapping[str, tuple[type[Payload], ...]]

STREAMS: Mapping[str, EventModels] = {
    f"{API}/visit/events": VISIT_EVENTS,
    f"{API}/jobs/{{id}}/events": {"job": VISIT_EVENTS["job"]},
}
"""Payload models of every event stream, by path and event name."""

_REFERENCE = "#/components/schemas/{model}"


def add_schemas(document: Json) -> Json:
    """Add the error model and the payload models of the event streams to an OpenAPI document, and return it."""
    payloads = (model for events in STREAMS.values() for models in events.values() for model in models)
    models: list[type[BaseModel]] = [ErrorBody, *dict.fromkeys(payloads)]
    _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_REFERENCE)
    schemas = document["components"]["schemas"]
    for name, schema in definitions["$defs"].items():
        schemas.setdefault(name, schema)
    for path, events in STREAMS.items():
        if path in document["paths"]:
            content = document["paths"][path]["get"]["responses"]["200"]["content"]["text/event-stream"]
            content["itemSchema"] = {"oneOf": [_event_schema(name, events[name]) for name in events]}
    return document


def _event_schema(name: str, payloads: tuple[type[Payload], ...]) -> Json:
    """Return the schema of one kind of event: `data` is JSON text of the payload."""
    references = [{"$ref": _REFERENCE.format(model=payload.__name__)} for payload in payloads]
    payload = references[0] if len(references) == 1 else {"anyOf": references}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": payload}
    return {
        "type": "object",
        "properties": {"event": {"const": name}, "id": {"type": "string"}, "data": data},
        "required": ["event", "id", "data"],
    }


def install(app: FastAPI) -> None:
    """Make an app serve its OpenAPI document with these schemas."""
    plain = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = add_schemas(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
