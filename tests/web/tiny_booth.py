"""The booth on a tiny generator: everything answers in milliseconds, nothing needs weights.

    python tests/web/tiny_booth.py --port 8000 [--seconds 1.5] [--home DIR] [--pin 123456] [--public-url URL]

The detector counts faces by the photo's shape: one in a square or portrait, two side by side in a wide photo (3:2 and
more), none in a photo of one flat color. The picture of a face is 32 px wide, enlarged.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fastapi import FastAPI
from PIL import Image

from faceloom import likeness
from faceloom.analyze.reading import Attributes
from faceloom.checkpoints.load import GeneratorModel
from faceloom.edit.attributes import held_only
from faceloom.edit.directions import Direction
from faceloom.edit.regions import RegionalEdit
from faceloom.edit.steer import AttributeReader, SteeringResult
from faceloom.edit.targets import compute_targets, to_units
from faceloom.errors import Cancelled
from faceloom.faces.align import Aligned
from faceloom.faces.detect import Face
from faceloom.images import Photo, to_img
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.clock import Callback
from faceloom.invert.inversion import Inversion
from faceloom.likeness import Geometry, Likeness
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.style import Style
from faceloom.web.worker.studio import BoothStudio
from faceloom.workflows.live import LiveFrame
from faceloom.workflows.studio import AnalyzedFace

NAMES = ("age", "smile", "glasses", "yaw", "pitch", "mouth_open", "gender")
SIGMAS = {"age": 15.0, "yaw": 12.0, "pitch": 8.0}
SKIN_TONE = 30.0  # degrees, of every face up to DARKENING_AGE; then it falls by a degree a year
DARKENING_AGE = 64.0  # years
SECONDS = "TINY_BOOTH_SECONDS"


def tiny_generator() -> MobileStyleGAN:
    """A seeded generator: 32 px, w_dim 16, 8 layers."""
    torch.manual_seed(0)
    G = MobileStyleGAN(MobileStyleGANConfig(channels=(16, 16, 8), z_dim=16, w_dim=16, mapping_layers=2))
    return G.requires_grad_(False)


class TinyStudio(BoothStudio):
    """A studio without weights: its generator is tiny, and attributes are read from the latent code."""

    def __init__(self) -> None:
        super().__init__()
        model = GeneratorModel(tiny_generator(), "tiny", "mobilestylegan", "0" * 64, "none")
        self.generator = self.fast_generator = self.film_generator = model

    booth_styles = ("comic",)

    def draw_in_style(self, person: Likeness, style: Style | str | None, strength: float | None = None) -> Likeness:
        """Draw a person in a style; 'comic', the only one that comes with this booth, makes the picture brighter."""
        if style == "comic":
            style = Style("comic", {"to_img.bias": torch.full((12,), 0.5)}, self.generator.hash, self.generator.name)
        return super().draw_in_style(person, style, strength)

    @functools.cached_property
    def basis(self) -> tuple[Direction, ...]:
        """Orthogonal directions, one for each attribute."""
        torch.manual_seed(1)
        vectors = torch.linalg.qr(torch.randn(16, len(NAMES)))[0].T
        return tuple(
            Direction(
                name=name,
                vector=vector.contiguous(),
                per_unit=0.5 / SIGMAS.get(name, 2.0),
                unit="unit",
                sigma=SIGMAS.get(name, 2.0),
                generator_hash=self.generator.hash,
                generator_name="tiny",
            )
            for name, vector in zip(NAMES, vectors, strict=True)
        )

    def warm_up(self) -> None:
        """Do nothing: no network is loaded."""

    def detect(self, photo: Photo, min_size: float = 20) -> tuple[Face, ...]:
        """Return one face or two, by the photo's shape, or none in a flat photo."""
        width, height = photo.image.size
        if np.asarray(photo.image).std((0, 1)).max() < 2:
            return ()
        count = 2 if width >= 1.45 * height else 1
        side = 0.6 * min(width / count, height)
        return tuple(_face((i + 0.5) * width / count, height / 2, side) for i in range(count))

    def align(self, photo: Photo, face: Face, size: int = 256) -> Aligned:
        """Cut out the box."""
        x0, y0, x1, y1 = face.box
        cut = photo.image.crop((round(x0), round(y0), round(x1), round(y1))).resize((size, size))
        return Aligned(cut, np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]]))

    def encode(
        self, photo: Any, *, face: int | None = None, config: EncodeConfig | None = None, callback: Any = None
    ) -> Likeness:
        """Move from the mean face to the generated face whose seed is the hash of the crop."""
        chosen = self.choose(photo, face)
        cut = self.align(photo, chosen.face)
        seed = int.from_bytes(hashlib.sha256(cut.image.tobytes()).digest()[:4], "big")
        end, start = self.generate(seed).w_plus, self.generate(0, 0.0).w_plus
        seconds, steps = float(os.environ.get(SECONDS, "0.4")), 10
        interrupted = False
        try:
            for step in range(steps):
                time.sleep(seconds / steps)
                img = self.generator.G.synthesis(start.lerp(end, step / steps))
                if callback:
                    callback({"step": step, "progress": step / steps, "seconds": 0.0, "img": img})
        except Cancelled:
            interrupted = True
        tl, bl, br, tr = ((float(x), float(y)) for x, y in cut.quad)
        return Likeness(
            end,
            self.generator.hash,
            self.generator.name,
            quality={"lpips": 0.09, "mse": 0.02, "identity": 0.98},
            geometry=Geometry((tl, bl, br, tr), photo.image.size, 256),
            provenance={"interrupted": interrupted, "seconds": seconds},
        )

    def paste_back(self, person: Likeness, photo: Photo) -> Image.Image:
        """Paste the picture into its box."""
        likeness.require_generator(person, self.generator)
        assert person.geometry is not None
        pasted = photo.image.copy()
        (x0, y0), _, (x1, y1), _ = person.geometry.quad
        pasted.paste(self.render(person, 64).resize((round(x1 - x0), round(y1 - y0))), (round(x0), round(y0)))
        return pasted

    def analyze(self, photo: Photo) -> tuple[AnalyzedFace, ...]:
        """Return the same attributes for every face."""
        attributes = Attributes(40.0, 0.3, 0.5, 0.02, 0.1, 0.9, 0.0, 0.0, 0.0, 99.0)
        return tuple(AnalyzedFace(face, attributes) for face in self.detect(photo))

    def attribute_reader(self, edit: RegionalEdit) -> AttributeReader:
        """Return a function that reads attributes along the directions of the latent code."""

        def read(coefficients: Mapping[str, float]) -> tuple[torch.Tensor, torch.Tensor]:
            w = edit.draw_with(coefficients)[1].mean(1)[0]
            values = [
                float(w @ direction.vector) / direction.per_unit + 40 * (direction.name == "age")
                for direction in self.basis
            ]
            skin_tone = SKIN_TONE - max(values[NAMES.index("age")] - DARKENING_AGE, 0.0)
            held = [skin_tone if name == "skin_tone" else 0.0 for name in held_only(self.basis)]
            return torch.tensor([*values, *held]), torch.ones(1)

        return read

    def turn(
        self,
        edit: RegionalEdit,
        values: Mapping[str, float],
        guess: RegionalEdit | None = None,
        *,
        check_cancelled: Callable[[], None] = lambda: None,
        force: bool = False,
    ) -> tuple[RegionalEdit, SteeringResult]:
        """Move the latent code along the directions of the values, which are reached exactly."""
        check_cancelled()
        before = self._shown(edit)
        steps = [values.get(direction.name, 0.0) * direction.per_unit * direction.vector for direction in self.basis]
        moved = guess or edit.moved_by(torch.stack(steps).sum(0).expand_as(edit.w_plus))
        targets = before | compute_targets(values, before)
        return moved, SteeringResult({}, before, self._shown(moved), targets, 1.0, (), readings=2)

    def _shown(self, edit: RegionalEdit) -> dict[str, float]:
        values, _ = self.attribute_reader(edit)({})
        return dict(zip((direction.name for direction in self.basis), values.tolist(), strict=False))

    def read_attributes(self, person: Likeness) -> dict[str, float]:
        """Return the attributes of the latent code in the units of the analyzer."""
        return {name: round(value, 3) for name, value in to_units(self._shown(self.regional_edit(person, ()))).items()}

    def identity_similarity(self, img: torch.Tensor, target: torch.Tensor) -> float:
        """Return a plausible number."""
        return 0.98

    def live_session(self, person: Likeness) -> Any:
        """Return a session that draws the person as they are."""
        return TinySession(self, person)

    def align_again(self, person: Likeness, photo: Photo) -> torch.Tensor:
        """Return the whole photo at the size of an aligned face."""
        return to_img(photo.image.resize((256, 256)))

    def continue_tuning(self, person: Likeness, target: torch.Tensor, seconds: float, callback: Callback) -> Inversion:
        """Improve LPIPS by a fifth at once, and report that it took `seconds`."""
        for number in range(3):
            time.sleep(0.02)
            callback({"step": number, "progress": number / 3, "seconds": 0.0, "img": target})
        lpips = person.quality["lpips"] * 0.8
        img = torch.zeros(1, 3, 256, 256)
        return Inversion(person.unedited.w_plus, (lpips,), (0.01,), img, steps=3, seconds=seconds)


