"""The OpenAPI document of the whole server. `python -m faceloom.web.openapi` prints it as JSON.

The document is made from the routes alone: no worker is started, and torch is not loaded.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from faceloom.web.app import create_app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return create_app().openapi()


def main() -> None:
    """Print the OpenAPI document."""
    json.dump(openapi_document(), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
