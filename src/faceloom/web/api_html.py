"""The reference of the REST API, made from its OpenAPI document: as an HTML page without scripts, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]


def openapi_html(openapi: Json) -> str:
    """Return an OpenAPI document as an HTML page that loads nothing from other sites."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_entry(openapi, method, path, operation))
    parts = [f"<h2>{escape(tag)}</h2>{''.join(entries)}" for tag, entries in by_tag.items()]
    head = f"<h1>{escape(openapi['info']['title'])} {escape(openapi['info']['version'])}</h1>"
    link = '<p><a href="openapi.json">openapi.json</a></p>'
    return _PAGE.format(body=head + link + "".join(parts))


def _entry(openapi: Json, method: str, path: str, operation: Json) -> str:
    rows = "".join(_row(*row) for row in _inputs(openapi, operation))
    table = f"<table>{rows}</table>" if rows else ""
    text = escape(operation.get("description") or operation.get("summary") or "")
    return f"<h3><code>{method.upper()} {escape(path)}</code></h3><p>{text}</p>{table}"


def _inputs(openapi: Json, operation: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield the inputs of an operation: (name, location, schema)."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "header":
            yield parameter["name"], parameter["in"], parameter.get("schema", {})
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(openapi, content.get("schema", {}))
        for name, inner in schema.get("properties", {}).items():
            yield name, kind, inner
        if not schema:
            yield "body", kind, {}


def _resolved(openapi: Json, schema: Json) -> Json:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Json = openapi["components"]["schemas"][name] if name else schema
    return found


def _row(name: str, where: str, schema: Json) -> str:
    options = [schema, *(one for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    facts = {key: value for option in options for key, value in option.items() if key in _FACTS}
    said = ", ".join(f"{key} {value}" for key, value in facts.items())
    return f"<tr><td><code>{escape(name)}</code></td><td>{escape(where)}</td><td>{escape(said)}</td></tr>"


_FACTS = ("type", "enum", "minimum", "maximum", "default", "pattern", "maxLength")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>faceloom API</title><link rel="stylesheet" href="docs.css"></head><body><main>{body}</main></body></html>
"""

CSS = """body { background: #141312; color: #f3efe9; font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem }
main { margin: auto; max-width: 56rem } h2 { border-bottom: 1px solid #3a3733; margin-top: 3rem }
h3 { margin-bottom: 0 } p { color: #cfc8be; margin: .25rem 0 } code { color: #ffb39f } a { color: #ffb39f }
table { border-collapse: collapse; font-size: .875rem; margin: .5rem 0 1.5rem; width: 100% }
td { border-top: 1px solid #2a2825; padding: .25rem .75rem .25rem 0; vertical-align: top }
"""
