"""Generators on the Hugging Face Hub: upload with a model card, and download. Needs the extra `hub`.

A repository holds the generator as faceloom stores it: weights in safetensors, card.json, directions, and a signed card
over them, which `faceloom verify` reads. Nothing else is downloaded, so that no file that could hold code reaches this
machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any

from faceloom.checkpoints.library import CARD, LICENSE_NOT_STATED, locate_generator
from faceloom.checkpoints.load import GeneratorModel, load_generator
from faceloom.checkpoints.readers import native
from faceloom.errors import AssetError, MissingExtra, StoreError
from faceloom.marks.signatures import SUFFIX as SIGNATURE
from faceloom.marks.signatures import sign_files
from faceloom.settings import Settings
from faceloom.workflows.editing import DIRECTIONS

MODEL_CARD = "README.md"
FILES = (CARD, native.WEIGHTS, f"{DIRECTIONS}/*.safetensors")
"""Patterns of the files that are uploaded and signed."""
DOWNLOADS = (*FILES, f"*{SIGNATURE}")
"""Patterns of the files that are downloaded. The model card is for readers on the Hub only."""
MAX_DOWNLOAD_BYTES = 4 << 30  # largest total size of a downloaded generator
MAX_DOWNLOAD_FILES = 200
KNOWN_LICENSES = ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0")
"""Licenses that the Hub knows by the same name; other texts are stated in words."""


def push_to_hub(
    generator: str | Path,
    repository: str,
    *,
    private: bool = True,
    revision: str | None = None,
    token: str | None = None,
) -> str:
    """Upload a generator with its card and directions, and return the address of the commit.

    `generator` is a name of the models folder, or the folder of a snapshot. The repository `user/name` is created,
    private by default, when it does not exist. The Hub's own variables and login provide the token if none is given.
    Raises MissingExtra without huggingface_hub, AssetError for an unknown generator or when the Hub refuses.
    """
    hub = _import_hub()
    folder = locate_generator(str(generator))
    if not (folder / CARD).exists():
        raise AssetError(f"{generator} is not a folder with {CARD}", "import it first: faceloom models import")
    card = native.read_card(folder / CARD)
    with tempfile.TemporaryDirectory() as name:
        staging, title, files = Path(name), repository.rpartition("/")[2], []
        for pattern in FILES:
            for file in folder.glob(pattern):
                destination = staging / file.relative_to(folder)
                destination.parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(file, destination)
                files.append(destination)
        facts: dict[str, Any] = {key: card[key] for key in ("training", "licence") if key in card}
        sign_files(
            files,
            staging / f"{_folder_name(title)}{SIGNATURE}",
            {"generator": {"name": title, "family": card.get("family")}, **facts},
        )
        (staging / MODEL_CARD).write_text(model_card(title, card), encoding="utf-8")
        try:
            api = hub.HfApi(token=token)
            api.create_repo(repository, repo_type="model", private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repository,
                repo_type="model",
                folder_path=str(staging),
                revision=revision,
                commit_message="Upload a generator from faceloom",
            )
        except Exception as error:  # the library raises errors of several packages
            raise AssetError(
                f"cannot upload to {repository}: {_first_line(error)}", "check the name and login"
            ) from error
    return str(commit)


def from_pretrained(
    repository: str, *, revision: str | None = None, token: str | None = None, precision: str = "fp32"
) -> GeneratorModel:
    """Download a generator from the Hub and load it; files that are cached are not downloaded again.

    `revision` pins a commit, a tag or a branch. Raises MissingExtra without huggingface_hub, AssetError when the Hub
    refuses or the repository holds no generator of faceloom, StoreError when it is too large, and what `load_generator`
    raises.
    """
    return load_generator(str(download(repository, revision=revision, token=token)), precision)


def download(repository: str, *, revision: str | None = None, token: str | None = None) -> Path:
    """Download a generator from the Hub and return its folder. Raises as `from_pretrained`."""
    hub = _import_hub()
    try:
        info = hub.HfApi(token=token).model_info(repository, revision=revision, files_metadata=True)
        _check_size(repository, info.siblings)
        folder = Settings().home / "hub" / _folder_name(info.sha) / _folder_name(repository.rpartition("/")[2])
        hub.snapshot_download(
            repository,
            repo_type="model",
            revision=info.sha,
            allow_patterns=list(DOWNLOADS),
            local_dir=str(folder),  # real files: links into a cache are refused when the weights are read
            token=token,
        )
    except StoreError:
        raise
    except Exception as error:  # the library raises errors of several packages
        raise AssetError(
            f"cannot download {repository}: {_first_line(error)}", "check the name, the connection and the login"
        ) from error
    if not (folder / CARD).exists():
        raise AssetError(f"{repository} holds no {CARD}", "only generators that faceloom uploaded can be loaded")
    return folder


def model_card(name: str, card: Mapping[str, Any]) -> str:
    """Return the model card of a generator in Markdown, with the metadata that the Hub reads."""
    license = str(card.get("licence") or LICENSE_NOT_STATED)
    known = license.lower() in KNOWN_LICENSES
    header = {
        "library_name": "faceloom",
        "license": license.lower() if known else "other",
        **({} if known else {"license_name": license}),
        "tags": ["faceloom", "stylegan", str(card.get("family", "")), "image-generation"],
    }
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in header.items()), "---", ""]
    lines += [f"# {_escape(name)}", "", "A generator for [faceloom](https://pypi.org/project/faceloom/).", ""]
    lines += ["```python", "from faceloom.workflows.hub import from_pretrained", ""]
    lines += [f"model = from_pretrained({json.dumps('USER/' + name)})", "```", "", "| | |", "|---|---|"]
    training = card.get("training")
    facts = {
        "family": card.get("family"),
        "resolution": card.get("img_resolution"),
        "weights": card.get("parameters"),
        "labels": card.get("c_dim"),
        "origin": card.get("origin") or card.get("source"),
        "license": license,
        **(training if isinstance(training, dict) else {}),
    }
    lines += [f"| {_escape(key)} | {_escape(value)} |" for key, value in facts.items() if value is not None]
    notes = [f"- {_escape(note)}" for note in card.get("notes", ())]
    return "\n".join([*lines, "", *notes, ""])


def _check_size(repository: str, files: Any) -> None:
    """Check the sizes that the Hub states. Raises StoreError for a repository that is too large."""
    wanted = [file for file in files or () if any(fnmatchcase(file.rfilename, pattern) for pattern in DOWNLOADS)]
    total = sum(int(file.size or 0) for file in wanted)
    if total > MAX_DOWNLOAD_BYTES or len(wanted) > MAX_DOWNLOAD_FILES:
        raise StoreError(
            f"{repository} has {len(wanted)} files of {total / 2**30:.1f} GiB",
            f"at most {MAX_DOWNLOAD_FILES} files of {MAX_DOWNLOAD_BYTES >> 30} GiB together are downloaded",
        )


def _link_or_copy(file: Path, destination: Path) -> None:
    try:
        os.link(file, destination)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, destination)


def _escape(value: Any) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(str(value).split()))


def _folder_name(text: str) -> str:
    """Return a text as the name of a folder, without characters that could lead elsewhere."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:100] or "generator"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _import_hub() -> Any:
    try:
        return import_module("huggingface_hub")
    except ImportError as error:
        raise MissingExtra("exchanging generators with the Hugging Face Hub", "hub") from error
