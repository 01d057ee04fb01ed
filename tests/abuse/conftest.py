"""The tiny booth and its browsers, which are those of tests/web."""

from __future__ import annotations

from tests.web.conftest import client, server

__all__ = ["client", "server"]
