"""The public URL of a server behind a reverse proxy: `https://events.example/booth`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from faceloom.errors import FaceloomError

DEFAULT_PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9.:-]+")
PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
RESERVED = {"api", "assets", "download", "phone", "lab", "operator", "gallery", "random"}
"""First parts of the server's own paths: a public path that begins so could not be told from them."""


@dataclass(frozen=True)
class PublicUrl:
    """A public URL: its origin as browsers send it, its host name, and its path without a slash at the end, or ''."""

    origin: str
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> PublicUrl:
        """Read a public URL. Raises FaceloomError when it is not one."""
        try:
            parts = urlsplit(text.strip())
            port, host = parts.port, (parts.hostname or "").lower()
        except ValueError:
            raise _not_public(text) from None
        path = parts.path.rstrip("/")
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in DEFAULT_PORTS or not plain or not HOST.fullmatch(host) or not PATH.fullmatch(path):
            raise _not_public(text)
        if path.split("/")[1:2] and path.split("/")[1] in RESERVED:
            raise FaceloomError(f"the public path '{path}' is one of the server's own", "choose another, as /booth")
        name = f"[{host}]" if ":" in host else host
        suffix = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
        return cls(f"{parts.scheme}://{name}{suffix}", host, path)

    @property
    def url(self) -> str:
        """The whole URL, without a slash at the end."""
        return self.origin + self.path

    @property
    def uses_https(self) -> bool:
        """Return whether the scheme is HTTPS."""
        return self.origin.startswith("https://")

    def local_path(self, path: str) -> str:
        """Return a request's path without the public path, whether or not the proxy has removed it already."""
        rest = path.removeprefix(self.path)
        return rest or "/" if self.path and (not rest or rest.startswith("/")) else path


def _not_public(text: str) -> FaceloomError:
    return FaceloomError(f"'{text[:80]}' is not a public URL", "give one such as https://events.example/booth")
