"""Draw a sheet of people in styles, one row a person, the face without a style first.

python recipes/styles/sheet.py STYLE [STYLE ...] -o sheet.png [--seeds 3,12,25] [--size 512] [--strength 1]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from faceloom.images import make_contact_sheet, save_picture
from faceloom.workflows.studio import Studio
from faceloom.workflows.styling import load_style

SEEDS = "3,12"


def main() -> None:
    """Draw and save the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+", help="names or files of styles")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture")
    parser.add_argument("--seeds", default=SEEDS, help="seeds of the people, separated by commas")
    parser.add_argument("--size", type=int, default=512, help="side of one face in pixels")
    parser.add_argument("--strength", type=float, default=1.0, help="strength of every style")
    args = parser.parse_args()
    studio, styles = Studio(precision="bf16"), [load_style(name) for name in args.styles]
    pictures = []
    for seed in map(int, args.seeds.split(",")):
        person = studio.generate(seed)
        drawn = [person, *(studio.draw_in_style(person, style, args.strength) for style in styles)]
        pictures += [studio.render(one) for one in drawn]
    sheet = make_contact_sheet(pictures, len(styles) + 1, args.size)
    save_picture(sheet, args.output, ai_generated=True, origin=studio.made_by)


if __name__ == "__main__":
    main()
