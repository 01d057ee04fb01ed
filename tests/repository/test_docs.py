"""The documentation is current: generated pages, module tree, diagram, exported names, links and commands."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import faceloom

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "faceloom"
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]
HINT = "run `make reference`"


def load(name: str) -> ModuleType:
    """Import a script of docs/ by its file."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def block(name: str) -> str:
    """Return the text between two markers of the architecture page."""
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    return text.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]


def test_generated_pages_are_current():
    stale = [
        str(path.relative_to(ROOT))
        for path, text in load("generate").pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, HINT


def test_the_tree_of_the_architecture_page_names_every_module():
    named, folders = set(), list[str]()
    for line in block("modules").splitlines():
        if entry := re.match(r"((?:  )+)(\w+(?:\.py|/))(?: |$)", line):
            depth = len(entry[1]) // 2 - 1
            folders[depth:] = [entry[2]]
            named.add("".join(folders))
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    expected = {file.removesuffix("__init__.py") for file in files} - {""}
    assert named == expected, HINT


def test_the_diagram_shows_the_layers_of_the_import_contract():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    expected = [set(re.split(r" [|:] ", layer)) for layer in contract["layers"]]
    diagram = block("diagram")
    drawn = [set(label.split(" · ")) for label in re.findall(r'layer\d+\["(.*?)"\]', diagram)]
    arrows = re.findall(r"layer(\d+) --> layer(\d+)", diagram)
    assert drawn == expected, HINT
    assert arrows == [(str(n), str(n + 1)) for n in range(len(expected) - 1)], HINT


def test_the_python_reference_shows_exactly_the_exported_names():
    shown = re.findall(r"^::: faceloom\.(\w+)$", (DOCS / "reference" / "python.md").read_text(encoding="utf-8"), re.M)
    assert sorted(shown) == sorted(set(faceloom.__all__) - {"__version__"}), HINT


def test_the_readme_is_one_page_and_names_the_license_first():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 60 <= text.count("\n") <= 90
    assert text.index("non-commercial") < text.index("```sh")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path: Path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", target)]
    missing = [target for target in targets if not (path.parent / target.partition("#")[0]).exists()]
    assert not missing


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_their_options_exist(path: Path):
    import typer

    from faceloom.cli.main import app

    wrong = []
    for line in shell_lines(path.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)
        command: Any = typer.main.get_command(app)
        rest = words[words.index("faceloom") + 1 :]
        while hasattr(command, "commands") and rest and rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        if default := getattr(command, "default", ""):
            command = command.commands[default]
        known = {word for parameter in command.params for word in [*parameter.opts, *parameter.secondary_opts]}
        unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word not in known | {"--help", "--version"}]
        if unknown or (hasattr(command, "commands") and rest and not rest[0].startswith("-")):
            wrong.append(line)
    assert not wrong


def shell_lines(text: str) -> Iterator[str]:
    """Yield the lines of shell examples that run faceloom."""
    for found in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in found.replace("\\\n", " ").splitlines():
            if re.match(r"(?:\w+=\S+ )*faceloom ", line):
                yield line


def test_the_example_in_the_readme_names_only_what_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    compile(example, "README.md", "exec")
    imported = re.findall(r"^from faceloom import (.*)$", example, re.M)[0].split(", ")
    assert set(imported) <= set(faceloom.__all__)
    methods = set(re.findall(r"studio\.(\w+)\(", example))
    assert all(callable(getattr(faceloom.Studio, name)) for name in methods)


def test_links_out_of_the_site_become_pages_or_text():
    pytest.importorskip("mkdocs")
    relink = load("hooks").relink
    page = "how-to/train.md"
    source = f"docs/{page}"
    assert relink("[a](datasets.md#x)", source, page) == "[a](datasets.md#x)"
    assert relink("[a](../../recipes/encoder/README.md)", source, page) == "[a](../model-cards/encoder.md)"
    assert relink("[NOTICE](../../NOTICE)", source, page) == "NOTICE"
    card = "recipes/open-faces/README.md"
    assert relink("![p](../../docs/pictures/x.webp)", card, "model-cards/open-faces.md") == "![p](../pictures/x.webp)"


def test_a_page_that_loads_from_another_server_is_refused():
    errors = pytest.importorskip("mkdocs.exceptions")
    hooks = load("hooks")
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    local = '<script src="assets/a.js"></script><a href="https://semver.org/">link</a>'
    assert hooks.on_post_page(local, page) == local
    for tag in (
        '<script async src="https://unpkg.com/mermaid"></script>',
        '<link rel="stylesheet" href="//fonts.x/a">',
    ):
        with pytest.raises(errors.PluginError, match="another server"):
            hooks.on_post_page(tag, page)


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_pages_that_the_code_mentions_exist():
    mentioned = {
        (path.relative_to(ROOT).as_posix(), page)
        for folder in ("src/faceloom", "tests", "bench", "recipes", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text(encoding="utf-8"))
    }
    assert not [(path, page) for path, page in sorted(mentioned) if not (ROOT / page).exists()]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_mentions_exist(path: Path):
    mentioned = re.findall(r"`((?:\w+/)+\w+\.(?:py|md|toml))`", path.read_text(encoding="utf-8"))
    assert not [name for name in mentioned if not (PACKAGE / name).exists() and not (ROOT / name).exists()]


@pytest.mark.models
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = "photo_to_film.ipynb"
    cells = json.loads((ROOT / "examples" / name).read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "clear the outputs before you commit"
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}[{number}]", "exec"), names)
    assert Path("film.webp").stat().st_size > 0
