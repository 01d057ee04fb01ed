"""`faceloom cast make`: cast the people of a plan or of a brief."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.workflows.cast.estimate import Estimate
    from faceloom.workflows.cast.executors import Executor
    from faceloom.workflows.cast.plan import Plan
    from faceloom.workflows.cast.run import CastResult

LONG_SECONDS = 12 * 3600  # estimated duration from which --yes is needed
SMALL = 40  # people of the largest cast that begins without a trial, which would take as long
MAX_LINES = 40  # of cells or problems that are printed


def make(
    plan: Annotated[Path | None, typer.Argument(help="A plan, a TOML file.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder to write; an interrupted run continues there.")
    ] = None,
    brief: Annotated[
        str | None, typer.Option(help="A plan in one sentence: '12 film extras, 20 to 70, half women, neutral'.")
    ] = None,
    format: Annotated[
        str,
        typer.Option(
            help="imagefolder, webdataset, nvidia, coco or parquet, or several with commas.", metavar="FORMAT"
        ),
    ] = "imagefolder",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells, the time and the space, from a trial; write nothing.")
    ] = False,
    replace: Annotated[
        str | None, typer.Option(help="Replace these people, by number: 7 or 7,12. The others stay as they are.")
    ] = None,
    exclude_near: Annotated[
        list[Path] | None, typer.Option(help="A folder of photos; no person of the cast resembles one in them.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=40_000, help="Seed, in place of the plan's.")] = None,
    size: Annotated[
        int | None, typer.Option(min=16, max=2048, help="Side of the pictures in pixels, in place of the plan's.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="generated, transparent, white, gray or green, in place of the plan's.")
    ] = None,
    executor: Annotated[
        str, typer.Option(help="process, multiprocessing, or ray with the extra 'scale'.", metavar="EXECUTOR")
    ] = "process",
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Number of workers; each uses one core.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Cast also when the trial shows a cell that cannot be drawn.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin also when it will take more than 12 hours.")] = False,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Cast generated people to order: pictures, masks and labels of people as a plan describes them.

    Every person is searched for among the generator's faces, edited where none fits, and read by three networks. What
    does not turn out as planned is reported. The same plan gives the same cast.

    \b
    Examples:
      faceloom cast --brief "12 film extras, 20 to 70, half women, neutral" -o extras
      faceloom cast plan.toml --dry-run
      faceloom cast plan.toml -o faces --executor multiprocessing --workers 2 --format imagefolder,coco
      faceloom cast plan.toml -o extras --replace 7
    """
    from faceloom.workflows.cast.cells import make_cells
    from faceloom.workflows.cast.estimate import estimate, require_possible, require_space
    from faceloom.workflows.cast.run import check_formats, check_generator, open_finished

    fields = {"seed": seed, "size": size, "background": background, "exclude": [str(p) for p in exclude_near or ()]}
    made = open_plan(plan, brief, {name: value for name, value in fields.items() if value not in (None, [])})
    formats = [name.strip() for name in format.split(",") if name.strip()]
    check_formats(formats)
    make_cells(made)
    run, number = choose_executor(executor, workers)
    if output is None and not dry_run:
        raise typer.BadParameter("name the folder to write", param_hint="-o")
    studio = open_studio(generator=generator or made.generator)
    check_generator(studio, made)
    if output is not None and not dry_run and replace:
        _print_result(_replace(studio, made, output, replace, formats), as_json)
        return
    done = None if output is None or dry_run else open_finished(output, made, formats)
    if done is None:
        if dry_run or output is None:
            _print_estimate(estimate(studio, made, formats, number), as_json)
            return
        if made.people > SMALL:
            expected = estimate(studio, made, formats, number)
            if not as_json:
                _print_estimate(expected, False)
            require_space(expected, output)
            _require_yes(expected, yes)
            if not partial:
                require_possible(expected)
        done = _cast(studio, made, output, formats, run)
    _print_result(done, as_json)


def open_plan(path: Path | None, brief: str | None, fields: dict[str, Any]) -> Plan:
    """Open a plan from a file or a brief, with some of its fields replaced."""
    from dataclasses import replace

    from faceloom.workflows.cast.brief import parse_brief
    from faceloom.workflows.cast.plan import read_plan

    if (path is None) == (brief is None):
        raise typer.BadParameter("give a plan or a brief, one of them", param_hint="PLAN or --brief")
    return parse_brief(brief, **fields) if brief is not None else replace(read_plan(path or Path()), **fields)


def choose_executor(name: str, workers: int | None) -> tuple[Executor, int]:
    """Return an executor by its name, and the number of its workers, by default one for each core."""
    import os

    from faceloom.workflows.cast.executors import run_here, run_in_processes

    cores = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if name == "process":
        return run_here, 1
    if name == "multiprocessing":
        return run_in_processes(cores), cores
    if name == "ray":
        from faceloom.workflows.cast.ray_executor import run_on_ray

        return run_on_ray(workers), workers or cores
    raise typer.BadParameter(f"'{name}' is none of process, multiprocessing, ray", param_hint="--executor")


def _cast(studio: Any, plan: Plan, output: Path, formats: list[str], run: Executor) -> CastResult:
    from faceloom.workflows.cast.run import cast

    with progress(1.0, "casting") as draw:
        return cast(studio, plan, output, formats=formats, executor=run, callback=draw)


def _replace(studio: Any, plan: Plan, output: Path, numbers: str, formats: list[str]) -> CastResult:
    from faceloom.workflows.cast.recast import recast

    people = [int(part) for part in numbers.split(",") if part.strip().isdigit()]
    if len(people) != len(numbers.split(",")):
        raise typer.BadParameter(f"'{numbers}' is not a list of numbers", param_hint="--replace")
    with progress(1.0, "replacing") as draw:
        return recast(studio, plan, output, people, formats=formats, callback=draw)


def _print_estimate(expected: Estimate, as_json: bool) -> None:
    if as_json:
        print_json(expected.to_json())
        return
    note(f"{expected.people:,} people in {len(expected.cells)} cells, {expected.pictures:,} pictures")
    for cell in expected.cells[:MAX_LINES]:
        state = "" if cell["can_draw"] is not False else f"  cannot be drawn: {cell['reason']}"
        note(f"{cell['people']:>9,}  {cell['cell']}{state}")
    if len(expected.cells) > MAX_LINES:
        note(f"          and {len(expected.cells) - MAX_LINES} more cells")
    note(
        f"about {_duration(expected.seconds)} and {expected.bytes / 1e6:,.0f} MB, {expected.peak_bytes / 1e6:,.0f} MB "
        f"on the way (from a trial of {expected.trial} people)"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"


def _require_yes(expected: Estimate, yes: bool) -> None:
    """Raise PlanError for a cast that will take long, unless the user agreed."""
    from faceloom.errors import PlanError

    if expected.seconds > LONG_SECONDS and not yes:
        raise PlanError(
            f"this will take about {_duration(expected.seconds)}", "begin with --yes, or with more --workers"
        )


def _print_result(result: CastResult, as_json: bool) -> None:
    report = result.report
    if as_json:
        print_json({"output": str(result.folder), **report})
        return
    met = sum(cell["met"] for cell in report["cells"])
    people = report["plan"]["people"]
    print_line(f"{result.folder}: {people} people, {report['pictures']} pictures; {met} are in their cells")
    for fact in report["problems"][:MAX_LINES]:
        note(f"person {fact['person']}: {fact['problem']}")
    if report["problem_count"] > MAX_LINES:
        note(f"and {report['problem_count'] - MAX_LINES} more, see {result.folder / 'cast.json'}")
