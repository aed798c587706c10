"""Shows the connected sources side by side."""

from pointsman_sdk import Arrangement, Policy, Rect, Scene, Tile, load_schema

policy = Policy(
    name="{{name}}",
    version="0.1.0",
    description="Shows the connected sources side by side.",
    config_schema=load_schema(__file__),
)


@policy.layout
def arrange(scene: Scene, config: dict) -> Arrangement:
    canvas, gap = scene.canvas, config["gap"]
    shown = [source for source in scene.sources if source.connected]
    arrangement = Arrangement(reason=f"{len(shown)} side by side")
    for index, source in enumerate(shown):
        width = (canvas.width - (len(shown) - 1) * gap) / len(shown)
        area = Rect(index * (width + gap), 0, width, canvas.height)
        arrangement.tiles.append(Tile(source.id, area, part=source.filling_part(area)))
    return arrangement
