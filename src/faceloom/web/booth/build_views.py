"""Functions that build views from visits, people and downloads. Every picture appears as its address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from faceloom.store.models import Download, Person, Quality, Visit
from faceloom.web.booth.job_views import LikenessView, WordingView
from faceloom.web.booth.views import DownloadView, PersonView, PictureView, VisitView


def visit_view(visit: Visit, friends: Iterable[Visit], *, now: float, lan: str, api: str) -> VisitView:
    """Return the view of a visit. `friends` are the visits that joined it, `now` is in seconds since 1970.

    `api` is the path before every address of the REST API, here and below.
    """
    return VisitView(
        id=visit.id,
        state=visit.state,
        expires=iso_time(visit.expires),
        seconds_left=round(max(visit.expires - now, 0)),
        consent=visit.consent,
        photo=f"{api}/visit/photo?v={visit.photo}" if visit.photo else None,
        size=visit.size,
        faces=visit.faces,
        notes=visit.notes,
        people=[person_view(person, api) for person in visit.people],
        friends=[
            PictureView(id=person.id, image=f"{api}/people/{person.id}/image?v={person.version}")
            for friend in friends
            for person in friend.people
            if person.playable and not person.of
        ],
        phone=f"{lan}/phone/{visit.phone}" if lan and visit.phone else None,
    )


def person_view(person: Person, api: str) -> PersonView:
    """Return the view of a person."""
    address = f"{api}/people/{person.id}"
    image = f"{address}/image?v={person.version}"
    return PersonView(
        id=person.id,
        number=person.number,
        playable=person.playable,
        better=person.better,
        error=person.error,
        image=image,
        found=f"{image}&step=0" if person.playable else None,
        crop=f"{address}/crop" if person.crop else None,
        preview=f"{address}/preview",
        quality=shown_quality(person),
        traits=person.shown_traits,
        sliders=person.shown_sliders,
        controls=person.slider_values,
        outcome=person.step.outcome,
        style=person.step.style,
        can_undo=person.at > 0,
        can_redo=person.at < len(person.history) - 1,
        kept=[PictureView(id=kept.id, image=f"{image}&kept={kept.id}") for kept in person.kept],
        lineage=person.of,
    )


def shown_quality(person: Person) -> Quality:
    """Return how well the picture that is shown matches the photo: empty after an edit, which changes the face."""
    is_edited = bool(person.step.controls or person.step.base or person.step.style)
    return Quality() if is_edited else person.quality


def likeness_view(visit: Visit, person: Person, api: str, reworded: Sequence[WordingView] = ()) -> LikenessView:
    """Return the view of a likeness of the API."""
    address = f"{api}/likenesses/{visit.id}"
    return LikenessView(
        likeness=visit.id,
        image=f"{address}/image",
        file=f"{address}/file",
        quality=shown_quality(person),
        traits=person.shown_traits,
        controls=person.slider_values,
        outcome=person.step.outcome,
        sliders=person.sliders,
        reworded=list(reworded),
    )


def download_view(download: Download, *, address: str, lan: str, api: str) -> DownloadView:
    """Return the view of a download. `address` and `lan` are the booth's own address and the one for phones."""
    file = download_address(download, api)
    return DownloadView(
        id=download.id,
        form=download.recipe.form,
        download=file,
        page=f"{lan or address}/download/{download.id}",
        qr=f"{file}/qr.svg",
        reachable=bool(lan),
        recipe=f"{file}/recipe.json",
        expires=iso_time(download.expires),
        gallery=download.gallery,
    )


def download_address(download: Download, api: str) -> str:
    """Return the address of a download's file."""
    return f"{api}/downloads/{download.id}"


def iso_time(seconds: float) -> str:
    """Return a time, given in seconds since 1970, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
