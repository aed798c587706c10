"""Shows the connected sources in the smallest square grid that holds them. See `sdk/fixtures`."""

import math

from pointsman_sdk import Arrangement, Policy, PolicyError, Rect, Scene, Tile, load_schema

policy = Policy(
    name="even-grid",
    version="1.0.0",
    description="Shows the connected sources in a grid.",
    config_schema=load_schema(__file__),
)


@policy.layout
def arrange(scene: Scene, config: dict) -> Arrangement:
    shown = [source for source in scene.sources if source.connected]
    if not shown:
        return Arrangement(reason="no source is connected")
    gap, canvas = config["gap"], scene.canvas
    columns = math.isqrt(len(shown) - 1) + 1
    rows = -(-len(shown) // columns)
    width = (canvas.width - (columns + 1) * gap) / columns
    height = (canvas.height - (rows + 1) * gap) / rows
    if width <= 0 or height <= 0:
        raise PolicyError(f"a gap of {gap} leaves no room for {columns} x {rows} tiles")

    def place(index: int) -> Rect:
        row, column = divmod(index, columns)
        return Rect(gap + column * (width + gap), gap + row * (height + gap), width, height)

    noun = "source" if len(shown) == 1 else "sources"
    return Arrangement(
        tiles=[Tile(source.id, place(index)) for index, source in enumerate(shown)],
        reason=f"{len(shown)} {noun} in {columns} x {rows}",
    )
