"""Conversion of decoded pictures, in any Pillow mode and with any color profile, to 8-bit sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

BACKGROUND = (255, 255, 255)
"""RGB color behind transparent pixels: white, as in a browser."""

MAX_PROFILE = 4 * 2**20
"""Maximum size of a color profile in bytes; the largest printing profiles have 2-3 MB."""

_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # color space of a profile -> Pillow mode


def to_srgb(image: Image.Image, *, keeps_channels: bool = False) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert a decoded picture of any mode to sRGB on BACKGROUND; return it with notes for the user.

    With `keeps_channels`, gray stays gray (modes L, and I;16 for 16 bits), and a picture with a transparent pixel stays
    RGBA.

    Convention: 16-bit gray is scaled (x / 257), not clipped; a color profile is applied relative-colorimetrically with
    black-point compensation; without a profile, RGB and gray are taken as sRGB.
    """
    notes: list[str] = []
    profile = image.info.get("icc_profile")
    alpha, is_gray = None, image.mode in ("L", "LA", "La", "1")
    if image.mode.startswith(("I", "F")):
        if keeps_channels:
            return _to_sixteen_bits(image), ()
        image = _to_eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        notes += [] if keeps_channels else ["transparent parts: shown on white"]
        image = image.convert("RGB")
    elif image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image, is_applied = _apply_profile(image, profile)
        if not is_applied:
            notes.append("the color profile cannot be used: colors may be slightly wrong")
    if keeps_channels and (alpha is None or alpha.getextrema() == (255, 255)):
        return image.convert("L" if is_gray else "RGB"), tuple(notes)
    image = image.convert("RGB")
    if alpha is not None and keeps_channels:
        image.putalpha(alpha)
    elif alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, BACKGROUND), alpha)
    return image, tuple(notes)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit gray to 8 bits: Pillow's own conversion would clip everything above 255 to white."""
    levels = np.asarray(image).astype(np.float32) / 257
    return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))


def _to_sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.float32).round().clip(0, 65535).astype(np.uint16))


def _apply_profile(image: Image.Image, data: bytes) -> tuple[Image.Image, bool]:
    """Convert from the profile's color space to sRGB; return the image, and whether the profile could be used."""
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
