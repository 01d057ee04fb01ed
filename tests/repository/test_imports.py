"""No module imports itself by way of others, whether at import time, inside a function, or for types only."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def imports_of(path: Path, modules: set[str]) -> set[str]:
    """Return the modules of the package that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & modules) or {node.module}
    return found & modules


def graph_of(folder: Path) -> dict[str, set[str]]:
    """Return the imports of every module of the package, by module name."""
    files = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in folder.rglob("*.py")
        if "node_modules" not in path.parts
    }
    return {name: imports_of(path, set(files)) - {name} for name, path in files.items()}


def circles_in(graph: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of modules that can reach each other, each group once."""
    reach = {name: set(targets) for name, targets in graph.items()}
    changed = True
    while changed:
        changed = False
        for targets in reach.values():
            more = set().union(*(reach[target] for target in targets)) - targets if targets else set()
            targets |= more
            changed = changed or bool(more)
    groups = [
        frozenset(other for other in reach[name] if name in reach[other]) for name in reach if name in reach[name]
    ]
    return [set(group) for group in set(groups)]


def test_there_is_no_import_circle():
    assert circles_in(graph_of(SOURCE / "faceloom")) == []


def test_a_circle_is_found():
    assert circles_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
