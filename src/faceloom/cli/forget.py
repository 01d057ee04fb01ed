"""`faceloom forget`: erase what a booth stores about its visitors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceloom.cli.output import note, print_line

if TYPE_CHECKING:
    from faceloom.store import VisitStore


def forget(
    all_visits: Annotated[
        bool, typer.Option("--all", help="Erase every visit, every download and the gallery.")
    ] = False,
    visit: Annotated[
        str, typer.Option("--visit", metavar="ID", help="Erase one visit and its downloads, also those in the gallery.")
    ] = "",
    home: Annotated[Path | None, typer.Option(help="Folder of the booth; by default FACELOOM_HOME/booth.")] = None,
) -> None:
    """Erase what a booth stores about its visitors: photos, likenesses, pictures, films, prints and records.

    The booth must not run; while it runs, its operator's page does the same. What an earlier run left is erased, too.

    \b
    Examples:
      faceloom forget --all
      faceloom forget --visit 3qk1VJ0w7YBlPtJrdRz0NXf1xLq9vQ2c
    """
    if all_visits == bool(visit):
        raise typer.BadParameter("give either --all or --visit ID")
    from faceloom.settings import Settings
    from faceloom.store import SingleServerLock, VisitStore

    folder = home or Settings().home / "booth"
    if not (folder / "booth.sqlite").is_file():
        note(f"there is no booth in {folder}")
        return
    with SingleServerLock(folder):
        store = VisitStore(folder)
        try:
            count = _erase_all(store) if all_visits else _erase_one(store, visit)
        finally:
            store.database.close()
    print_line(f"erased {count} visit{'' if count == 1 else 's'}")


def _erase_all(store: VisitStore) -> int:
    visits = store.visits()
    for visit in visits:
        store.erase(visit.id)
    store.erase_downloads()
    store.retry_erasing()
    return len(visits)


def _erase_one(store: VisitStore, visit: str) -> int:
    """Erase a visit, also when only its downloads are left."""
    from faceloom.errors import StoreError

    is_known = any(visit == known.id for known in store.visits())
    count = store.erase_downloads("visit = ?", (visit,))
    if is_known:
        store.erase(visit)
    elif not count:
        raise StoreError("there is no visit with this id, and no download of it", "it may be erased already")
    store.retry_erasing()
    return int(is_known)
