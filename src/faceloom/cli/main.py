"""The `faceloom` command. Errors become one line and an exit status here and nowhere else."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from faceloom._version import __version__
from faceloom.cli import (
    align,
    analyze,
    anonymise,
    blend,
    booth,
    cast,
    children,
    dataset,
    demo,
    detect,
    direction,
    edit,
    encode,
    export,
    forget,
    generate,
    likeness,
    live,
    metrics,
    mix,
    models,
    morph,
    reveal,
    search,
    serve,
    style,
    train,
    verify,
    video,
)
from faceloom.cli.output import note, print_line
from faceloom.errors import Cancelled, FaceloomError

app = typer.Typer(
    name="faceloom",
    help="The StyleGAN face studio: detect faces in a photo, encode them, and edit them.",
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
    live,
    reveal,
    anonymise,
    metrics,
    export,
    blend,
    verify,
    forget,
    demo,
):
    app.command()(getattr(module, module.__name__.rpartition(".")[2]))
app.add_typer(cast.app, name="cast")
app.add_typer(dataset.app, name="dataset")
app.add_typer(direction.app, name="direction")
app.add_typer(likeness.app, name="likeness")
app.add_typer(models.app, name="models")
app.add_typer(style.app, name="style")


def _print_version(is_requested: bool) -> bool:
    if is_requested:
        print_line(f"faceloom {__version__}")
        raise typer.Exit
    return is_requested


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The StyleGAN face studio: detect faces in a photo, encode them, and edit them."""


def run() -> None:
    """Run the command line. Exits with 0 on success, 1 on an error, 2 on wrong usage, and 130 on Ctrl-C."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # use large pages; torch reads this when it is loaded
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # waiting threads do not use the processor; torch reads this when it is loaded
    from faceloom.memory import keep_memory

    keep_memory()
    try:
        app()
    except (KeyboardInterrupt, Cancelled):
        _fail("canceled", 130)
    except FaceloomError as error:
        _fail(f"{error.message}; {error.hint}" if error.hint else error.message, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of the pipe has ended
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'the operating system'}: {error.strerror or error}", 1)


def _fail(sentence: str, status: int) -> None:
    note(f"faceloom: {' '.join(sentence.split())}")
    sys.exit(status)
