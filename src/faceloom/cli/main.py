"""`faceloom`: the command line. Only here errors become one line and an exit status."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from faceloom._version import __version__
from faceloom.cli import (
    align,
    analyze,
    booth,
    children,
    dataset,
    demo,
    detect,
    direction,
    edit,
    encode,
    export,
    generate,
    likeness,
    metrics,
    mix,
    models,
    morph,
    search,
    serve,
    train,
    video,
)
from faceloom.errors import FaceloomError

app = typer.Typer(
    name="faceloom",
    help="The StyleGAN face studio: find faces in a photo, reproduce them, and control them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    booth,
    serve,
    detect,
    analyze,
    align,
    encode,
    edit,
    mix,
    morph,
    children,
    search,
    generate,
    train,
    video,
    metrics,
    export,
    demo,
):
    app.command()(getattr(module, module.__name__.rpartition(".")[2]))
app.add_typer(dataset.app, name="dataset")
app.add_typer(direction.app, name="direction")
app.add_typer(likeness.app, name="likeness")
app.add_typer(models.app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"faceloom {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """The StyleGAN face studio: find faces in a photo, reproduce them, and control them."""


def run() -> None:
    """Run the command line: exit 0 when it worked, 1 on a user's error, 2 on wrong usage, 130 on Ctrl-C."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages; read when torch is loaded, as is the next
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the processor to others
    from faceloom.memory import keep_memory

    keep_memory()
    try:
        app()
    except FaceloomError as error:
        _fail(f"{error.message}; {error.hint}" if error.hint else error.message, 1)
    except KeyboardInterrupt:
        _fail("stopped", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read us has gone: leave quietly
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)


def _fail(sentence: str, status: int) -> None:
    print(f"faceloom: {' '.join(sentence.split())}", file=sys.stderr)
    sys.exit(status)
