"""The table of the worker's tasks: the type of each message and the handler that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from faceloom.web.worker import (
    casts,
    dragging,
    encoding,
    films,
    lab,
    live,
    messages,
    people,
    photos,
    previews,
    prints,
    shows,
    steering,
    verify,
)
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import Task
from faceloom.web.worker.state import WorkerState

Result = TypeVar("Result")

Handler = Callable[[WorkerState, Any, TaskContext], Any]
"""A function that runs one type of message: `handler(state, message, context)` returns the message's `Result`.

A test checks that the annotations of each handler agree with its message.
"""

HANDLERS: Mapping[type[Task[Any]], Handler] = {
    messages.OpenPhoto: photos.store_photo,
    messages.DetectInFrame: photos.detect_in_frame,
    messages.AnalyzePhoto: photos.analyze_photo,
    messages.Encode: encoding.encode,
    messages.Improve: encoding.improve,
    messages.Preview: previews.preview,
    messages.Prerender: previews.prerender,
    messages.Render: previews.render,
    messages.RenderBetween: previews.render_between,
    messages.RenderSeed: previews.render_seed,
    messages.MakeFilm: films.make_film,
    messages.MakeShow: shows.make_show,
    messages.DrawLive: live.draw_live,
    messages.MakePrint: prints.make_print,
    messages.MakeFamily: prints.make_family,
    messages.VerifyUpload: verify.verify_upload,
    messages.Edit: steering.edit,
    messages.CalibrateSlider: steering.calibrate_slider,
    messages.Mix: people.mix,
    messages.MakeChild: people.make_child,
    messages.Generate: people.generate,
    messages.DescribeGenerator: lab.describe_generator,
    messages.DiscoverAxes: lab.discover_axes,
    messages.RenderLabFace: lab.render_lab_face,
    messages.InspectPerson: lab.inspect_person,
    messages.RenderDistanceMap: lab.render_distance_map,
    messages.Drag: dragging.run_drag,
    messages.KeepDrag: dragging.keep_drag,
    messages.ReadCastPlan: casts.read_plan,
    messages.EstimateCast: casts.estimate_cast,
    messages.MakeCast: casts.make_cast,
    messages.ReplaceCastPeople: casts.replace_people,
    messages.DrawCastPerson: casts.draw_person,
    messages.ExportCast: casts.export,
}


def run_task(state: WorkerState, task: Task[Result], context: TaskContext) -> Result:
    """Run a task and return its result."""
    result: Result = HANDLERS[type(task)](state, task, context)
    return result