class TinySession:
    """A session of the live mirror that only looks whether a frame shows a face."""

    size = 64

    def __init__(self, studio: TinyStudio, person: Likeness) -> None:
        self.studio, self.person = studio, person

    def draw(self, frame: np.ndarray, time: float) -> LiveFrame:
        """Draw the person as they are."""
        pixels = np.asarray(self.studio.draw(self.person, self.size))
        faces = self.studio.detect(Photo(Image.fromarray(frame)))
        return LiveFrame(pixels, np.zeros(6) if faces else None)

    def begin(self, frame: np.ndarray, time: float) -> Future[LiveFrame]:
        """Return a drawn frame at once."""
        done: Future[LiveFrame] = Future()
        done.set_result(self.draw(frame, time))
        return done


def _face(x: float, y: float, side: float) -> Face:
    half = side / 2
    return Face((x - half, y - half, x + half, y + half), 0.999, np.array([[x, y]] * 5, dtype=float))


def tiny_app(home: Path, **options: Any) -> FastAPI:
    """Return the server on a tiny generator; options as in `create_app`."""
    from faceloom.web.app import create_app

    return create_app(home=home, make_studio=TinyStudio, **options)


def main() -> None:
    """Serve the booth on this machine."""
    import uvicorn

    from faceloom.web.connections import server_config

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--seconds", type=float, default=1.5, help="seconds that an encoding takes")
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--pin", default="123456")
    parser.add_argument("--public-url", default="")
    arguments = parser.parse_args()
    os.environ[SECONDS] = str(arguments.seconds)
    home = arguments.home or Path(tempfile.mkdtemp(prefix="tiny-booth-"))
    app = tiny_app(
        home, pin=arguments.pin, address=f"http://127.0.0.1:{arguments.port}", public_url=arguments.public_url
    )
    print(f"http://127.0.0.1:{arguments.port}  PIN {arguments.pin}  {home}", flush=True)  # noqa: T201
    uvicorn.Server(server_config(app, "127.0.0.1", arguments.port, behind_proxy=bool(arguments.public_url))).run()


if __name__ == "__main__":
    main()
