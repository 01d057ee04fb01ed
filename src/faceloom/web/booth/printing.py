"""Printing: what is on the paper, the printers of this machine, copies, the quota of a visit, and reprints."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from typing import Literal

from faceloom.errors import StoreError
from faceloom.store import Download, Person, Visit
from faceloom.store.spool import read_job
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth, RecentPrint
from faceloom.web.booth.edits import ref_at
from faceloom.web.booth.programs import run_program
from faceloom.web.booth.views import PrinterView
from faceloom.web.security import RequestRefused
from faceloom.web.settings import Language
from faceloom.web.worker.messages import MAIN_PLACE, PrintDesign, PrintStep, VisibleLabel

log = logging.getLogger("faceloom.booth")

PRINT_SECONDS = 20.0  # seconds within which the printer must accept a picture
LIST_SECONDS = 5.0  # seconds within which CUPS must list its printers
YEARS_ON_PAPER = (-25.0, 25.0, -14.0, 14.0, 40.0, -40.0)  # years before and after the shown age, the best choice first
SMILES_ON_PAPER = (0.95, 0.05)  # probabilities of a smile that fill the paper where age cannot
MIN_YEARS = 8.0  # years: pictures whose ages differ by less look alike

ArtworkKind = Literal["logo", "frame"]
ARTWORK: tuple[ArtworkKind, ...] = ("logo", "frame")

MONTHS: dict[Language, tuple[str, ...]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
           "November", "Dezember"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
}  # fmt: skip
DATES: dict[Language, str] = {"en": "{} {} {}", "de": "{}. {} {}", "es": "{} de {} de {}", "fr": "{} {} {}"}


# -- what is on the paper ---------------------------------------------------------------------------------------------


def print_steps(booth: Booth, owner: Visit, person: Person) -> tuple[PrintStep, ...]:
    """Return the candidates for the pictures beside the current one, the most important one first.

    The kept versions come first, in the order in which they were kept. Younger and older pictures, other smiles and the
    person as encoded fill the paper.
    """
    kept = list(enumerate(person.kept, start=1))
    steps = [PrintStep(ref_at(booth, owner, person, entry.step), place=float(n)) for n, entry in reversed(kept)]
    shown = shown_ref(booth, owner, person)
    steps += [PrintStep(shown, MAIN_PLACE + years, {"age": age}) for years, age in _other_ages(person)]
    steps.append(PrintStep(ref_at(booth, owner, person, person.history[0]), place=0.5))
    if "smile" in person.slider_values:
        steps += [PrintStep(shown, MAIN_PLACE + n, {"smile": smile}) for n, smile in enumerate(SMILES_ON_PAPER, 1)]
    return tuple(steps)


def _other_ages(person: Person) -> list[tuple[float, float]]:
    """Return the years of difference to the shown age, and the slider value, of younger and older pictures."""
    slider = next((slider for slider in person.shown_sliders if slider.name == "age"), None)
    if slider is None:
        return []
    now = person.step.outcome.reached.get("age", person.slider_values["age"])
    ages: list[tuple[float, float]] = []
    for years in YEARS_ON_PAPER:
        age = min(max(now + years, slider.min), slider.max)
        if all(abs(age - other) >= MIN_YEARS for other in (now, *(other for _, other in ages))):
            ages.append((age - now, age))
    return ages


def print_design(booth: Booth) -> PrintDesign:
    """Return the design of the paper by the operator's settings."""
    settings = booth.settings
    paths = {kind: artwork_path(booth, kind) for kind in ARTWORK}
    return PrintDesign(
        event=settings.event,
        date=_format_date(booth.store.clock(), settings.languages[0]) if settings.print_date else "",
        paper=settings.print_paper,
        ink=settings.print_ink,
        template=settings.print_template,
        label=settings.label_text if settings.label_shown else "",
        **{kind: str(path) for kind, path in paths.items() if path.is_file()},
    )


def visible_label(booth: Booth) -> VisibleLabel:
    """Return the visible label of a picture or film. That the operator removed it is recorded in the log each time."""
    if not booth.settings.label_shown:
        log.warning("a picture or film is made without the visible label, as the operator's settings say")
    return booth.settings.label


def artwork_path(booth: Booth, kind: ArtworkKind) -> Path:
    """Return the path of the operator's logo or frame; the file may be missing."""
    return booth.store.folder / "design" / f"{kind}.png"


def _format_date(seconds: float, language: Language) -> str:
    day = time.localtime(seconds)
    return DATES[language].format(day.tm_mday, MONTHS[language][day.tm_mon - 1], day.tm_year)


# -- printers ---------------------------------------------------------------------------------------------------------


async def list_printers() -> list[PrinterView]:
    """Return the printers of this machine's CUPS and their states; an empty list without CUPS."""
    try:
        text = await run_program(["lpstat", "-p"], LIST_SECONDS)
    except StoreError:
        return []
    return parse_printers(text)


def parse_printers(text: str) -> list[PrinterView]:
    """Return the printers that the English output of `lpstat -p` lists. An indented line explains the one above."""
    printers: list[PrinterView] = []
    for line in text.splitlines():
        if match := re.match(r"printer (\S+) (is idle|now printing|disabled)", line):
            states = {"is idle": "idle", "now printing": "printing", "disabled": "stopped"}
            printers.append(PrinterView.model_validate({"name": match[1], "state": states[match[2]], "reason": ""}))
        elif printers and line[:1].isspace() and line.strip():
            printers[-1] = printers[-1].model_copy(update={"reason": line.strip()[:200]})
    return printers


async def print_download(booth: Booth, visit: Visit, download: Download, copies: int) -> None:
    """Print a picture of a visit. Raises RequestRefused (409, 429), StoreError when the printer reports an error."""
    settings = booth.settings
    if copies > settings.copies:
        raise RequestRefused(409, "too_many_copies", f"at most {settings.copies} copies are printed at once")
    if settings.print_quota and visit.prints + copies > settings.print_quota:
        raise RequestRefused(429, "print_quota", f"a visit prints at most {settings.print_quota} pictures")
    await send_to_printer(booth, download, copies)
    visit.prints += copies
    booth.publish_later(visit)


async def send_to_printer(booth: Booth, download: Download, copies: int) -> None:
    """Print a picture. Raises RequestRefused (409) without a printer, StoreError when the printer reports an error."""
    printer = booth.settings.printer
    if not printer or not download.file.endswith(".jpg"):
        raise RequestRefused(409, "no_printer", "this booth has no printer of its own", "print from the browser")
    path = str(booth.store.path_of(download))
    try:
        command = ["lp", "-d", printer, "-n", str(copies), "-o", "fit-to-page", "--", path]
        job = read_job(await run_program(command, PRINT_SECONDS))
    except StoreError as error:
        booth.statistics.add("failed_prints")
        raise StoreError("the printer does not print", "look at its state on the operator's page") from error
    if job:
        booth.store.add_print_job(download.id, job)  # erasing the download then erases it from the spool
    booth.statistics.add("prints", copies)
    booth.recent_prints.append(RecentPrint(download.id, copies, booth.store.clock()))
