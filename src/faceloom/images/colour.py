"""Any of Pillow's modes and colour profiles -> 8-bit sRGB. Knows pixels and profiles, not files."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

BACKGROUND = (255, 255, 255)
"""What shows through transparent pixels: white, as in a browser."""

MAX_PROFILE = 4 * 2**20  # bytes; the largest printing profiles have 2-3 MB
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space -> the mode it speaks of


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Turn a decoded picture of any mode into plain sRGB on BACKGROUND, and say what a user may care about.

    Convention: 16-bit grey is scaled (x / 257), never clipped; a colour profile is converted relative-colorimetrically
    with black-point compensation; without one, RGB and grey count as sRGB.
    """
    notes: list[str] = []
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        notes.append("transparent parts: shown on white")
        image = image.convert("RGB")
    elif image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image, understood = _convert_profile(image, profile)
        if not understood:
            notes.append("the colour profile cannot be used: colours may be a little off")
    image = image.convert("RGB")
    if alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, BACKGROUND), alpha)
    return image, tuple(notes)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey: Pillow's own convert would clip everything above 255 to white."""
    levels = np.asarray(image).astype(np.float32) / 257
    return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))


def _convert_profile(image: Image.Image, data: bytes) -> tuple[Image.Image, bool]:
    if len(data) > MAX_PROFILE:
        return image, False
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space
        if space == "RGB " and (profile.profile.profile_description or "").startswith("sRGB"):
            return image, True
        if _MODES.get(space) != image.mode and (space != "RGB " or image.mode != "L"):
            return image, False
        converted = ImageCms.profileToProfile(
            image.convert(_MODES[space]),
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, False
    return (converted, True) if converted is not None else (image, False)
