"""`python -m bench.anonymise DATA --judges FOLDER`: are anonymised people recognized by networks that we did not train?

Every portrait of the validation split, and then of the training split, is anonymised alone. The judges of identity are
dlib's network and SFace, which took no part. For pairs of pictures of one person, both new faces are compared, too.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bench.evaluators import SAME, Evaluators
from bench.sface import SAME_COSINE, SFace
from faceloom.images import Photo
from faceloom.workflows.anonymise import AnonymiseConfig, Anonymiser
from faceloom.workflows.studio import Studio


def portraits(data: Path, count: int, first: int = 0) -> Iterator[tuple[str, str, Image.Image]]:
    """Yield file, person and picture: validation first, pictures of one person after each other."""
    with (data / "faces.csv").open(newline="") as table, zipfile.ZipFile(data / "faces.zip") as pictures:
        rows = [row for row in csv.DictReader(table) if row["source"] not in ("sd3", "sfhq_t2i")]
        rows.sort(key=lambda row: (row["split"] != "val", not row["smile"], row["person"] or row["file"]))
        for row in rows[first : first + count]:
            picture = Image.open(io.BytesIO(pictures.read(row["file"]))).convert("RGB")
            yield row["file"], row["person"] or row["file"], picture


def main() -> None:
    """Measure, and write one JSON line for each portrait, then the figures of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--judges", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, required=True, help="file of results, and a folder of pictures beside it"
    )
    options = parser.parse_args()
    evaluators, sface, studio = Evaluators(options.judges), SFace(options.judges), Studio()
    anonymiser = Anonymiser(studio, AnonymiseConfig(seed=options.seed))
    pictures = options.output.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    with options.output.open("a") as results:
        for file, person, photo in portraits(options.data, options.count, options.first):
            begin, begin_cpu = time.perf_counter(), time.process_time()
            done = anonymiser.photo(Photo(photo))
            seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
            done.image.save(pictures / f"{Path(file).stem}.png")
            before, after = (np.asarray(image) for image in (photo, done.image))
            identity = evaluators.read([before, after]).identity
            row = {
                "file": file,
                "person": person,
                "faces": [face.how for face in done.faces],
                "met": [face.person for face in done.faces],
                "similarity": [face.similarity for face in done.faces if face.person is not None],
                "dlib": float(np.linalg.norm(identity[0] - identity[1])),
                "sface": float(sface.read(before) @ sface.read(after)),
                "seconds": seconds,
                "cpu": cpu,
                "identity": identity[1].round(4).tolist(),
            }
            results.write(json.dumps(row) + "\n")
            results.flush()
    print(json.dumps(summarize(options.output), indent=2))


def summarize(path: Path) -> dict[str, float | int]:
    """Return the figures of a file of results."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    replaced = [row for row in rows if row["faces"] == ["replaced"]]
    dlib, cosine = (np.array([row[name] for row in replaced]) for name in ("dlib", "sface"))
    first: dict[str, np.ndarray] = {}
    pairs = []
    for row in replaced:
        identity = np.array(row["identity"])
        if row["person"] in first:
            pairs.append(float(np.linalg.norm(first[row["person"]] - identity)))
        first.setdefault(row["person"], identity)
    return {
        "portraits": len(rows),
        "replaced": len(replaced),
        "blurred": sum("blurred" in row["faces"] for row in rows),
        "without a face": sum(not row["faces"] for row in rows),
        "dlib, median distance": float(np.median(dlib)),
        "dlib, beyond the threshold": float((dlib > SAME).mean()),
        "SFace, median cosine": float(np.median(cosine)),
        "SFace, beyond the threshold": float((cosine < SAME_COSINE).mean()),
        "both": float(((dlib > SAME) & (cosine < SAME_COSINE)).mean()),
        "pairs of one person": len(pairs),
        "new faces of a pair alike for dlib": float(np.mean(np.array(pairs) < SAME)) if pairs else float("nan"),
        "CPU seconds a face, median": float(np.median([row["cpu"] for row in rows])),
    }


if __name__ == "__main__":
    main()
