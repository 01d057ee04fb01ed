"""Films from frames: MP4 with the extra `video`, animated WebP and GIF without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from PIL import Image

from faceloom.errors import ImageError, MissingExtra, ShapeError, StoreError
from faceloom.files import atomic_write
from faceloom.images.sound import open_track
from faceloom.images.tensors import Pixels
from faceloom.marks.credentials import MIME_TYPES, can_sign, sign_file
from faceloom.marks.origin import Origin
from faceloom.marks.payload import Payload
from faceloom.marks.source_type import LAYERS, make_comment, make_xmp
from faceloom.marks.watermark import embed

CRF = 17  # quality of H.264: 0 is lossless, 51 the worst; below 18 faces show no difference
WEBP_QUALITY = 88  # 0...100
BT709 = 1  # code of the primaries, transfer and matrix that players expect of a film of this size


def save_film(
    frames: Iterable[Pixels],
    path: Path | str,
    fps: float = 25,
    *,
    composite: bool = False,
    sound: Path | None = None,
    origin: Origin | None = None,
) -> Path:
    """Write frames as MP4 (H.264), animated WebP or GIF, by the path's suffix, and return the path.

    Convention: each frame is uint8 `[h, w, 3]`, RGB, all of one size; MP4 needs even sides and drops an odd last row
    or column. MP4 takes the frames one by one; the others keep all of them in memory. WebP and GIF loop forever.
    The file is written completely or not at all. It carries the marks of `save_picture`, every frame the watermark,
    which say that it is AI-generated, or with `composite` that a part of it is. MP4 copies the `sound` of another film
    without encoding it again, for the duration of the frames, if MP4 supports its format, and encodes that of a WAV,
    FLAC or MP3 file as AAC.
    Raises ImageError for another suffix, no frames or a rate out of range, ShapeError for frames that differ in size,
    MissingExtra for MP4 without PyAV, StoreError when the disk refuses.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ImageError(
            f"cannot write a film to '{path.suffix or path.name}': expected {', '.join(_WRITERS)}", "rename it"
        )
    if not 1 <= fps <= 120:
        raise ImageError(f"{fps} frames a second", "use 1 to 120")
    if write is _write_mp4:
        _require_av()
        write = partial(_write_mp4, sound=sound)
    checked_frames = _check_shapes(frames)
    first = next(checked_frames, None)
    if first is None:
        raise ImageError("a film without frames", "give at least one frame")
    origin = origin or Origin()
    mark = FilmMark(Payload.of(origin.kind(composite), origin.generator), LAYERS if can_sign() else LAYERS[:2])
    with atomic_write(path) as draft:
        write(draft, (embed(frame, mark.payload) for frame in chain([first], checked_frames)), fps, mark)
        if mark.layers == LAYERS:
            sign_file(draft, MIME_TYPES[path.suffix.lower()], origin, mark.payload.kind)
    return path


@dataclass(frozen=True)
class FilmMark:
    """The message of a film's watermark, and the layers of marks that its metadata state."""

    payload: Payload
    layers: tuple[str, ...]


def _check_shapes(frames: Iterable[Pixels]) -> Iterator[Pixels]:
    shape = None
    for frame in frames:
        shape = shape or frame.shape
        if frame.shape != shape or frame.ndim != 3:
            raise ShapeError(
                f"frames: expected {list(shape)}, got {list(frame.shape)}", "render all frames in one size"
            )
        yield frame


def _require_av() -> None:
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise MissingExtra("writing MP4", "video") from error


def _write_mp4(draft: Path, frames: Iterator[Pixels], fps: float, mark: FilmMark, sound: Path | None = None) -> None:
    from fractions import Fraction

    import av

    first = next(frames)
    height, width = (side - side % 2 for side in first.shape[:2])
    try:
        with ExitStack() as stack:
            container = stack.enter_context(av.open(str(draft), "w", options={"movflags": "+faststart"}))
            container.metadata["comment"] = make_comment(mark.payload.kind, mark.layers)
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": str(CRF), "preset": "medium"}
            context = stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = BT709
            track = stack.enter_context(open_track(sound, container)) if sound else None
            for i, pixels in enumerate(chain([first], frames), start=1):
                frame = av.VideoFrame.from_ndarray(pixels[:height, :width].copy(), format="rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
                if track:
                    track.write_until(i / fps)
            container.mux(stream.encode())
            if track:
                track.finish()
    except av.FFmpegError as error:
        raise StoreError(f"cannot write the film: {error}", "is the disk full?") from error


def _write_webp(draft: Path, frames: Iterator[Pixels], fps: float, mark: FilmMark) -> None:
    first, *rest = (Image.fromarray(pixels) for pixels in frames)
    xmp = make_xmp(mark.payload.kind, layers=mark.layers)
    duration = round(1000 / fps)
    first.save(
        draft, "WEBP", save_all=True, append_images=rest, duration=duration, loop=0, quality=WEBP_QUALITY, xmp=xmp
    )


def _write_gif(draft: Path, frames: Iterator[Pixels], fps: float, mark: FilmMark) -> None:
    first, *rest = (Image.fromarray(pixels).quantize(256) for pixels in frames)
    comment = make_comment(mark.payload.kind, mark.layers)
    first.save(draft, "GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, comment=comment)


_WRITERS: dict[str, Callable[[Path, Iterator[Pixels], float, FilmMark], None]] = {
    ".mp4": _write_mp4,
    ".webp": _write_webp,
    ".gif": _write_gif,
}
