"""A marimo notebook on the Studio. Run it with `marimo edit examples/studio_notebook.py`."""

import marimo

app = marimo.App(width="medium", app_title="faceloom")


@app.cell
def _():
    import marimo as mo

    from faceloom import Studio, open_photo
    from faceloom.assets.cache import open_asset
    from faceloom.images import to_img
    from faceloom.invert.budget import EncodeConfig
    from faceloom.workflows import inspect

    studio = Studio()
    return EncodeConfig, inspect, mo, open_asset, open_photo, studio, to_img


@app.cell
def _(mo, open_asset):
    samples = {path.stem: path for path in sorted(open_asset("portraits").iterdir()) if path.suffix in (".jpg", ".png")}
    portrait = mo.ui.dropdown(samples, value="astronaut", label="portrait")
    seconds = mo.ui.slider(2, 60, value=10, label="seconds", show_value=True)
    mo.hstack([portrait, seconds], justify="start")
    return portrait, seconds


@app.cell
def _(EncodeConfig, inspect, mo, open_photo, portrait, seconds, studio, to_img):
    photo = open_photo(portrait.value)
    person = studio.encode(photo, config=EncodeConfig(seconds=seconds.value))
    crop = studio.align(photo, studio.choose(photo).face, 512).image
    comparison = inspect.compare_to_photo(studio, person, to_img(crop))
    difference = (comparison.distance_map / comparison.distance_map.max() * 255).astype("uint8")
    mo.vstack(
        [
            mo.hstack(
                [
                    mo.image(crop, width=256),
                    mo.image(studio.render(person, 512), width=256),
                    mo.image(difference, width=256),
                ]
            ),
            mo.md(
                f"Photo, likeness, and their difference (LPIPS-VGG16 {comparison.distance:.3f}). {dict(person.quality)}"
            ),
        ]
    )
    return (person,)


@app.cell
def _(mo):
    age = mo.ui.slider(-40, 40, value=0, label="years", show_value=True)
    yaw = mo.ui.slider(-30, 30, value=0, label="turn in degrees", show_value=True)
    mo.hstack([age, yaw], justify="start")
    return age, yaw


@app.cell
def _(age, mo, person, studio, yaw):
    result = studio.edit(person, {"age": age.value, "yaw": yaw.value})
    mo.vstack(
        [
            mo.image(studio.render(result.person, 512), width=384),
            mo.md(f"AI-generated. Identity similarity: {result.identity:.2f}. Attributes: {dict(result.after)}"),
        ]
    )
    return


@app.cell
def _(inspect, mo, person, studio):
    rows = [
        {"layer": style.layer, "px": style.resolution, "group": style.group, "rarity": style.rarity}
        for style in inspect.layer_styles(studio, person)
    ]
    mo.ui.table(rows, label="Style of every layer; a rarity of 1 is average")
    return


if __name__ == "__main__":
    app.run()
