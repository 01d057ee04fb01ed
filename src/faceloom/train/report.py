"""The report of a run: an HTML page with its settings, their reasons, its curves and its images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from faceloom.files import atomic_write
from faceloom.images.save import save_animation
from faceloom.train import stats
from faceloom.train.config import TrainConfig
from faceloom.train.health import Finding, examine
from faceloom.train.plots import Curve, plot
from faceloom.train.snapshot import kimg_of

PAGE, FILM = "report.html", "film.webp"
MAX_FRAMES = 60
"""Maximum number of frames of the film."""
FILM_CELLS = (8, 4)
"""Columns and rows of generated images in the film."""

STYLE = """
:root{color-scheme:light dark;--ink:#22262b;--paper:#fbfbf9;--faint:#8a9099;--line:#dfe1e4}
@media(prefers-color-scheme:dark){:root{--ink:#e4e6e9;--paper:#17191c;--line:#33373d}}
body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:var(--ink);
background:var(--paper)}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2.2rem}small,figcaption span{font-size:.85rem}
figure{margin:1.2rem 0}figcaption span{margin-left:.8em}svg,img{width:100%;height:auto;display:block}
img{image-rendering:auto;border-radius:4px}polyline{fill:none;stroke-width:1.6}text{font-size:11px;fill:var(--faint)}
.grid{stroke:var(--line)}.level{stroke:var(--faint);stroke-dasharray:5 4}
.finding{border-left:4px solid #c05621;padding:.4rem .9rem;margin:1rem 0}.fine{border-color:#2f855a}
table{border-collapse:collapse;width:100%;font-size:.9rem}td{border-top:1px solid var(--line);padding:.3rem .5rem;
vertical-align:top}td:first-child{white-space:nowrap;font-family:ui-monospace,monospace}
"""


def write(folder: Path, config: TrainConfig, options: Mapping[str, Any]) -> Path:
    """Write the report and its film. Raises StoreError when the disk cannot be written."""
    lines = stats.read(folder / stats.FILE)
    save_film(folder, config)
    with atomic_write(folder / PAGE) as temp_path:
        temp_path.write_text(render_page(folder, config, options, lines), encoding="utf-8")
    return folder / PAGE


def render_page(
    folder: Path, config: TrainConfig, options: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> str:
    """Return the report as HTML: one file without scripts; its images are files beside it."""
    kimg = max((line.get("kimg", 0) for line in lines), default=0)
    last: Mapping[str, Any] = next((line for line in reversed(lines) if "sec_per_kimg" in line), {})
    summary = f"{config.width} x {config.height} px, {options.get('pictures', '?')} pictures, {config.family}"
    speed = f", {last['images_per_second']:.1f} images per second" if last else ""
    sheets = sorted(folder.glob("fakes*.png"), key=lambda path: kimg_of(path.name))
    parts = [
        f"<h1>{escape(folder.resolve().name)}</h1><small>{escape(summary)}; {kimg:g} thousand images{speed}</small>",
        _health(examine(lines, config)),
        _picture(FILM, "The same latents at every snapshot") if (folder / FILM).exists() else "",
        _picture(sheets[-1].name, f"Generated images after {kimg_of(sheets[-1].name):g} thousand training images")
        if sheets
        else "",
        _picture("reals.png", "Training images") if (folder / "reals.png").exists() else "",
        "<h2>Curves</h2>",
        *_curves(lines, config),
        "<h2>Settings and their reasons</h2>",
        _choices(config, options),
    ]
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(folder.name)}</title>"
    return f"<!doctype html><html lang=en>{head}<style>{STYLE}</style>{''.join(parts)}</html>\n"


def _health(findings: Sequence[Finding]) -> str:
    if not findings:
        return '<p class="finding fine">The measurements indicate no problem.</p>'
    return "".join(
        f'<p class="finding"><b>{escape(finding.what)}.</b> {escape(finding.advice)}.</p>' for finding in findings
    )


def _curves(lines: Sequence[Mapping[str, Any]], config: TrainConfig) -> list[str]:
    def curve(name: str, label: str) -> Curve:
        return Curve(label, stats.column(lines, name))

    target = config.target if config.augment == "ada" else None
    return [
        *(plot(f"FID ({name})", [curve(name, "lower is better")]) for name in _fid_names(lines)),
        plot("Frechet distance (VGG16) to the training images", [curve("frechet_vgg16", "lower is better")]),
        plot(
            "Mean signs of D, and ADA's p",
            [curve("sign_real", "r_t"), curve("sign_fake", "of generated"), curve("p", "p")],
            level=target,
        ),
        plot("D's scores", [curve("logits_real", "real"), curve("logits_fake", "generated")]),
        plot("Losses", [curve("loss_g", "G"), curve("loss_d", "D")]),
        plot("Diversity of the generated images", [curve("spread", "spread")]),
        plot("Gradient penalty, before its weight", [curve("penalty", "R1")]),
        plot("Path length", [curve("path_length", "now"), curve("path_mean", "mean")]),
        plot("Images per second", [curve("images_per_second", "")]),
    ]


def _fid_names(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the FIDs that were measured, such as fid50k_full."""
    return sorted({name for line in lines for name in line if name.startswith("fid")})


def _choices(config: TrainConfig, options: Mapping[str, Any]) -> str:
    why = {item["name"]: item["why"] for item in options.get("advice", ())}
    values = json.loads(json.dumps(config.__dict__))
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td><td>{escape(why.get(name, ''))}</td></tr>"
        for name, value in sorted(values.items(), key=lambda item: item[0] not in why)
    )
    return f"<table>{rows}</table>"


def _picture(name: str, caption: str) -> str:
    return f'<figure><figcaption><b>{escape(caption)}</b></figcaption><img src="{escape(name)}" alt=""></figure>'


def save_film(folder: Path, config: TrainConfig) -> Path | None:
    """Save the first images of all sheets as a looping film; return None when there are fewer than two sheets."""
    sheets = sorted(folder.glob("fakes*.png"), key=lambda path: kimg_of(path.name))
    if len(sheets) < 2:
        return None
    count = min(len(sheets), MAX_FRAMES)
    chosen = [sheets[round(i * (len(sheets) - 1) / (count - 1))] for i in range(count)]
    frames = [_crop_sheet(path, config) for path in chosen]
    times = [250] * (count - 1) + [2500]
    return save_animation(frames, folder / FILM, times)


def _crop_sheet(path: Path, config: TrainConfig) -> Image.Image:
    with Image.open(path) as sheet:
        width, height = (
            min(n * size, edge)
            for n, size, edge in zip(FILM_CELLS, (config.width, config.height), sheet.size, strict=True)
        )
        return sheet.convert("RGB").crop((0, 0, width, height))
