"""The reference of the REST API as Markdown, rendered from the OpenAPI document and from the constants of the code.

Because everything is read from the code, the reference cannot differ from it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faceloom import errors
from faceloom.errors import FaceloomError
from faceloom.web import connections, security
from faceloom.web.app import ERROR_STATUSES
from faceloom.web.booth import api_sessions, booth, downloads, edits, films, friends
from faceloom.web.booth.state_machine import MAX_PHOTOGRAPHED, TRANSITIONS, transitions_markdown
from faceloom.web.extra_schemas import STREAMS
from faceloom.web.openapi import openapi_document
from faceloom.web.routes import api, lab, people
from faceloom.web.settings import BoothSettings

Json = Mapping[str, Any]

STATUSES: Mapping[int, str] = {
    400: "The request is not valid HTTP, or its body cannot be read",
    401: "The token or the PIN is missing or wrong",
    403: "The request is forbidden: a wrong Host header, another site's page, no consent, or a closed Lab",
    404: "There is no such thing, or it has expired",
    405: "The address does not support this method",
    408: "The request body arrived too slowly",
    409: "The request does not fit the current state; for a preview, a newer one replaced it",
    413: "The request body is too large",
    422: "The request or the picture is not valid",
    429: "There are too many requests, or too much work waits; `Retry-After` is the number of seconds to wait",
    500: "The server has an error of its own",
    503: "The worker was lost or has no memory; try again in a moment",
    507: "The disk is full, or a file cannot be written",
}
"""Meaning of every HTTP status of an error."""

HTTP_ERROR_CODES: Mapping[int, tuple[str, ...]] = {
    400: ("bad_request", "refused"),
    404: ("not_found",),
    405: ("wrong_method",),
    422: ("invalid",),
}
"""Codes of errors that the web framework raises."""

TAGS: Mapping[str, str] = {
    "programs": "API for programs",
    "jobs": "Jobs",
    "verify": "Marks of origin",
    "server": "Server",
    "visit": "Visit",
    "phone": "Phone",
    "people": "People",
    "friends": "Friends, children and films",
    "finish": "End of a visit",
    "downloads": "Downloads",
    "generated": "Generated faces",
    "lab": "Lab",
    "casts": "Casts",
    "operator": "Operator",
}
"""Headings by tag, in the order of the reference."""


def rest_reference_markdown() -> str:
    """Return the whole reference of the REST API as Markdown."""
    document = openapi_document()
    sections = [
        "# REST API reference",
        "This page is generated from the code. The same facts are served as OpenAPI 3.1 at `/api/v1/openapi.json`.",
        "## Authentication",
        "Operations for programs need the header `Authorization: Bearer TOKEN`. The server prints the token when it "
        "starts. Operations of a visit need the cookie `visit`, which `POST /api/v1/visits` sets, and every "
        "request that changes something needs the header `X-Faceloom: 1`.",
        "## Errors",
        'The body of every error is `{"error": {"code": ..., "message": ..., "hint": ...}}`.',
        _table(("status", "meaning", "codes"), _status_rows()),
        "## Limits",
        _table(("limit", "value"), _limit_rows()),
        *_operation_sections(document),
        "## Events",
        "Event streams are server-sent events. The data of an event is JSON.",
        _table(("stream", "event", "payload"), _event_rows()),
        "## States of a visit",
        transitions_markdown(),
        "## Models",
        *_model_sections(document["components"]["schemas"]),
    ]
    return "\n\n".join(sections) + "\n"


# -- errors and limits ------------------------------------------------------------------------------------------------


def error_codes() -> dict[int, set[str]]:
    """Return every error code of the server by HTTP status."""
    codes: dict[int, set[str]] = {status: set(names) for status, names in HTTP_ERROR_CODES.items()}
    for status, code in _refusals():
        codes.setdefault(status, set()).add(code)
    codes[409] |= {row.guard.code for row in TRANSITIONS if row.guard}
    for code, status in ERROR_STATUSES.items():
        codes.setdefault(status, set()).add(code)
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, FaceloomError) and not name.startswith("_"):
            code = FaceloomError.code.fget(error.__new__(error))  # type: ignore[attr-defined]
            codes.setdefault(ERROR_STATUSES.get(code, 422), set()).add(code)
    return codes


def _refusals() -> Iterator[tuple[int, str]]:
    """Yield status and code of every `RequestRefused` in the source of the web package."""
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RequestRefused":
                status, code = node.args[:2]
                if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
                    yield int(str(status.value)), str(code.value)


def _status_rows() -> list[tuple[str, ...]]:
    codes = error_codes()
    return [
        (str(status), meaning, ", ".join(f"`{code}`" for code in sorted(codes.get(status, ()))))
        for status, meaning in STATUSES.items()
    ]


def _limit_rows() -> list[tuple[str, ...]]:
    defaults = BoothSettings()
    return [
        ("Size of a photo", f"{security.MAX_PHOTO >> 20} MB"),
        ("Size of any other request body", f"{security.MAX_BODY >> 10} kB"),
        ("Time within which a request body must arrive", f"{security.UPLOAD_SECONDS:g} s"),
        ("Time within which the head of a request must arrive", f"{connections.HEADER_SECONDS:g} s"),
        ("Connections of an address", str(connections.MAX_PER_ADDRESS)),
        ("Connections of an address that have not sent a whole request", str(connections.MAX_RECEIVING_PER_ADDRESS)),
        ("Attempts at the PIN of an address", f"{security.PIN_TRIES} in {security.PIN_SECONDS / 60:g} min"),
        ("Previews and pictures of a visit in a minute", str(people.MAX_PREVIEWS)),
        ("Faces of the Lab for a visit in a minute", str(lab.MAX_LAB_FACES)),
        ("Requests with the token in a minute", str(api.REQUESTS_PER_MINUTE)),
        ("Time of an encoding (`seconds`)", f"at most {api.MAX_ENCODE_SECONDS:g} s"),
        ("Encodings that wait or run at once", str(api_sessions.MAX_ENCODINGS)),
        ("Visits, and likenesses of the API, at once", str(booth.MAX_VISITS)),
        ("Time until an unused visit or likeness is erased", f"{defaults.retention_minutes:g} min unless set"),
        ("Time until a download is erased", f"{defaults.take_minutes:g} min unless set"),
        ("Photographed people of a visit", str(MAX_PHOTOGRAPHED)),
        ("Steps of a history", str(edits.MAX_STEPS)),
        ("Kept steps of a person", str(edits.MAX_KEPT)),
        ("Children of a visit", str(friends.MAX_CHILDREN)),
        ("Films that are made at once for a visit", str(films.MAX_FILMS)),
        ("Downloads of a visit", str(downloads.MAX_DOWNLOADS)),
    ]


def _event_rows() -> list[tuple[str, ...]]:
    return [
        (f"`GET {path}`", f"`{event}`", " or ".join(_link(model.__name__) for model in models))
        for path, events in STREAMS.items()
        for event, models in events.items()
    ]


# -- operations -------------------------------------------------------------------------------------------------------


def _operation_sections(document: Json) -> Iterator[str]:
    """Yield a heading for each tag, and the operations below it."""
    by_tag: dict[str, list[str]] = {tag: [] for tag in TAGS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag[operation["tags"][-1]].append(_operation(document, method, path, operation))
    for tag, texts in by_tag.items():
        if texts:
            yield f"## {TAGS[tag]}"
            yield from texts


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    parts = [f"### `{method.upper()} {path}`", operation["description"]]
    rows = list(_input_rows(document, operation))
    if rows:
        parts.append(_table(("input", "in", "type", "description"), rows))
    parts.append(f"Response: {_response(operation)}.")
    return "\n\n".join(parts)


def _input_rows(document: Json, operation: Json) -> Iterator[tuple[str, ...]]:
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        yield _input_row(parameter["name"], parameter["in"], schema, parameter.get("required", False))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolve(document, content.get("schema", {}))
        for name, field in schema.get("properties", {}).items():
            yield _input_row(name, kind, field, name in schema.get("required", ()))
        if not schema:
            yield "(body)", kind, "binary", ""


def _input_row(name: str, location: str, schema: Json, required: bool) -> tuple[str, ...]:
    need = "required" if required else f"default {schema['default']}" if "default" in schema else ""
    facts = ", ".join(fact for fact in (need, _bounds(schema), schema.get("description", "")) if fact)
    return f"`{name}`", location, _type(schema), facts


def _bounds(schema: Json) -> str:
    """Return the range of a number, as in `0...1`, or ''."""
    for option in (schema, *schema.get("anyOf", ())):
        low = option.get("minimum", option.get("exclusiveMinimum"))
        high = option.get("maximum", option.get("exclusiveMaximum"))
        if low is not None or high is not None:
            return f"{'' if low is None else f'{low:g}'}...{'' if high is None else f'{high:.10g}'}"
    return ""


def _response(operation: Json) -> str:
    """Return status and content of the successful response."""
    status, response = next((key, value) for key, value in operation["responses"].items() if key.startswith("2"))
    content = response.get("content", {})
    if not content:
        return f"{status}, without a body"
    kinds = [_type(media["schema"]) if kind == "application/json" else f"`{kind}`" for kind, media in content.items()]
    return f"{status}, {' or '.join(kinds)}"


# -- models -----------------------------------------------------------------------------------------------------------


def _model_sections(schemas: Json) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        if name.startswith("Body_") or "properties" not in schema:
            continue
        parts = [f"### {name}"]
        if "description" in schema:
            parts.append(schema["description"])
        rows = [
            (f"`{field}`", _type(inner), ", ".join(filter(None, (_bounds(inner), inner.get("description", "")))))
            for field, inner in schema["properties"].items()
        ]
        parts.append(_table(("field", "type", "description"), rows))
        yield "\n\n".join(parts)


def _type(schema: Json) -> str:
    """Return the type of a schema in words, with a link to a model."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        count = len(schema["prefixItems"]) if "prefixItems" in schema else ""
        return f"array of {count} {_type(items)}".replace("  ", " ")
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return "binary"
    return str(schema.get("type", "any"))


def _link(model: str) -> str:
    return f"[{model}](#{model.lower()})"


def _resolve(document: Json, schema: Json) -> Json:
    """Return the schema that a reference names, or the schema itself."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    resolved: Json = document["components"]["schemas"][name] if name else schema
    return resolved


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    cells = ([" ".join(cell.replace("|", "\\|").split()) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
