"""The reference of the REST API as Markdown, rendered from the OpenAPI document and from constants of the code."""

from __future__ import annotations
