"""The live mirror and the short films of a visit: each frame of the camera is answered with a picture of a person."""

from __future__ import annotations

from faceloom.store import Visit
from faceloom.web.booth.background import shown_ref
from faceloom.web.booth.booth import Booth
from faceloom.web.booth.films import FILM_SIZE, check_film_limit, start_film_job
from faceloom.web.booth.jobs import Job
from faceloom.web.booth.printing import visible_label
from faceloom.web.booth.visit_flow import find_playable, require_consent
from faceloom.web.security import RequestRefused
from faceloom.web.worker.messages import DrawLive, LivePicture, Look, MakeShow, Priority, ShowKind


async def draw_live(
    booth: Booth,
    visit: Visit,
    person_id: str,
    frame: bytes,
    *,
    years: float,
    friend_id: str,
    mix: float,
    size: int,
    ahead: bool,
    sequence: int,
) -> LivePicture:
    """Draw a person with the pose and the expression of a frame, which is not stored.

    With `ahead`, the picture is that of the frame before. A frame that a newer one of the visit replaced raises
    WorkerError ('stale').
    """
    require_consent(booth, visit)
    owner, person = find_playable(booth, visit, person_id, friends=True)
    friend = None
    if friend_id:
        friend = shown_ref(booth, *find_playable(booth, visit, friend_id, friends=True))
    look = Look(shown_ref(booth, owner, person), person.slider_values, years, friend, mix)
    task = DrawLive(visit.id, look, frame, size, ahead)
    key = f"live {visit.id}" if sequence else ""
    return await booth.worker.run(task, priority=Priority.PREVIEW, visit=visit.id, key=key, sequence=sequence)


def start_show(booth: Booth, visit: Visit, person_id: str, kind: ShowKind, *, animated: bool) -> Job:
    """Start a job that makes the reveal or the boomerang of a person. Raises RequestRefused (409, 429)."""
    owner, person = find_playable(booth, visit, person_id)
    if not {"age", "smile"} <= {slider.name for slider in person.sliders}:
        raise RequestRefused(
            409, "no_sliders", "this person has no sliders for age and smile", "choose a photographed one"
        )
    check_film_limit(booth, visit)
    shown, label = shown_ref(booth, owner, person), visible_label(booth)

    def make_task(path: str) -> MakeShow:
        return MakeShow(shown, person.slider_values, kind, path, FILM_SIZE, animated, label)

    return start_film_job(booth, visit, "film", make_task)
