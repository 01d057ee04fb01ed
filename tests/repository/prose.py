"""Find sentences that break the project's prose rules: banned words, docstring openings, and British spelling.

The checked text is docstrings and comments of Python, comments of TypeScript, the page's English strings, and Markdown.
Code in backticks, code blocks and addresses are left out.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = (
    "src/faceloom",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "recipes",
    "bench",
    "examples",
)
SKIPPED = {"node_modules", "dist", "__pycache__", "build"}

BANNED = (
    "whoever|whomever|whom|somebody|someone|nobody|anybody|anyone|everybody|anew|is to be had|can be had"
    "|that there is not|there is nobody|of one's own|network of neurons|invented (?:person|people|face|faces)|by heart"
    "|atelier|workshop|laboratory|courtesy|made? good|as ever|for the curious|is to be|are to be"
)
OPENINGS = (
    "What|Who|Whoever|Whose|Whom|Somebody|Someone|Nobody|Where|When|How|Whether|Why|Because|Those|That|As|Of|Out|It|"
    "This is|There is|There are"
)
BRITISH = (
    r"colou?rs?(?<!color)(?<!colors)|colour\w*|behaviour\w*|neighbour\w*|favour\w*|honour\w*|labell\w*|modell\w*|cancell(?:ed|ing|er)"
    r"|travell\w*|centre\w*|metre\w*|grey\w*|licence\w*|optimis\w*|normalis\w*|recognis\w*|organis\w*|initialis\w*|quantis\w*|analyse[drs]?"
    r"|minimis\w*|maximis\w*|equalis\w*|regularis\w*|penalis\w*|summaris\w*|catalogue\w*|programme\b|artefact\w*|judgement\w*|whilst|amongst"
)
_RULES = (
    ("banned words", re.compile(rf"\b(?:{BANNED})\b", re.IGNORECASE)),
    ("British spelling", re.compile(rf"\b(?:{BRITISH})\b", re.IGNORECASE)),
)
_OPENING = re.compile(rf"(?:{OPENINGS})\b")
_CODE = re.compile(
    r"```.*?```|(?m:^::: \S+)|~~~.*?~~~|``.*?``|`[^`]*`|https?://\S+|\]\([^)]*\)|<[^>]*>|\{[^{}\n]*\}", re.DOTALL
)


@dataclass(frozen=True)
class Violation:
    """A place whose wording breaks a rule."""

    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def violations(paths: list[Path]) -> Iterator[Violation]:
    """Yield every violation in the given files and folders."""
    for path in _files(paths):
        name = str(path.relative_to(ROOT))
        for line, text, is_docstring in _passages(path):
            bare = _CODE.sub(lambda code: "\n" * code.group().count("\n"), text)
            for rule, pattern in _RULES:
                for found in pattern.finditer(bare):
                    yield Violation(name, line + bare[: found.start()].count("\n"), rule, found.group())
            if is_docstring and (opening := _OPENING.match(text.lstrip())):
                yield Violation(name, line, "docstring opens with", opening.group())


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_text = file.suffix in (".py", ".ts", ".tsx", ".md") or file.name == "en.json"
            if is_text and file.is_file() and not SKIPPED & set(file.relative_to(ROOT).parts):
                yield file


def _passages(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Yield the prose of a file: line, text, and whether it is a docstring."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _docstrings(text)
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            is_sentence = token.type == tokenize.STRING and token.string.count(" ") > 2
            if token.type == tokenize.COMMENT or (is_sentence and not token.string.endswith('"""')):
                yield token.start[0], token.string, False
    elif path.suffix in (".ts", ".tsx"):
        for found in re.finditer(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", text, re.DOTALL):
            yield text[: found.start()].count("\n") + 1, found.group(), False
    elif path.name == "en.json":
        for value in json.loads(text).values():
            yield 1, str(value), False
    else:
        yield 1, text, False


def _docstrings(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield docstrings, also those below constants and fields."""
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for number, child in enumerate(body):
            is_text = (
                isinstance(child, ast.Expr)
                and isinstance(child.value, ast.Constant)
                and isinstance(child.value.value, str)
            )
            if not is_text:
                continue
            documents_node = number == 0 and isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            )
            documents_constant = number > 0 and isinstance(body[number - 1], ast.Assign | ast.AnnAssign)
            yield child.lineno, child.value.value, documents_node or documents_constant
