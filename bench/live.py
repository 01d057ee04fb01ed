"""`python -m bench.live -o DIR`: rate, lag and faithfulness of the live mirror, with a film as the camera.

The film shows a generated face that turns its head and smiles, seen by a camera that drifts. It is played in real time;
frames that come while another is drawn are skipped. The lag of a frame is the time from its arrival to its picture,
and the processor time says what it takes on a machine that is busy. The readings of the drawn
faces are compared with the driver's after the film.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.moving import SIZE, camera_frame, render_shot
from faceloom.cameras import NewestFrame
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.film import save_film
from faceloom.edit.puppet import CONTROLS, Values, read_controls
from faceloom.images import make_contact_sheet, to_img, to_pixels
from faceloom.images.tensors import Pixels
from faceloom.memory import keep_memory
from faceloom.workflows.live import LiveSession, draw_stream, in_real_time, make_look, make_studio_puppet
from faceloom.workflows.studio import Studio

FPS = 15.0
PERIODS = {"yaw": 4.0, "smile": 2.7, "mouth_gap": 3.3, "pitch": 5.3}  # seconds of one movement there and back
AMPLITUDES = {"yaw": 20.0, "smile": 4.0, "mouth_gap": 14.0, "pitch": 8.0}
SIDE = 400  # pixels of the driver's face


def main() -> None:
    """Make the driver, play it, print the figures and save the film and a sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--driver", type=int, default=12, help="seed of the driver's face")
    parser.add_argument("--person", default="5", help="likeness file, or seed of the face that is moved")
    parser.add_argument("--years", type=float, default=0.0)
    parser.add_argument("--patient", action="store_true", help="draw every frame, however long it takes")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    keep_memory()
    studio = Studio()
    driver = make_driver(studio, options.driver, round(options.seconds * FPS))
    person = studio.generate(int(options.person)) if options.person.isdecimal() else studio.load(options.person)
    begin = time.perf_counter()
    puppet = make_studio_puppet(studio, make_look(studio, person, years=options.years))
    print(f"preparation {time.perf_counter() - begin:.1f} s")
    session = LiveSession(puppet)
    session.draw(driver[0], -1.0)
    begin_cpu = time.process_time()
    played = play(session, driver, patient=options.patient)
    cpu = (time.process_time() - begin_cpu) / len(played)
    print_figures(played, len(driver), cpu, patient=options.patient)
    save_film((shown.pixels for shown in played), options.out / "live.mp4", FPS)
    cells = []
    for i in np.linspace(0, len(played) - 1, 15).astype(int):
        frame = Image.fromarray(driver[round(played[i].moment * FPS)])
        cells += [frame.resize((340, 255)).crop((42, 0, 297, 255)), Image.fromarray(played[i].pixels)]
    make_contact_sheet(cells, 6, 192).save(options.out / "live.png")


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame that was drawn: its time in the film in seconds, the driver's readings, and the picture.

    `lag` is the time in seconds from the frame's arrival to its picture.
    """

    moment: float
    readings: Values | None
    pixels: Pixels
    lag: float


def play(session: LiveSession, driver: list[np.ndarray], *, patient: bool) -> list[Shown]:
    """Draw the newest frame of the driver, which plays in real time, until it ends; `patient` draws every frame."""
    paced = in_real_time(driver, FPS)
    source = ((i / FPS, frame) for i, frame in enumerate(driver)) if patient else iter(NewestFrame(paced))
    start, played = time.monotonic(), []
    for moment, drawn in draw_stream(session, source):
        played.append(Shown(moment, drawn.readings, drawn.pixels, time.monotonic() - start - moment))
    return played


def print_figures(played: list[Shown], count: int, cpu: float, *, patient: bool) -> None:
    """Print the rate, the lag, and how the readings of the pictures follow the driver's; `cpu` is that of a frame.

    All pictures count, and only pictures: none is shown that was not drawn from a frame of its own.
    """
    print(f"{len(played)} of {count} frames; {cpu:.3f} s of processor time for one, that of the driver's film included")
    if not patient:
        seconds = played[-1].moment + played[-1].lag - played[0].moment
        lags = [shown.lag for shown in played]
        print(f"{len(played) / seconds:.1f} frames a second")
        print(f"lag: median {statistics.median(lags):.3f} s, 95 % below {np.quantile(lags, 0.95):.3f} s")
    pairs = []
    for shown in played:
        out = read_controls(load_analyzer(), to_img(shown.pixels))
        pairs.append((shown.readings if shown.readings is not None else np.full(len(CONTROLS), np.nan), out))
    _print_correlations(pairs)


def make_driver(studio: Studio, seed: int, count: int) -> list[np.ndarray]:
    """Return the frames of a camera that sees a face in motion: uint8 `[240, 320, 3]`."""
    puppet = make_studio_puppet(studio, studio.generate(seed))
    frames = []
    for number in range(count):
        moment, targets = number / FPS, puppet.rest.copy()
        for name, period in PERIODS.items():
            index, wave = puppet.names.index(name), np.sin(2 * np.pi * moment / period)
            centered = AMPLITUDES[name] * (wave if name in ("yaw", "pitch", "smile") else 0.5 + 0.5 * wave)
            targets[index] = centered
        face = Image.fromarray(to_pixels(puppet.draw(targets, 512))).resize((SIDE, SIDE))
        still = Image.new("RGB", (640, 480), (90, 95, 100))
        still.paste(face, (120, 40))
        shot = camera_frame(moment, (320, 240), width=620, shake=0.4)
        frames.append(np.asarray(render_shot(still, shot)))
    assert frames[0].shape[:2] == SIZE[::-1]
    return frames


def _print_correlations(rows: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Print the correlation of each control in the drawn pictures with the driver's, and their spread."""
    seen = [pair for pair in rows if np.isfinite(pair[0]).all()]
    driver, drawn = (np.stack(column) for column in zip(*seen, strict=True))
    print(f"a face was seen in {len(seen)} of {len(rows)} frames")
    for index, name in enumerate(CONTROLS):
        if driver[:, index].std() > 0 and drawn[:, index].std() > 0:
            correlation = np.corrcoef(driver[:, index], drawn[:, index])[0, 1]
            print(
                f"{name:<12} correlation {correlation:.3f}, gain {drawn[:, index].std() / driver[:, index].std():.2f}"
            )


if __name__ == "__main__":
    main()
