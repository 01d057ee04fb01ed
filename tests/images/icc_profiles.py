"""Small color profiles for tests. Source: ICC.1:2001-04 (version 2)."""

from __future__ import annotations

import struct

import numpy as np

P3 = {"r": (0.51512, 0.24120, -0.00105), "g": (0.29198, 0.69225, 0.04189), "b": (0.15710, 0.06657, 0.78407)}
ADOBE = {"r": (0.60974, 0.31111, 0.01947), "g": (0.20528, 0.62567, 0.06087), "b": (0.14919, 0.06322, 0.74457)}
SRGB_TO_D50 = np.array([(0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410)])
D50 = np.array([0.9642, 1.0, 0.8249])


def make_rgb_profile(primaries: dict[str, tuple[float, float, float]], gamma: float) -> bytes:
    """Return a matrix profile with one gamma for all channels."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {f"{c}XYZ".encode(): xyz_tag(primaries[c]) for c in "rgb"} | {f"{c}TRC".encode(): curve for c in "rgb"}
    return make_profile(b"mntr", b"RGB ", b"XYZ ", tags)


def make_cmyk_profile(cyan_lab: tuple[float, float, float]) -> bytes:
    """Return a table profile with two levels per channel: no ink is white, only cyan is `cyan_lab`, all else black."""
    table = np.tile(np.array([0, 128, 128], np.uint8), (16, 1))
    table[0] = 255, 128, 128
    lightness, a, b = cyan_lab
    table[8] = round(lightness * 2.55), round(a + 128), round(b + 128)  # cyan varies slowest
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + table.tobytes() + ramp * 3
    return make_profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def xyz_tag(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


def make_profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(79)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": xyz_tag(tuple(D50))} | tags
    directory, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for signature, data in tags.items():
        data += bytes(-len(data) % 4)
        directory += signature + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02400000, kind, space, connection)
    head += (
        struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
        + bytes(28)
        + struct.pack(">3i", *(round(v * 65536) for v in D50))
    )
    return head.ljust(128, b"\0") + directory + body


def encode_srgb(xyz_d50: np.ndarray) -> np.ndarray:
    """Convert XYZ (D50) to sRGB levels 0...255, clamped."""
    linear = (np.linalg.inv(SRGB_TO_D50) @ xyz_d50).clip(0, 1)
    return np.asarray(255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def srgb_of_rgb(
    levels: tuple[int, int, int], primaries: dict[str, tuple[float, float, float]], gamma: float
) -> np.ndarray:
    """Return the sRGB levels of a color under the matrix profile."""
    return encode_srgb(np.array([primaries[c] for c in "rgb"]).T @ (np.array(levels) / 255) ** gamma)


def srgb_of_lab(lightness: float, a: float, b: float) -> np.ndarray:
    """Convert CIE Lab (D50) to sRGB levels."""
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    return encode_srgb(D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)))
