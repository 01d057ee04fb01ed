"""A reverse proxy with a path, as small as it can be: `/booth/...` here is `/...` of the server behind it.

    python tests/browser/path_proxy.py PORT TARGET_PORT PATH [--strips]

With `--strips`, the proxy removes the path from requests and names its target in the Host header, as nginx does with
`proxy_pass http://127.0.0.1:8000/`. Without, it passes both on unchanged. Requests outside of the path are answered
404.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator


@contextlib.contextmanager
def serve_proxy(port: int, target: int, path: str, *, strips: bool) -> Iterator[None]:
    """Run the proxy in a process of its own until the end of the `with` block."""
    args = [str(port), str(target), path, *(["--strips"] if strips else [])]
    process = subprocess.Popen([sys.executable, __file__, *args])
    try:
        end = time.monotonic() + 20
        while not is_served(f"http://127.0.0.1:{port}{path}/api/v1/health"):
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def is_served(url: str) -> bool:
    """Return whether an address is answered with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Proxy:
    """The proxy: `target` is the port of the server behind it."""

    def __init__(self, target: int, path: str, strips: bool) -> None:
        self.target, self.path, self.strips = target, path, strips

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one request and its answer, and close the connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            address = head[0].split(" ")[1]
            if address != self.path and not address.startswith(f"{self.path}/"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                inner, outer = await asyncio.open_connection("127.0.0.1", self.target)
                outer.write(self.rewrite(head))
                upload = asyncio.create_task(copy(reader, outer))
                await copy(inner, writer)
                upload.cancel()
                outer.close()
        writer.close()

    def rewrite(self, head: list[str]) -> bytes:
        """Return the head of a request for the server behind the proxy."""
        method, address, version = head[0].split(" ")
        dropped = ("connection:", "host:") if self.strips else ("connection:",)
        headers = [line for line in head[1:] if line and not line.lower().startswith(dropped)]
        if self.strips:
            address = address.removeprefix(self.path) or "/"
            headers.append(f"Host: 127.0.0.1:{self.target}")
        return "\r\n".join([f"{method} {address} {version}", *headers, "Connection: close", "", ""]).encode("latin-1")


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until the end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def main() -> None:
    """Serve until the process is killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("path")
    parser.add_argument("--strips", action="store_true")
    args = parser.parse_args()
    proxy = Proxy(args.target, args.path, args.strips)
    async with await asyncio.start_server(proxy.answer, "127.0.0.1", args.port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
