"""What the booth can do with a face: find, encode, improve, show, change. Knows the studio and a visit's files.

Every long work calls `pause` at each of its steps: it waits there while a visitor's hand is on a slider, and ends by
KeyboardInterrupt when nobody wants it any more. Knows no queue and no web.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.reading import read, read_attributes
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.attributes import attribute_reader, random_edits
from faceloom.edit.directions import Direction
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import morph
from faceloom.edit.steer import Look, SteerConfig, Steered, apply, steer
from faceloom.edit.targets import compute_targets, to_units
from faceloom.errors import LatentError
from faceloom.faces.align import align
from faceloom.files import replacing
from faceloom.images import Photo, area_resize, open_photo, save_picture, to_img, to_pixels
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.quality import word
from faceloom.invert.tune import TuneConfig, invert_tune
from faceloom.likeness import Likeness
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.tuned import blend
from faceloom.web.sliders import SAME, SliderCurves, neutral, places, sliders, snapped, touched
from faceloom.web.worker.cache import Shelf
from faceloom.web.worker.cache import Shown as Shown
from faceloom.web.worker.progress import Progress
from faceloom.workflows import family
from faceloom.workflows.studio import Studio

Json = dict[str, Any]
Tell = Callable[[Json], None]
Pause = Callable[[], None]
Wishes = Mapping[str, float]

PREVIEW = 512  # pixels a side of what a slider shows
CROP, FRAME = 512, 320  # pixels of the photo's square, and of a camera's frame that is only looked at
LONGEST = 3072  # of a photo that is kept
ROUGHLY = SteerConfig(looks=7, measured=3)  # good enough to interpolate between
QUICK, FINE = 85, 92  # JPEG's quality
REACH = 2.5  # standard deviations that a preview's coefficients may come to


class Atelier:
    """Does the work for visitors, one studio for all of them. Safe to call from two threads."""

    def __init__(self, studio: Studio | None = None) -> None:
        self.studio = studio or Studio()
        self.shelf = Shelf(self.studio.load, self.studio.tuned_to)
        self.load, self.keep, self.writing, self.forget = (
            self.shelf.load,
            self.shelf.keep,
            self.shelf.writing,
            self.shelf.forget,
        )

    def warm_up(self) -> None:
        """Load everything and draw once, so that no visitor waits for it."""
        self.studio.warm_up()
        somebody = self.studio.generate(1)
        if self.basis:
            self.look_through(self.studio.fast_generator.G)(somebody.w_plus)
        self.jpeg(self.draw(somebody, PREVIEW))

    # -- photo -> people ----------------------------------------------------------------------------------------------

    def take_photo(self, folder: str, name: str, data: bytes) -> Json:
        """Open a stranger's picture, keep a clean copy of its pixels, and find the faces. Raises ImageError."""
        photo = open_photo(data)
        image = photo.image
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=3)
        with self.writing(folder):
            save_picture(image, Path(folder) / name, ai_generated=False)
        kept = open_photo(Path(folder) / name)
        faces = self.studio.detect(kept)
        facts = [{"number": i, "box": [round(x, 1) for x in f.box], "size": round(f.size)} for i, f in enumerate(faces)]
        return {"faces": facts, "size": list(image.size), "notes": list(photo.notes)}

    def look(self, data: bytes) -> Json:
        """Find the faces of a camera's frame, in fractions of it; nothing is kept. Raises ImageError."""
        image = open_photo(data).image
        image.thumbnail((FRAME, FRAME))
        width, height = image.size
        boxes = [face.box for face in self.studio.detect(Photo(image))]
        return {
            "faces": [
                {"box": [x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height]} for x0, y0, x1, y1 in boxes
            ]
        }

    def encode(self, folder: str, photo: str, face: int, person: str, seconds: float, tell: Tell, pause: Pause) -> Json:
        """Find somebody's likeness within the seconds, telling how far it is. Raises FaceError."""
        begin = time.perf_counter()
        opened = open_photo(Path(folder) / photo)
        crop = self.studio.align(opened, self.studio.choose(opened, face).face, CROP).image
        with self.writing(folder, person):
            save_picture(crop, Path(folder) / f"{person}.jpg", ai_generated=False)
        tell({"crop": True})
        target = area_resize(to_img(crop), QUALITY_RESOLUTION)
        step = Progress(self.picture_of_search, self.alike, target, begin, seconds, tell, pause)
        left = max(seconds - (time.perf_counter() - begin), 0.5)
        found = self.studio.encode(opened, face=face, config=EncodeConfig(left), callback=step)
        if found.provenance.get("interrupted"):
            raise KeyboardInterrupt
        self.keep(shown := Shown(folder, person), found)
        if self.basis:
            self.rails_of(shown)  # so that the first slider does not wait for it
        return self.facts(found)

    def improve(self, folder: str, photo: str, person: str, seconds: float, tell: Tell, pause: Pause) -> Json:
        """Go on tuning for so many seconds; latents stay, so that everything made of them stays as well."""
        begin, shown = time.perf_counter(), Shown(folder, person)
        known = self.load(shown)
        target = self.target_of(known, open_photo(Path(folder) / photo))
        step = Progress(self.picture_of_search, self.alike, target, begin, seconds, None, pause)
        found = self.tune(known, target, seconds, step)
        lpips = found.lpips[0]
        if lpips < known.quality.get("lpips", 1.0):
            quality = {"lpips": lpips, "mse": found.mse[0], "identity": self.alike(found.img, target)}
            known = replace(known, delta={k: v.half() for k, v in found.delta.items()}, quality=quality)
            self.keep(shown, known)
        return {"quality": graded(known.quality), "seconds": time.perf_counter() - begin}

    # -- pictures -----------------------------------------------------------------------------------------------------

    def preview(self, shown: Shown, anchor: Wishes, wishes: Wishes, size: int) -> bytes:
        """Draw what wishes would come to, at once: from the last exact result (`shown`, at the wishes `anchor`).

        A single slider's picture is the one of the nearest of its places, which may have been drawn ahead.
        """
        moved = {name: wish for name, wish in wishes.items() if abs(wish - anchor.get(name, wish)) > SAME}
        if len(moved) == 1:
            ((name, wish),) = moved.items()
            return self.place(shown, anchor, name, snapped(name, wish), size)
        return self.jpeg(self.draw_shown(replace(shown, coefficients=self.towards(shown, anchor, wishes)), size), QUICK)

    def place(self, shown: Shown, anchor: Wishes, name: str, wish: float, size: int) -> bytes:
        """Draw one place of one slider, or take what was drawn ahead."""
        at = tuple(sorted((key, round(value, 4)) for key, value in shown.coefficients.items()))
        key = (shown.folder, shown.person, shown.base, at, name, wish, size)
        known = self.shelf.frame(key)
        if known is None:
            there = self.towards(shown, anchor, {**anchor, name: wish})
            known = self.jpeg(self.draw_shown(replace(shown, coefficients=there), size), QUICK)
            self.shelf.store_frame(shown.folder, key, known)
        return known

    def draw_ahead(self, shown: Shown, anchor: Wishes, names: Sequence[str], anew: bool, pause: Pause) -> None:
        """Draw the places of some sliders before anybody asks, those next to where the slider stands first."""
        if anew:
            self.shelf.drop_frames(shown)
        me = self.me(self.rails_of(shown))
        for name in names:
            for wish in places(name, anchor.get(name, me.get(name, 0.0))):
                pause()
                self.place(shown, {**me, **anchor}, name, wish, PREVIEW)

    def towards(self, shown: Shown, anchor: Wishes, wishes: Wishes) -> dict[str, float]:
        """The coefficients that wishes would come to, by the rails."""
        rails = self.rails_of(shown)
        me = self.me(rails)
        ahead, behind = (rails.coefficients(touched(asked, me)) for asked in (wishes, anchor))
        return {
            name: shown.coefficients.get(name, 0.0) + ahead.get(name, 0.0) - behind.get(name, 0.0)
            for name in {*shown.coefficients, *ahead, *behind}
        }

    def picture(self, shown: Shown, size: int | None = None) -> bytes:
        """Draw a person, exactly as they are now."""
        return self.jpeg(self.draw_shown(shown, size or self.studio.fast_generator.G.img_resolution))

    def blend(self, a: Shown, b: Shown, t: float, size: int) -> bytes:
        """Draw who is between two people."""
        one, two = self.seen(a), self.seen(b)
        w_plus = morph(one.w_plus, two.w_plus, t, W_PULL_MIXING)
        between = Likeness(w_plus, one.generator_hash, one.generator_name, delta=blend(one.delta, two.delta, t))
        return self.jpeg(self.draw(between, size), QUICK)

    def invented(self, seed: int, psi: float, size: int) -> bytes:
        """Draw a person who does not exist."""
        return self.jpeg(self.draw(self.studio.generate(seed, psi), size), QUICK)

    def draw(self, person: Likeness, size: int) -> Image.Image:
        """Draw anybody in the fast precision."""
        return drawn(self.studio.tuned_to(person), person, size)

    def draw_shown(self, shown: Shown, size: int) -> Image.Image:
        """Draw somebody of a visit, whose weights are kept ready."""
        return drawn(self.shelf.generator_of(shown), self.seen(shown), size)

    def picture_of_search(self, img: Tensor) -> bytes:
        """Show what a search draws."""
        return self.jpeg(Image.fromarray(to_pixels(img)), QUICK)

    @staticmethod
    def jpeg(image: Image.Image, quality: int = FINE) -> bytes:
        """Write a picture as JPEG."""
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    # -- control ------------------------------------------------------------------------------------------------------

    def control(self, shown: Shown, wishes: Wishes, pause: Pause = lambda: None) -> Json:
        """Make a person what is wished for, by looking; as coefficients, and what it came to."""
        rails = self.rails_of(shown)
        wishes = touched(wishes, self.me(rails))
        if not wishes:
            return {"coefficients": {}, "after": to_units(rails.before), "identity": 1.0}
        found = self.steer(shown, wishes, pause)
        if len(wishes) == 1:
            (name,) = wishes
            self.learn(shown, name, wishes[name], found.coefficients)
        return {
            "coefficients": dict(found.coefficients),
            "after": {name: round(value, 3) for name, value in to_units(found.after).items()},
            "identity": round(found.identity, 3),
        }

    def lay_rails(self, shown: Shown, pause: Pause) -> bool:
        """Measure one more place of the sliders; say whether there was one."""
        rails = self.rails_of(shown)
        name, wish = next(rails.missing(), ("", 0.0))
        if not name:
            return False
        self.learn(shown, name, wish, self.steer(shown, {name: wish}, pause, ROUGHLY).coefficients)
        return True

    def steer(self, shown: Shown, wishes: Wishes, pause: Pause, config: SteerConfig | None = None) -> Steered:
        """Steer a person's base. Raises LatentError for a wish that there is not."""
        if not self.basis:
            raise LatentError("there are no sliders for this generator", "use the default one")
        see, before = self.look_through(self.shelf.generator_of(shown)), self.rails_of(shown).before

        def look(w_plus: Tensor) -> tuple[Tensor, Tensor]:
            pause()
            return see(w_plus)

        return steer(look, self.load(shown).w_plus, self.basis, compute_targets(wishes, before), config=config)

    def mix(self, shown: Shown, other: Shown | int, layers: str, base: str) -> Json:
        """Give a person some layers of another, or of the invented one of a seed, as a new base."""
        person = self.seen(shown)
        giver = self.studio.generate(other) if isinstance(other, int) else self.seen(other)
        mixed = self.studio.mix(person, giver, layers)
        self.keep(replace(shown, base=base, coefficients={}), mixed)
        return self.facts(mixed)

    def child(self, a: Shown, b: Shown, seed: int, number: int, folder: str, person: str) -> Json:
        """Have child `number` of two people, and keep it as a person."""
        born = family.child(self.studio, self.seen(a), self.seen(b), number, seed=seed)
        self.keep(Shown(folder, person), born)
        return {"inherited": born.provenance["inherited"]}

    def invent(self, folder: str, person: str, seed: int, psi: float) -> Json:
        """Invent somebody and keep them as a person."""
        born = self.studio.generate(seed, psi)
        self.keep(Shown(folder, person), born)
        return self.facts(born)

    def paste_back(self, shown: Shown, photo: str) -> Image.Image:
        """Carry the edit over into the photo."""
        return self.studio.paste_back(self.seen(shown), open_photo(Path(shown.folder) / photo))

    def read_photo(self, folder: str, photo: str) -> list[Json]:
        """Say what every face of a kept photo shows."""
        seen = self.studio.analyze(open_photo(Path(folder) / photo))
        return [{"number": i, "box": list(s.face.box), "traits": s.traits.rounded()} for i, s in enumerate(seen)]

    # -- what is known of people --------------------------------------------------------------------------------------

    @property
    def basis(self) -> tuple[Direction, ...]:
        """The directions of the sliders: none for a generator that they are not of."""
        return self.studio.basis

    def look_through(self, G: Generator) -> Look:
        """What steering looks through."""
        return attribute_reader(G, load_analyzer(), self.basis)

    def traits(self, person: Likeness) -> Json:
        """Read what a person shows."""
        img = to_img(self.draw(person, QUALITY_RESOLUTION))
        return read_attributes(load_analyzer(), img)[0].rounded()

    def alike(self, img: Tensor, target: Tensor) -> float:
        """How much a picture of a search shows the person: the cosine of identities."""
        pair = read(load_analyzer(), torch.cat((target, img.clamp(-1, 1)))).identity
        return float(pair[0] @ pair[1])

    def tune(self, person: Likeness, target: Tensor, seconds: float, step: Tell) -> Inversion:
        """Go on from a person's tuning."""
        G, alexnet = self.studio.fast_generator.G, load_lpips("alexnet")
        config = TuneConfig(seconds=seconds, seed=random.randrange(2**31))  # other neighbours each time
        start = person.found.w_plus
        near = random_edits(self.basis) if self.basis else None
        return invert_tune(
            G, target, start, alexnet=alexnet, neighbor=near, config=config, delta=person.delta, callback=step
        )

    def target_of(self, person: Likeness, photo: Photo) -> Tensor:
        """Cut the face out of its photo as it was cut for the likeness."""
        if person.geometry is None:
            raise LatentError("this person never had a photo", "improve somebody who has one")
        quad = torch.tensor(person.geometry.quad).double().numpy()
        return area_resize(to_img(align(photo.image, quad, person.geometry.aligned_size).image), QUALITY_RESOLUTION)

    def facts(self, person: Likeness) -> Json:
        """What the page is told of somebody new."""
        traits = self.traits(person)
        return {
            "quality": graded(person.quality),
            "traits": traits,
            "sliders": sliders(traits, [direction.name for direction in self.basis]),
            "seconds": person.provenance.get("seconds", 0.0),
        }

    def me(self, rails: SliderCurves) -> dict[str, float]:
        """Where the sliders stand before anything is asked for."""
        return neutral(to_units(rails.before))

    def attributes(self, look: Look, person: Likeness) -> dict[str, float]:
        """What steering sees before it begins, in the directions' units."""
        with torch.no_grad():
            values, _ = look(person.w_plus)
        return dict(zip((direction.name for direction in self.basis), values.tolist(), strict=True))

    # -- moving and remembering ---------------------------------------------------------------------------------------

    def seen(self, shown: Shown) -> Likeness:
        """A person as they are shown."""
        return self.moved(self.load(shown), shown.coefficients)

    def moved(self, base: Likeness, coefficients: Mapping[str, float]) -> Likeness:
        """A base moved by coefficients, none of them further than pictures hold."""
        reach = {direction.name: REACH * direction.sigma for direction in self.basis}
        bounded = {k: min(max(v, -reach[k]), reach[k]) for k, v in coefficients.items() if k in reach and v}
        return base.changed(apply(base.w_plus, self.basis, bounded)) if bounded else base

    def rails_of(self, shown: Shown) -> SliderCurves:
        """What is known of how a base answers to the sliders."""
        path = shown.path.with_suffix(".rails")
        with self.shelf.lock:
            known = self.shelf.rails.get(path)
        if known is None:
            try:
                known = SliderCurves.from_json(json.loads(path.read_bytes()))
            except (OSError, ValueError, KeyError, TypeError):
                person = self.load(shown)
                known = SliderCurves(self.attributes(self.look_through(self.studio.tuned_to(person)), person))
            with self.shelf.lock:
                known = self.shelf.rails.setdefault(path, known)
        return known

    def learn(self, shown: Shown, name: str, wish: float, coefficients: Mapping[str, float]) -> None:
        """Remember what a wish came to."""
        rails = self.rails_of(shown)
        with self.writing(shown.folder, shown.path.stem):
            rails.learn(name, wish, coefficients)
            self.shelf.drop_frames(shown, name)
            with replacing(shown.path.with_suffix(".rails")) as draft:
                draft.write_text(json.dumps(rails.to_json()), encoding="utf-8")


@torch.no_grad()
def drawn(G: Generator, person: Likeness, size: int) -> Image.Image:
    """Draw a latent at a size."""
    return Image.fromarray(to_pixels(image_at(G, person.w_plus, size)))


def graded(quality: Mapping[str, float]) -> Json:
    """Quality with its honest word; nothing for invented people."""
    if "lpips" not in quality:
        return {}
    return {name: round(value, 4) for name, value in quality.items()} | {"word": word(quality)}
