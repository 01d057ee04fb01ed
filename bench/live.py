"""`python -m bench.live -o DIR`: rate, lag and faithfulness of the live mirror, with a film as the camera.

The film shows a generated face that turns its head and smiles, seen by a camera that drifts. It is played in real time;
frames that come while another is drawn are skipped. The lag of a frame is the time from its arrival to its picture,
and the processor time says what an idle machine needs. The readings of the drawn faces are compared with the driver's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench.moving import SIZE, camera_frame, render_shot
from faceloom.cameras import NewestFrame
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.film import save_film
from faceloom.edit.puppet import CONTROLS, read_controls
from faceloom.images import make_contact_sheet, to_img, to_pixels
from faceloom.memory import keep_memory
from faceloom.workflows.live import LiveSession, in_real_time, make_look, make_studio_puppet
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
    paced = in_real_time(driver, FPS)
    source = ((i / FPS, frame) for i, frame in enumerate(driver)) if options.patient else iter(NewestFrame(paced))
    start, begin_cpu = time.monotonic(), time.process_time()
    lags, rows, cells, pictures = [], [], [], []
    for moment, frame in source:
        drawn = session.draw(frame, moment)
        lags.append(time.monotonic() - start - moment)
        out = read_controls(load_analyzer(), to_img(Image.fromarray(drawn.pixels)))
        rows.append((drawn.readings if drawn.readings is not None else np.full(len(CONTROLS), np.nan), out))
        pictures.append(drawn.pixels)
        cells += [Image.fromarray(frame).resize((340, 255)).crop((42, 0, 297, 255)), Image.fromarray(drawn.pixels)]
    wall, cpu = time.monotonic() - start, time.process_time() - begin_cpu
    print(
        f"{len(rows)} of {len(driver)} frames, {len(rows) / wall:.1f} a second, processor {cpu / len(rows):.3f} s each"
    )
    if not options.patient:
        print(f"lag: median {statistics.median(lags):.3f} s, 95 % below {np.quantile(lags, 0.95):.3f} s")
    _print_correlations(rows)
    save_film(iter(pictures), options.out / "live.mp4", FPS)
    pairs = [cell for i in np.linspace(0, len(rows) - 1, 15).astype(int) for cell in cells[2 * i : 2 * i + 2]]
    make_contact_sheet(pairs, 6, 192).save(options.out / "live.png")


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
