"""The tasks that the worker knows by name, from a message's plain arguments to the atelier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from faceloom.web.worker import films, prints
from faceloom.web.worker.lab import Laboratory
from faceloom.web.worker.previews import Atelier, Pause, Shown, Tell

Args = Mapping[str, Any]
Task = Callable[[Args, Tell, Pause], Any]


def tasks_of(atelier: Atelier) -> dict[str, Task]:
    """Every task, by name."""
    laboratory = Laboratory(atelier)

    def forget(args: Args) -> None:
        atelier.forget(args["folder"], args.get("prefix", ""))
        laboratory.forget(args["folder"])

    return {
        **laboratory.tasks(),
        "photo": lambda a, tell, pause: atelier.take_photo(a["folder"], a["name"], a["data"]),
        "look": lambda a, tell, pause: atelier.look(a["data"]),
        "read": lambda a, tell, pause: atelier.read_photo(a["folder"], a["photo"]),
        "encode": lambda a, tell, pause: atelier.encode(
            a["folder"], a["photo"], a["face"], a["person"], a["seconds"], tell, pause
        ),
        "improve": lambda a, tell, pause: atelier.improve(
            a["folder"], a["photo"], a["person"], a["seconds"], tell, pause
        ),
        "rails": lambda a, tell, pause: atelier.lay_rails(Shown.of(a["shown"]), pause),
        "preview": lambda a, tell, pause: atelier.preview(Shown.of(a["shown"]), a["anchor"], a["wishes"], a["size"]),
        "picture": lambda a, tell, pause: atelier.picture(Shown.of(a["shown"]), a["size"]),
        "blend": lambda a, tell, pause: atelier.blend(Shown.of(a["a"]), Shown.of(a["b"]), a["t"], a["size"]),
        "invented": lambda a, tell, pause: atelier.invented(a["seed"], a["psi"], a["size"]),
        "control": lambda a, tell, pause: atelier.control(Shown.of(a["shown"]), a["wishes"], pause),
        "mix": lambda a, tell, pause: atelier.mix(Shown.of(a["shown"]), someone(a["other"]), a["layers"], a["base"]),
        "child": lambda a, tell, pause: atelier.child(
            Shown.of(a["a"]), Shown.of(a["b"]), a["seed"], a["number"], a["folder"], a["person"]
        ),
        "invent": lambda a, tell, pause: atelier.invent(a["folder"], a["person"], a["seed"], a["psi"]),
        "film": lambda a, tell, pause: films.make(atelier, a, tell, pause),
        "print": lambda a, tell, pause: prints.make(atelier, a),
        "forget": lambda a, tell, pause: forget(a),
        "ahead": lambda a, tell, pause: atelier.draw_ahead(
            Shown.of(a["shown"]), a["anchor"], a["names"], a["anew"], pause
        ),
    }


def someone(args: Args | int) -> Shown | int:
    """A person, or an invented one by their seed."""
    return args if isinstance(args, int) else Shown.of(args)
