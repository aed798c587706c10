"""Plays the clip that was not played for longest."""

from pointsman_sdk import Clip, Library, Policy, PolicyError, SelectionRequest, load_schema

policy = Policy(
    name="{{name}}",
    version="0.1.0",
    description="Plays the clip that was not played for longest.",
    config_schema=load_schema(__file__),
)


@policy.selection
def select(request: SelectionRequest, library: Library, config: dict) -> Clip:
    # The library hands out the least recently played first.
    for asset in library.page(tag=config.get("tag"), limit=1):
        return Clip(asset.id, reason="not played for longest")
    raise PolicyError("no clip fits")
